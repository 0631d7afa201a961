#include "appraisal/runtime.h"

#include <utility>

namespace avouch::appraisal {

attest::Checked<RuntimeFindings> judge_runtime_log(ByteView log, const attest::VerifiedQuote& quote,
                                                   const runtimelog::Rules& rules) {
  auto replay = runtimelog::LogReplay::begin({}, runtimelog::boot_identity(quote), quote.pcrs());
  if (!replay.has_value()) return replay.reason();
  if (const auto fed = replay->feed(log); !fed.has_value()) return fed.reason();
  auto replayed = replay->finish();
  if (!replayed.has_value()) return replayed.reason();
  if (!replayed->met) return *replayed->reason;

  RuntimeFindings out;
  out.proven = replayed->state;
  out.unproven_entries = replayed->unproven_entries;
  runtimelog::Judging judging({}, rules, *out.proven, quote.pcrs());
  const auto fed = judging.feed(log.first(static_cast<std::size_t>(out.proven->offset())));
  if (!fed.has_value()) return fed.reason();
  auto judged = judging.finish();
  if (!judged.has_value()) return judged.reason();
  out.findings = judged->findings;
  out.detailed = std::move(judged->reasons);
  return out;
}

}  // namespace avouch::appraisal
