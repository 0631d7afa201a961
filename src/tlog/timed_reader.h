#pragma once

// How long one look at a log may take: whoever serves it decides how fast it answers, and may be an
// adversary.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "tlog/store.h"

namespace avouch::tlog {

// Asks `inner` for a time. One owner; the clock outlives it.
class TimedReader final : public TileReader {
 public:
  TimedReader(std::unique_ptr<TileReader> inner, Clock& clock)
      : inner_(std::move(inner)), clock_(clock) {}

  // From now on, for so long. Nothing is fetched before the first time.
  void begin(std::chrono::milliseconds time);
  // Whether something was asked for behind the end of that time.
  bool has_ended() const { return has_ended_; }

  // kRetryable behind the end; what was asked for before that is waited for.
  Result<std::optional<Bytes>> fetch(std::string_view path) override;

 private:
  std::unique_ptr<TileReader> inner_;
  Clock& clock_;
  std::chrono::milliseconds time_{0};
  SteadyTime end_;
  bool has_ended_ = false;
};

// Why nothing can be said of a log of which the last look ended then; nothing where it can.
std::optional<std::string> overdue(SteadyTime last_look, SteadyTime now,
                                   std::chrono::milliseconds allowed);

}  // namespace avouch::tlog
