#include "runtimelog/log_replay.h"

#include <utility>

#include "base/hex.h"
#include "runtimelog/codes.h"
#include "runtimelog/registers.h"

namespace avouch::runtimelog {

using attest::Checked;
using attest::Passed;
using attest::Reason;

LogReplay::LogReplay(const ReplayState& from, tpm::PcrValues quoted, const ReplayLimits& limits)
    : from_(from),
      quoted_(std::move(quoted)),
      limits_(limits),
      replay_(from_, quoted_),
      reader_(from_.entries(), from_.offset()) {
  look();
}

Checked<LogReplay> LogReplay::begin(const ReplayState& kept, const BootIdentity& boot,
                                    tpm::PcrValues quoted, const ReplayLimits& limits) {
  const ReplayState start = ReplayState::start(boot, quoted);
  bool any = false;
  bool same = kept.boot() == boot;
  for (const crypto::HashAlgorithm bank : kBanks) {
    any = any || start.has_bank(bank);
    same = same && kept.has_bank(bank) == start.has_bank(bank);
  }
  if (!any) {
    return attest::refuse(attest::code::kSelectionInsufficient,
                          "the quote does not cover PCR 10, which proves the runtime log: expected "
                          "PCR 10 in each bank of the policy");
  }
  return LogReplay(same ? kept : start, std::move(quoted), limits);
}

void LogReplay::look() {
  if (!proven_ && replay_.met()) proven_ = replay_.proven();
}

Result<void> LogReplay::take(const Entry& entry) {
  if (proven_) return {};
  if (replay_.extend(entry) == Replay::DigestField::kOfOtherData && wrong_digests_++ == 0) {
    first_wrong_ = entry_place(entry.number, entry.offset);
  }
  look();
  return {};
}

Checked<Passed> LogReplay::feed(ByteView piece) {
  auto fed = reader_.feed(piece, [this](const Entry& entry) { return take(entry); });
  if (!fed.has_value()) return attest::refuse(code::kLogMalformed, fed.error().message);
  const std::uint64_t entries = reader_.entries() - from_.entries();
  const std::uint64_t bytes = reader_.offset() - from_.offset();
  if (entries > limits_.entries || bytes > limits_.bytes) {
    return attest::refuse(code::kLogTooLong,
                          "runtime log: more than " + std::to_string(limits_.entries) +
                              " entries or " + std::to_string(limits_.bytes) +
                              " bytes since the last that a quote proved: quote more often");
  }
  return Passed{};
}

// Says nothing that changes with each file that is measured: every change of what is said of a node
// is an entry of the verdict log.
Reason LogReplay::why_not() const {
  if (reader_.entries() == 0) {
    return attest::refuse(code::kLogMissing,
                          "no runtime log, but PCR 10 was extended: expected the kernel's "
                          "binary_runtime_measurements; let the agent read it (the chart's "
                          "agent.measurements, hostPath and runtimeLog)");
  }
  std::string message =
      "runtime log: no entry " +
      (from_.entries() == 0 ? "" : "after " + std::to_string(from_.entries()) + " proven ones ") +
      "ends where PCR 10 has its value: the log is older than the value (read the PCR first, then "
      "the log), or entries were changed, left out or moved";
  if (!first_wrong_.empty()) {
    message += "; " + first_wrong_ + " is the first whose template digest is not that of its data";
  }
  return attest::refuse(code::kLogNotReplayed, std::move(message));
}

Checked<Replayed> LogReplay::finish() {
  if (auto ended = reader_.finish(); !ended.has_value()) {
    return attest::refuse(code::kLogMalformed, ended.error().message);
  }
  Replayed out;
  out.met = proven_.has_value();
  out.state = proven_ ? *proven_ : from_;
  out.unproven_entries = reader_.entries() - out.state.entries();
  out.unproven_bytes = reader_.offset() - out.state.offset();
  if (proven_) {
    out.wrong_template_digests = wrong_digests_;
  } else {
    out.reason = why_not();
  }
  return out;
}

}  // namespace avouch::runtimelog
