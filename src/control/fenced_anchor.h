#pragma once

// Lets only the leader publish checkpoints.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "tlog/store.h"

namespace avouch::control {

// An anchor that takes no new head from a process whose leadership has ended: the log sets its
// anchors before it publishes, so a process that was stopped and woke up publishes nothing. As
// thread-safe as `inner`.
class FencedAnchor final : public tlog::Anchor {
 public:
  // Until when this process leads; nothing when it does not.
  using LeadingUntil = std::function<std::optional<SteadyTime>()>;

  FencedAnchor(std::unique_ptr<tlog::Anchor> inner, Clock& clock, LeadingUntil leading_until)
      : inner_(std::move(inner)), clock_(clock), leading_until_(std::move(leading_until)) {}

  std::string name() const override { return inner_->name(); }
  Result<std::optional<std::string>> read() override { return inner_->read(); }
  // kRetryable where this process does not lead (any more): nothing was written.
  Result<void> replace(const std::optional<std::string>& expected, std::string_view next) override;

 private:
  const std::unique_ptr<tlog::Anchor> inner_;
  Clock& clock_;
  const LeadingUntil leading_until_;
};

}  // namespace avouch::control
