#include "appraisal/boot.h"

#include <algorithm>
#include <utility>

#include "bootlog/judge.h"
#include "bootlog/log.h"
#include "bootlog/replay.h"
#include "tpm/selection.h"

namespace avouch::appraisal {
namespace {

// PCRs that firmware and boot loaders extend, and nobody after them: these must be what the log
// says. Of the others (systemd extends 11, 12 and 15 while the machine runs) only those that are
// what it says count as proven.
constexpr std::uint32_t kBootPcrs = 0x43ff;

runtimelog::Coverage coverage_of(const std::vector<bootlog::CommandLine>& lines) {
  // Of several texts that may have been the command line, each must say so.
  const bool all = !lines.empty() && std::all_of(lines.begin(), lines.end(), [](const auto& line) {
    return runtimelog::coverage_of_command_line(line.text, line.names) ==
           runtimelog::Coverage::kExecutables;
  });
  return all ? runtimelog::Coverage::kExecutables : runtimelog::Coverage::kUnknown;
}

}  // namespace

attest::Checked<BootFindings> judge_boot_log(ByteView log, const attest::VerifiedQuote& quote,
                                             const PolicyInForce& policy) {
  if (log.empty()) {
    return attest::refuse(code::kBootLogMissing,
                          "the boot log is empty: boot the kernel through its EFI stub, so that it "
                          "takes the log over");
  }
  const auto read = bootlog::read_log(log);
  if (!read.has_value()) return read.reason();
  const attest::BootLogSpec& spec = *policy.policy.spec.boot_log;
  const auto replayed = bootlog::replay(read.value());
  const bootlog::BoundLog bound = bootlog::bind(read.value(), replayed, quote.pcrs());
  const bootlog::Meaning meaning = bootlog::read_meaning(bound, spec.quirks);

  BootFindings out;
  out.reasons = bootlog::compare(read.value(), replayed, quote.pcrs(), ~kBootPcrs);
  if (!out.reasons.empty()) out.vector[attest::Claim::kConfiguration] = attest::kUnacceptable;
  bootlog::BootJudgement judged = bootlog::judge(bound, meaning, spec, policy.boot_references.get(),
                                                 policy.boot_revocations.get());
  out.vector = attest::worse(out.vector, judged.vector);
  std::move(judged.reasons.begin(), judged.reasons.end(), std::back_inserter(out.reasons));
  for (const bootlog::CommandLine& line : meaning.command_lines) {
    out.command_lines.push_back(line.text);
  }
  if (meaning.unknown_command_lines.empty() && meaning.files_or_lines.empty()) {
    out.coverage = coverage_of(meaning.command_lines);
  }
  out.quirks_used = meaning.quirks_used;
  if (!out.quirks_used.empty()) {
    std::string names;
    for (const std::string& each : out.quirks_used) names += (names.empty() ? "" : ", ") + each;
    out.reasons.push_back({std::string(code::kBootQuirkUsed), attest::Status::kNone,
                           "the boot log deviates as some genuine firmware does, and "
                           "bootLog.quirks puts up with it: " +
                               names});
  }
  return out;
}

}  // namespace avouch::appraisal
