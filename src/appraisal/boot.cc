#include "appraisal/boot.h"

#include <utility>

#include "bootlog/log.h"
#include "bootlog/replay.h"

namespace avouch::appraisal {

attest::Checked<BootFindings> judge_boot_log(ByteView log, const attest::VerifiedQuote& quote,
                                             const PolicyInForce& /*policy*/) {
  if (log.empty()) {
    return attest::refuse(code::kBootLogMissing, "the boot log is empty: boot through EFI stub");
  }
  const auto read = bootlog::read_log(log);
  if (!read.has_value()) return read.reason();
  const auto replayed = bootlog::replay(read.value());
  BootFindings out;
  out.reasons = bootlog::compare(read.value(), replayed, quote.pcrs());
  return out;
}

}  // namespace avouch::appraisal
