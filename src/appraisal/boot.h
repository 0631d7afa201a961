#pragma once

// What a measured-boot log is worth under one policy, with the quote that proves it.

#include <string>
#include <vector>

#include "appraisal/policy_in_force.h"
#include "attest/quote.h"
#include "attest/reason.h"
#include "runtimelog/coverage.h"

namespace avouch::appraisal {

namespace code {
inline constexpr std::string_view kBootLogMissing = "BootLogMissing",
                                  kBootQuirkUsed = "BootQuirkUsed";
}  // namespace code

struct BootFindings {
  attest::TrustVector vector;
  std::vector<attest::Reason> reasons;     // of severity none: which quirks were needed
  std::vector<std::string> command_lines;  // of the kernel, proven
  runtimelog::Coverage coverage = runtimelog::Coverage::kUnknown;  // as they say
  std::vector<std::string> quirks_used;
};

// `log` is the whole log. A reason: it is empty (BootLogMissing) or not a log (BootLogMalformed).
attest::Checked<BootFindings> judge_boot_log(ByteView log, const attest::VerifiedQuote& quote,
                                             const PolicyInForce& policy);

}  // namespace avouch::appraisal
