#include "cli/export_options.h"

#include <CLI/CLI.hpp>

namespace avouch::cli {
namespace {

constexpr const char* kInToto = "in-toto";

}  // namespace

void add_export(CLI::App& app, const std::function<std::string(const std::string&)>& is_index,
                const std::function<void(ExportCommand)>& run, ExportOptions& options) {
  CLI::App* sub = app.add_subcommand(
      "export", "Writes the proof that an entry is in the log, for others to check offline");
  sub->add_option("index", options.index, "Index of the entry")->required()->check(is_index);
  sub->add_option("--format", options.format,
                  "tlog-proof: C2SP tlog-proof, with the entry inside; cose: the entry as a SCITT "
                  "transparent statement, with the log's COSE Receipt; in-toto: the verdict as an "
                  "in-toto statement with its content, signed by --key")
      ->check(CLI::IsMember({"tlog-proof", "cose", kInToto}))
      ->capture_default_str();
  sub->add_option("--key", options.key,
                  "File with your private key, for --format in-toto: PKCS#8 in PEM, not encrypted");
  sub->add_option("-f,--file", options.file, "File to write; default: standard output");
  sub->add_option("--preimage", options.preimage, "Also write the entry's content to this file");
  sub->add_flag_callback(
      "--force", [&options] { options.if_there = IfThere::kReplace; }, kForceHelp);
  sub->add_flag("--witnessed", options.witnessed,
                "Under the newest checkpoint that a quorum of witnesses has cosigned");
  sub->final_callback([&options, run] {
    run([&options](const Context& context) { return export_entry(context, options); });
  });
}

std::string export_problem(const ExportOptions& options) {
  if (!options.file.empty() && options.file == options.preimage) {
    return "--file and --preimage name the same file: give two names";
  }
  const bool is_in_toto = options.format == kInToto;
  if (is_in_toto && options.key.empty()) {
    return "--format in-toto needs --key: the statement is yours, and signed by you. A new key: "
           "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem";
  }
  if (!is_in_toto && !options.key.empty()) {
    return "--key is for --format in-toto: nothing else is signed by you";
  }
  return "";
}

void add_proof_options(CLI::App& verify_proof, ProofFileOptions& options) {
  verify_proof.add_option("file", options.proof, "The proof's file")->required();
  verify_proof.add_option("--preimage", options.preimage,
                          "File with the entry's content, as export --preimage wrote it, or what "
                          "another party's statement is about");
  verify_proof.add_option(
      "--log-policy", options.log_policy,
      "C2SP tlog-policy file: which witnesses must have cosigned the checkpoint");
  verify_proof.add_option(
      "--issuer-keys", options.issuer_keys,
      "File with the public keys (PEM) of the issuer of another party's statement");
  verify_proof.add_option("--receipt", options.receipt,
                          "File with the receipt that a log answered for the statement in FILE, "
                          "where that has none inside");
  verify_proof.add_option("--signer-keys", options.signer_keys,
                          "File with the public keys (PEM) of those who may have signed an in-toto "
                          "statement");
}

}  // namespace avouch::cli
