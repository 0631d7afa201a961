#include "cli/remark_options.h"

#include <CLI/CLI.hpp>

namespace avouch::cli {
namespace {

constexpr const char* kText =
    "What is to be said, on one line; readers of the log's content see it";

CLI::App* add_one(const RemarkCommandLine& line, LogRemarkOptions& options, tlog::RemarkKind kind,
                  const std::string& name, const std::string& what) {
  CLI::App* sub = line.leaf(name, what, [&options, kind](const Context& context) {
    options.kind = kind;
    return log_remark(context, options);
  });
  sub->add_option("--service-account", options.account,
                  "NAMESPACE/NAME of an account that may create what is said, and that you may "
                  "create tokens of: it is said in its name")
      ->required()
      ->check(line.is_account);
  sub->add_option("--material", options.material,
                  "TYPE:FILE that it rests on, such as application/pdf:report.pdf; only type and "
                  "SHA-256 go into the log; up to 16 times")
      ->allow_extra_args(false)
      ->check(material_problem);
  return sub;
}

// Of this log or of others.
void add_subjects(const RemarkCommandLine& line, CLI::App* sub, LogRemarkOptions& options) {
  sub->add_option("--proof", options.proofs,
                  "File of `export` with an entry of another log that this one trusts; up to 8 "
                  "times, with the indexes")
      ->allow_extra_args(false);
  sub->add_option("index", options.entries, "Indexes of entries of this log")->check(line.is_index);
}

}  // namespace

void add_remarks(const RemarkCommandLine& line, LogRemarkOptions& options) {
  using enum tlog::RemarkKind;
  CLI::App* endorse = add_one(line, options, kEndorsement, "endorse",
                              "Says in the log that what entries say was checked, and holds");
  endorse->add_option("--text", options.text, kText);
  add_subjects(line, endorse, options);

  CLI::App* dispute =
      add_one(line, options, kDispute, "dispute", "Says in the log that entries are wrong");
  dispute->add_option("--text", options.text, "What is wrong, on one line")->required();
  add_subjects(line, dispute, options);

  CLI::App* measure = add_one(line, options, kMeasurement, "measure",
                              "Puts values into the log that were measured of what entries are "
                              "about");
  measure
      ->add_option("--value", options.values,
                   "NAME=ALGORITHM:HEX, by sha256, sha384 or sha512; up to 16 times")
      ->allow_extra_args(false)
      ->required()
      ->check(value_problem);
  measure->add_option("--text", options.text, kText);
  add_subjects(line, measure, options);

  CLI::App* supersede = add_one(line, options, kSupersede, "supersede",
                                "Says in the log that what the account said in entries of this "
                                "log stands no more");
  supersede
      ->add_option("--replacement", options.replacement,
                   "Index of the entry of this account that takes their place")
      ->check(line.is_index);
  supersede->add_option("--text", options.text, kText);
  supersede->add_option("index", options.entries, "Indexes of its entries")
      ->required()
      ->check(line.is_index);

  CLI::App* erase = add_one(line, options, kErasure, "erase",
                            "Erases what an entry says, for good: the entry stays, and who erased "
                            "it, when and why is an entry of its own");
  erase
      ->add_option("--reason", options.text,
                   "Why, on one line; it stays in the log: name in it nobody who is to be erased")
      ->required();
  erase
      ->add_option("index", options.entries,
                   "Index of the entry: a node's or an admission verdict, or a remark")
      ->required()
      ->expected(1)
      ->check(line.is_index);
}

}  // namespace avouch::cli
