#pragma once

// Step two: what the proven part of the log says under a policy's rules (step one: log_replay.h).
//
// The caller keeps, for each node and policy, the Findings. When a quote has proven more, or the
// rules are others than before:
//
//   Judging judging(kept, rules, replayed.state, quote.pcrs());
//   feed it the stored bytes from judging.offset() to replayed.state.offset(), exactly
//   Judged j = judging.finish().value();            keep j.findings
//   conclude(j.findings, replayed.state, rules, coverage)       what the verdict says
//
// Findings under other rules, or of another boot, begin anew at offset 0, so whoever lets policies
// change keeps the whole boot's bytes; without them it begins that boot's log anew (ReplayState())
// and has the agent send it again. The bytes are authentic by ReplayState::log_digest(): the store
// need not be trusted.

#include <span>
#include <vector>

#include "attest/reason.h"
#include "attest/trust.h"
#include "runtimelog/coverage.h"
#include "runtimelog/entry_reader.h"
#include "runtimelog/findings.h"
#include "runtimelog/good_signatures.h"
#include "runtimelog/replay_state.h"
#include "runtimelog/rules.h"

namespace avouch::runtimelog {

struct Judged {
  Findings findings;
  std::vector<attest::Reason> reasons;  // in full, of the issues that are new in `findings`
  std::uint64_t signature_checks = 0;   // that it took
};

// One owner. Beside what it is fed it holds one entry's beginning. Costs at most one digest lookup,
// kMaxPatterns expressions and as many signature checks an entry as keys have its number (one).
// Once Findings::kMaxIssues entries are refused nothing accepts the log any more, and no signature
// is checked: what only a signature could accept is then counted as not judged.
class Judging {
 public:
  // `quoted` is of the quote that proved `proven`. `rules` must outlive it.
  Judging(const Findings& kept, const Rules& rules, const ReplayState& proven,
          tpm::PcrValues quoted);

  std::uint64_t offset() const { return start_; }

  // Of the entries so far. Another Judging goes on from its findings, at their offset.
  const Judged& so_far() const { return judged_; }

  // RuntimeLogChanged: bytes that are not entries.
  attest::Checked<attest::Passed> feed(ByteView piece);
  // RuntimeLogChanged: the bytes are not those that were proven.
  attest::Checked<Judged> finish();

 private:
  Judged judged_;
  std::uint64_t start_ = 0;
  const Rules& rules_;
  ReplayState proven_;
  const tpm::PcrValues quoted_;
  EntryReader reader_;
  GoodSignatures good_;  // by rules_
};

// The reason for an issue that was found before: `log` are the stored bytes from issue.offset on,
// kMaxEntry of them or as many as there are. Without the entry in them it is said in short.
attest::Reason explain_entry(const IssueReference& issue, ByteView log, const Rules& rules,
                             const tpm::PcrValues& quoted);
attest::Reason explain_in_short(const IssueReference& issue);

struct RuntimeResult {
  attest::Status status = attest::Status::kContraindicated;
  attest::TrustVector vector;  // executables only
  // One a kept issue, from `detailed` where it is there and else in short; then of the whole:
  // RuntimeLogMissing, RuntimeReplayWeak, how many more were refused. RuntimeNotMeasured, of
  // severity none, where nothing is claimed of executables.
  std::vector<attest::Reason> reasons;
};

// Affirming: the whole proven log is accepted. Executables are claimed only where every program was
// measured (`coverage`) and judged; else they stay "not measured".
RuntimeResult conclude(const Findings& findings, const ReplayState& proven, const Rules& rules,
                       Coverage coverage, std::span<const attest::Reason> detailed = {});

}  // namespace avouch::runtimelog
