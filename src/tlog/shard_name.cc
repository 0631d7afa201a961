#include "tlog/shard_name.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace avouch::tlog {
namespace {

using std::chrono::year_month_day;

constexpr int kFirstYear = 1970, kLastYear = 9999;

// The digits of `text` as a number, if there are `count` of them and nothing else.
std::optional<unsigned> fixed_digits(std::string_view text, std::size_t count) {
  if (text.size() != count) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

// 1 to 12: the month in which a label's period begins, by what follows the year.
std::optional<unsigned> first_month(std::string_view rest) {
  if (rest.empty()) return 1;
  if (rest.front() != '-') return std::nullopt;
  rest.remove_prefix(1);
  if (rest.starts_with('q')) {
    const auto quarter = fixed_digits(rest.substr(1), 1);
    if (!quarter || *quarter < 1 || *quarter > 4) return std::nullopt;
    return *quarter * 3 - 2;
  }
  const auto month = fixed_digits(rest, 2);
  if (!month || *month < 1 || *month > 12) return std::nullopt;
  return month;
}

}  // namespace

std::string label_at(ShardPeriod period, SystemTime now) {
  if (period == ShardPeriod::kNone) return "";
  const year_month_day day(std::chrono::floor<std::chrono::days>(now));
  const int year = static_cast<int>(day.year());
  if (year < kFirstYear || year > kLastYear) return "";
  const unsigned month = static_cast<unsigned>(day.month());
  const std::string name = std::to_string(year);
  if (period == ShardPeriod::kYear) return name;
  if (period == ShardPeriod::kQuarter) return name + "-q" + std::to_string((month + 2) / 3);
  return name + (month < 10 ? "-0" : "-") + std::to_string(month);
}

std::optional<SystemTime> begin_of(std::string_view label) {
  if (label.empty()) return SystemTime::min();
  const auto year = fixed_digits(label.substr(0, 4), 4);
  if (!year || *year < static_cast<unsigned>(kFirstYear)) return std::nullopt;
  const auto month = first_month(label.substr(4));
  if (!month) return std::nullopt;
  const year_month_day first(std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                             std::chrono::day(1));
  return SystemTime(std::chrono::sys_days(first));
}

std::optional<std::string> label_after(std::string_view newest, ShardPeriod period,
                                       SystemTime now) {
  std::string label = label_at(period, now);
  const auto begin = begin_of(newest);
  if (label.empty() || !begin || *begin_of(label) <= *begin) return std::nullopt;
  return label;
}

std::string shard_origin(std::string_view chain, std::string_view label) {
  return std::string(chain) + (label.empty() ? "" : "/") + std::string(label);
}

std::optional<std::string> label_of(std::string_view chain, std::string_view origin) {
  if (origin == chain) return "";
  if (!origin.starts_with(chain) || origin[chain.size()] != '/') return std::nullopt;
  const std::string_view label = origin.substr(chain.size() + 1);
  if (label.empty() || !begin_of(label)) return std::nullopt;
  return std::string(label);
}

std::optional<ChainStep> step_in_chain(std::string_view origin, std::string_view next) {
  const std::size_t slash = next.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const std::string_view chain = next.substr(0, slash);
  const auto from = label_of(chain, origin), to = label_of(chain, next);
  if (!from || !to || *begin_of(*to) <= *begin_of(*from)) return std::nullopt;
  return ChainStep{*from, *to};
}

Result<std::vector<NoteVerifier>> keys_for(std::string_view origin,
                                           std::span<const NoteVerifier> keys) {
  std::vector<NoteVerifier> out;
  for (const NoteVerifier& key : keys) {
    AVOUCH_TRY(NoteVerifier named, make_verifier(origin, key.key));
    out.push_back(std::move(named));
  }
  return out;
}

}  // namespace avouch::tlog
