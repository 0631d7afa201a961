#include "attest/namespace_share.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace avouch::attest {
namespace {

using Operator = LabelRequirement::Operator;

// The API server takes more; a policy that names more is no reason for a longer selector.
constexpr std::size_t kMaxValues = 64;

// What all that a selector selects has: by label, the values it may have (none: any).
using Needed = std::map<std::string, std::set<std::string>>;

Needed needed_labels(const LabelSelector& selector) {
  Needed needed;
  for (const auto& [key, value] : selector.match_labels) needed[key] = {value};
  for (const LabelRequirement& requirement : selector.match_expressions) {
    // A label that is named twice keeps its first set, which all that is selected meets as well.
    if (requirement.op == Operator::kIn) {
      needed.try_emplace(requirement.key, requirement.values.begin(), requirement.values.end());
    } else if (requirement.op == Operator::kExists) {
      needed.try_emplace(requirement.key);
    }
  }
  return needed;
}

// Labels that both need, with the values of either.
Needed common(const Needed& a, const Needed& b) {
  Needed both;
  for (const auto& [key, values] : a) {
    const auto other = b.find(key);
    if (other == b.end()) continue;
    std::set<std::string> either;
    if (!values.empty() && !other->second.empty()) {
      either = values;
      either.insert(other->second.begin(), other->second.end());
    }
    if (either.size() <= kMaxValues) both[key] = std::move(either);
  }
  return both;
}

// Named values first, as they are narrower than a label that may have any.
std::optional<LabelRequirement> narrowest(const Needed& needed) {
  const auto named = std::find_if(needed.begin(), needed.end(),
                                  [](const auto& entry) { return !entry.second.empty(); });
  const auto at = named == needed.end() ? needed.begin() : named;
  if (at == needed.end()) return std::nullopt;
  const Operator op = at->second.empty() ? Operator::kExists : Operator::kIn;
  return LabelRequirement{at->first, op, {at->second.begin(), at->second.end()}};
}

}  // namespace

std::optional<LabelRequirement> shared_requirement(
    const std::vector<const LabelSelector*>& selectors) {
  std::optional<Needed> needed;
  for (const LabelSelector* selector : selectors) {
    Needed own = needed_labels(*selector);
    needed = needed ? common(*needed, own) : std::move(own);
  }
  return needed ? narrowest(*needed) : std::nullopt;
}

}  // namespace avouch::attest
