#pragma once

// Which size of a log had been followed when: two of them, of which the second is up to a day
// younger than the first, so that the first is mostly old enough for kLeast (retention.h). What
// existed then is not younger, whatever the log says. Pure.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace avouch::tlog {

struct FollowedSize {
  std::uint64_t size = 0;  // 0: none
  SystemTime at{};
  bool operator==(const FollowedSize&) const = default;
};

class FollowedSizes {
 public:
  // `size` has been followed by now. Keeps it once a day, and anew where the clock went back; true
  // where anything changed.
  bool note(std::uint64_t size, SystemTime now);

  // Whether so many entries had been followed at that time.
  bool had(std::uint64_t size, SystemTime then) const;

  // "SIZE SECONDS\n" of each, the older one first. kRejected: anything else.
  std::string text() const;
  static Result<FollowedSizes> parse(std::string_view text);
  bool operator==(const FollowedSizes&) const = default;

 private:
  std::array<FollowedSize, 2> sizes_;
};

}  // namespace avouch::tlog
