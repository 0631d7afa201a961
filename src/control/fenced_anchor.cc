#include "control/fenced_anchor.h"

namespace avouch::control {

Result<void> FencedAnchor::replace(const std::optional<std::string>& expected,
                                   std::string_view next) {
  const std::optional<SteadyTime> until = leading_until_();
  if (!until || *until <= clock_.steady_now()) {
    return retryable(name() + ": not changed, this process is not the leader (any more)");
  }
  return inner_->replace(expected, next);
}

}  // namespace avouch::control
