#include "control/change_budget.h"

namespace avouch::control {

void FormerBudgets::keep(const std::string& name, const FormerBudget& of, SteadyTime now) {
  if (of.changes.full_at <= now) return;
  if (kept_.size() >= kMost) {
    std::erase_if(kept_, [now](const auto& one) { return one.second.changes.full_at <= now; });
  }
  if (kept_.size() >= kMost) {
    const auto least =
        std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) {
          return a.second.changes.full_at < b.second.changes.full_at;
        });
    if (least->second.changes.full_at >= of.changes.full_at) return;
    kept_.erase(least);
  }
  kept_[name] = of;
}

std::optional<FormerBudget> FormerBudgets::take(const std::string& name) {
  const auto found = kept_.find(name);
  if (found == kept_.end()) return std::nullopt;
  const FormerBudget out = found->second;
  kept_.erase(found);
  return out;
}

}  // namespace avouch::control
