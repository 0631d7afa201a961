#include "tlog/followed_sizes.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "tlog/retention.h"

namespace avouch::tlog {
namespace {

// Seconds of which the milliseconds fit.
constexpr std::uint64_t kMostSeconds = std::numeric_limits<std::int64_t>::max() / 1000;

// The number before `end`, taken from `text` with it.
std::optional<std::uint64_t> take_number(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  if (at == std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  const auto [read, failure] = std::from_chars(text.data(), text.data() + at, value);
  if (failure != std::errc() || read != text.data() + at) return std::nullopt;
  text.remove_prefix(at + 1);
  return value;
}

}  // namespace

bool FollowedSizes::note(std::uint64_t size, SystemTime now) {
  auto& [older, newer] = sizes_;
  if (older.at > now) older = {};
  if (newer.size > 0 && newer.at <= now && now - newer.at < RetentionPolicy::kLeast) return false;
  if (newer.at <= now && newer.size > 0) older = newer;
  newer = {size, now};
  return true;
}

bool FollowedSizes::had(std::uint64_t size, SystemTime then) const {
  return std::any_of(sizes_.begin(), sizes_.end(), [&](const FollowedSize& each) {
    return each.size > 0 && each.size >= size && each.at <= then;
  });
}

std::string FollowedSizes::text() const {
  std::string out;
  for (const FollowedSize& each : sizes_) {
    const auto at = std::chrono::ceil<std::chrono::seconds>(each.at.time_since_epoch());
    out += std::to_string(each.size) + " " + std::to_string(at.count()) + "\n";
  }
  return out;
}

Result<FollowedSizes> FollowedSizes::parse(std::string_view text) {
  FollowedSizes out;
  for (FollowedSize& each : out.sizes_) {
    const auto size = take_number(text, ' ');
    const auto seconds = size ? take_number(text, '\n') : std::nullopt;
    if (!seconds || *seconds > kMostSeconds) {
      return rejected("expected two lines \"SIZE SECONDS\"");
    }
    each = {*size, SystemTime(std::chrono::seconds(*seconds))};
  }
  if (!text.empty()) return rejected("expected two lines \"SIZE SECONDS\", and nothing more");
  return out;
}

}  // namespace avouch::tlog
