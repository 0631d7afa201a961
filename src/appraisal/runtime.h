#pragma once

// The two steps over a runtime log whose bytes are at hand (runtimelog/log_replay.h, judging.h).

#include <optional>
#include <vector>

#include "attest/quote.h"
#include "attest/reason.h"
#include "base/shared.h"
#include "runtimelog/findings.h"
#include "runtimelog/judging.h"
#include "runtimelog/log_replay.h"

namespace avouch::appraisal {

// What a node's log is worth under one policy: proven by a quote, and judged.
struct RuntimeFindings {
  Shared<runtimelog::ReplayState> proven;
  Shared<runtimelog::Findings> findings;
  std::vector<attest::Reason> detailed;  // of the newest issues in `findings`
  std::uint64_t unproven_entries = 0;    // after those that the quote covers: nothing is claimed
};

// `log` is the boot's whole log. RuntimeLogMissing, RuntimeLogNotReplayed, RuntimeLogMalformed,
// RuntimeLogTooLong, RuntimeLogChanged, SelectionInsufficient.
attest::Checked<RuntimeFindings> judge_runtime_log(ByteView log, const attest::VerifiedQuote& quote,
                                                   const runtimelog::Rules& rules);

}  // namespace avouch::appraisal
