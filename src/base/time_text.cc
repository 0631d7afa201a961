#include "base/time_text.h"

#include <array>
#include <cstdint>
#include <optional>

namespace avouch {
namespace {

using std::chrono::milliseconds;

void append_padded(std::string& out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out.append(width - digits.size(), '0');
  out += digits;
}

std::string date_and_time(SystemTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time) - day);
  std::string out;
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, clock.hours().count(), 2);
  out += ':';
  append_padded(out, clock.minutes().count(), 2);
  out += ':';
  append_padded(out, clock.seconds().count(), 2);
  return out;
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

Error bad_time(std::string_view text) {
  return rejected("\"" + std::string(text.substr(0, 40)) +
                  "\" is not a time: expected RFC 3339 in UTC, such as 2026-11-21T09:14:03Z");
}

}  // namespace

std::string to_rfc3339(SystemTime time) { return date_and_time(time) + "Z"; }

std::string to_rfc3339_micro(SystemTime time) {
  const auto fraction = time - std::chrono::floor<std::chrono::seconds>(time);
  std::string out = date_and_time(time) + ".";
  append_padded(out, std::chrono::duration_cast<std::chrono::microseconds>(fraction).count(), 6);
  return out + "Z";
}

Result<SystemTime> from_rfc3339(std::string_view text) {
  if (text.size() < 20 || text.size() > 30 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
      text[13] != ':' || text[16] != ':' || text.back() != 'Z') {
    return bad_time(text);
  }
  const auto year = number(text.substr(0, 4));
  const auto month = number(text.substr(5, 2));
  const auto day = number(text.substr(8, 2));
  const auto hour = number(text.substr(11, 2));
  const auto minute = number(text.substr(14, 2));
  const auto second = number(text.substr(17, 2));
  if (!year || !month || !day || !hour || !minute || !second) return bad_time(text);
  int millis = 0;
  if (text.size() > 20) {
    const std::string_view fraction = text.substr(20, text.size() - 21);
    if (text[19] != '.' || fraction.empty() || !number(fraction.substr(0, 9)))
      return bad_time(text);
    std::string three(fraction.substr(0, 3));
    three.append(3 - three.size(), '0');
    millis = number(three).value_or(0);
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return bad_time(text);
  return SystemTime(std::chrono::sys_days(date) + std::chrono::hours(*hour) +
                    std::chrono::minutes(*minute) + std::chrono::seconds(*second) +
                    milliseconds(millis));
}

Result<milliseconds> from_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t millis;
  };
  constexpr std::array kUnits = {Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000},
                                 Unit{"ms", 1}};
  constexpr std::int64_t kLongest = 100'000LL * 3'600'000;
  const Error bad =
      rejected("\"" + std::string(text.substr(0, 40)) +
               "\" is not a duration: expected for example 90s, 5m or 1h30m, at most 100000h");
  if (text.empty()) return bad;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || digits > 8) return bad;
    const std::int64_t count = number(text.substr(0, digits)).value_or(0);
    text.remove_prefix(digits);
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kUnits.size()) return bad;
    total += count * kUnits[next_unit].millis;
    if (total > kLongest) return bad;
    text.remove_prefix(name.size());
    ++next_unit;
  }
  return milliseconds(total);
}

std::string to_duration(milliseconds duration) {
  std::int64_t rest = duration.count();
  std::string out;
  for (const auto& [millis, name] :
       {std::pair{3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}}) {
    if (rest / millis == 0) continue;
    out += std::to_string(rest / millis) + name;
    rest %= millis;
  }
  return out.empty() ? "0s" : out;
}

}  // namespace avouch
