#include "cli/offline.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <utility>

#include "adapters/case_folder.h"
#include "adapters/file_material.h"
#include "appraisal/log_dump.h"
#include "appraisal/offline.h"
#include "appraisal/pcr_list.h"
#include "base/listing.h"
#include "base/time_text.h"
#include "cli/files.h"
#include "inspect/proof.h"

namespace avouch::cli {
namespace {

using inspect::printable;

constexpr std::size_t kMaxBundleBytes = 4 * 1024 * 1024;

Appraised appraised_of(attest::Status status) {
  switch (status) {
    case attest::Status::kAffirming:
      return Appraised::kAffirming;
    case attest::Status::kWarning:
      return Appraised::kWarning;
    case attest::Status::kNone:
    case attest::Status::kContraindicated:
      break;
  }
  return Appraised::kContraindicated;
}

// The policy's trust bundles, all as this one file.
Result<void> take_trust_bundle(const std::string& file, const attest::PolicySpec& spec,
                               adapters::FileMaterial& material) {
  AVOUCH_TRY(const Bytes bytes, read_input(file, kMaxBundleBytes));
  const appraisal::ConfigMapData data{{file, std::string(as_text(bytes))}};
  if (auto read = attest::parse_trust_bundle(data); !read.has_value()) return read.error();
  for (const auto& name : spec.trust_bundles) material.set_config_map(name, data);
  return {};
}

void print_place(const attest::Reason& reason) {
  if (reason.event) {
    std::cout << "      boot log: event " << reason.event->number;
    if (reason.event->pcr) std::cout << ", PCR " << *reason.event->pcr;
    std::cout << '\n';
  }
  if (reason.line) {
    std::cout << "      " << printable(reason.line->file);
    if (reason.line->line > 0) std::cout << ", line " << reason.line->line;
    std::cout << '\n';
  }
  for (const attest::ReasonField& field : reason.fields) {
    std::cout << "      " << printable(field.name) << ": " << printable(field.value) << '\n';
  }
  if (!reason.suggestion.empty()) {
    std::cout << "      to accept it, add to a ReferenceManifest's spec: "
              << printable(reason.suggestion) << '\n';
  }
}

void print_text(const appraisal::OfflineVerdict& verdict) {
  const attest::PolicyResult& result = verdict.result;
  std::cout << printable(verdict.case_id.empty() ? "case" : verdict.case_id) << ": "
            << attest::status_name(result.status) << " under policy " << printable(result.name)
            << '\n';
  for (const attest::Reason& reason : result.reasons) {
    std::cout << "  " << printable(reason.code) << " (" << attest::status_name(reason.severity)
              << "): " << printable(reason.message) << '\n';
    print_place(reason);
  }
  for (std::size_t i = 0; i < attest::kClaimCount; ++i) {
    const auto claim = static_cast<attest::Claim>(i);
    if (result.vector[claim] == attest::kNotMeasured) continue;
    std::cout << "  " << attest::claim_name(claim) << ": " << int{result.vector[claim]} << " ("
              << attest::status_name(attest::tier_of(result.vector[claim])) << ")\n";
  }
  for (const std::string& rule : verdict.rules_used) {
    std::cout << "  accepted by the named rule " << printable(rule) << '\n';
  }
}

Result<void> check_case_folder(const std::string& folder) {
  namespace fs = std::filesystem;
  constexpr const char* kExpected = "expected the folder of one case, with meta.json in it";
  std::error_code failed;
  const fs::file_status status = fs::status(folder, failed);
  if (status.type() == fs::file_type::not_found) {
    return rejected(folder + ": there is no such folder; " + kExpected);
  }
  if (failed) return rejected(folder + ": " + failed.message());
  if (!fs::is_directory(status)) return rejected(folder + ": is no folder; " + kExpected);
  if (fs::exists(fs::path(folder) / "meta.json", failed) || failed) return {};
  return rejected(folder + ": meta.json is missing in this folder; " + kExpected);
}

// Beside each binary log the kernel has one for people.
bool is_text(ByteView log) {
  constexpr std::size_t kLooked = 64;
  const ByteView first = log.first(std::min(log.size(), kLooked));
  return !first.empty() && std::all_of(first.begin(), first.end(), [](std::uint8_t c) {
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
  });
}

}  // namespace

std::size_t shown_text() {
  return isatty(STDOUT_FILENO) == 1 ? appraisal::kTerminalText : appraisal::kWholeText;
}

Result<Appraised> eventlog(const EventlogOptions& options) {
  AVOUCH_TRY(const Bytes log, read_input(options.file, appraisal::kMaxRuntimeLogBytes));
  std::optional<tpm::PcrValues> pcrs;
  if (!options.pcrs_file.empty()) {
    AVOUCH_TRY(const Bytes text, read_input(options.pcrs_file, kMaxBundleBytes));
    auto read = appraisal::parse_pcr_list(as_text(text));
    if (!read.has_value()) return rejected(options.pcrs_file + ": " + read.error().message);
    pcrs = *std::move(read);
  }
  const auto dump = appraisal::dump_log(log, pcrs);
  if (!dump.has_value()) {
    return rejected(options.file + ": " + dump.reason().code + ": " + dump.reason().message +
                    (is_text(log) ? "; this is a text: expected a copy of binary_bios_measurements "
                                    "or binary_runtime_measurements"
                                  : ""));
  }
  if (options.output == "json") {
    std::cout << codec::to_json_pretty(appraisal::to_json(dump.value())) << '\n';
  } else if (options.output == "yaml") {
    std::cout << appraisal::to_yaml(appraisal::to_json(dump.value()));
  } else {
    std::cout << appraisal::to_table(dump.value(), shown_text());
  }
  return dump->problems.empty() ? Appraised::kAffirming : Appraised::kContraindicated;
}

Result<Appraised> appraise(const AppraiseOptions& options, Format format, Clock& clock) {
  SystemTime now = clock.now();
  if (!options.at.empty()) {
    auto at = from_rfc3339(options.at);
    if (!at.has_value()) return rejected("--at: " + at.error().message);
    now = *at;
  }
  AVOUCH_TRY(attest::Policy policy, adapters::read_policy_file(options.policy_file));
  adapters::FileMaterial material;
  if (!options.references_folder.empty()) {
    AVOUCH_CHECK(material.add_folder(options.references_folder));
  }
  if (!options.trust_bundle_file.empty()) {
    AVOUCH_CHECK(take_trust_bundle(options.trust_bundle_file, policy.spec, material));
  }
  const auto in_force = appraisal::resolve(std::move(policy), material, now);
  if (!in_force.problems.empty()) {
    constexpr std::size_t kShownProblems = 8;
    return rejected(options.policy_file + ": what it refers to cannot be used; " +
                    list_of_some(in_force.problems, kShownProblems));
  }
  AVOUCH_CHECK(check_case_folder(options.case_folder));
  adapters::CaseFolder folder(options.case_folder);
  auto stored = appraisal::read_case(folder);
  if (!stored.has_value()) return rejected(options.case_folder + ": " + stored.error().message);
  if (!options.node_name.empty()) stored->node_name = options.node_name;

  const appraisal::OfflineVerdict verdict = appraisal::appraise_case(*stored, in_force, now);
  if (format == Format::kJson) {
    std::cout << codec::to_json_pretty(appraisal::to_json(verdict)) << '\n';
  } else {
    print_text(verdict);
  }
  return appraised_of(verdict.result.status);
}

}  // namespace avouch::cli
