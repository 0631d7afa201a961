#include "admission/fair_shares.h"

#include <algorithm>

namespace avouch::admission {

bool FairShares::allows(const std::string& who, std::size_t amount, std::size_t used,
                        std::size_t total) const {
  if (used > total || amount > total - used) return false;
  if (who.empty()) return true;
  const std::size_t left = total - used - amount;
  const std::size_t held_before = held(who);
  return held_before <= left / 2 && amount <= left / 2 - held_before;
}

void FairShares::take(const std::string& who, std::size_t amount) {
  if (amount > 0) held_[who] += amount;
}

void FairShares::give_back(const std::string& who, std::size_t amount) {
  const auto at = held_.find(who);
  if (at == held_.end()) return;
  at->second -= std::min(at->second, amount);
  if (at->second == 0) held_.erase(at);
}

std::size_t FairShares::held(const std::string& who) const {
  const auto at = held_.find(who);
  return at == held_.end() ? 0 : at->second;
}

}  // namespace avouch::admission
