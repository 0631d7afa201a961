#include "codec/nearest.h"

#include <algorithm>
#include <numeric>

namespace avouch::codec {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> nearest_name(std::string_view typed,
                                        const std::vector<std::string>& names) {
  constexpr std::size_t kLongest = 64;
  if (typed.size() > kLongest) return std::nullopt;
  const std::string wanted = lower(typed);
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  for (const std::string& name : names) {
    if (name.size() > kLongest) continue;
    const std::size_t found = distance(wanted, lower(name));
    if (found > std::min<std::size_t>(3, std::max(typed.size(), name.size()) / 3)) continue;
    if (!best || found < best_distance) {
      best = name;
      best_distance = found;
    }
  }
  return best;
}

}  // namespace avouch::codec
