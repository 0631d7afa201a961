#pragma once

// Lets only the leader write.

#include <functional>
#include <optional>

#include "base/clock.h"
#include "kube/transport.h"

namespace avouch::control {

// Reads (GET) and reviews (POST that changes nothing) pass. A write is refused as kRetryable where
// the leadership has ended, and its time-out is cut to what is left of it, so that a write of a
// process that was stopped and woke up never leaves it. As thread-safe as its parts.
class FencedTransport final : public kube::Transport {
 public:
  // Until when this process leads; nothing when it does not.
  using LeadingUntil = std::function<std::optional<SteadyTime>()>;

  FencedTransport(kube::Transport& inner, Clock& clock, LeadingUntil leading_until)
      : inner_(inner), clock_(clock), leading_until_(std::move(leading_until)) {}

  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds timeout,
                            std::stop_token stop) override;
  Result<HttpResponse> stream(const HttpRequest& request, const kube::StreamLimits& limits,
                              const OnLine& on_line, std::stop_token stop) override;

 private:
  kube::Transport& inner_;
  Clock& clock_;
  const LeadingUntil leading_until_;
};

}  // namespace avouch::control
