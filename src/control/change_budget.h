#pragma once

// How often what is said of one node may change. Each change is an entry of the log, of up to tens
// of KB, and stays; and what changes it is in the node's own hands: which PCRs and logs it sends,
// which labels its kubelet sets. Renewals, which say the same again, have no part in this, nor has
// the first change after a policy was changed: that is in the hands of others, who may change it
// often.
//
// A change is always made. The last that there is room for denies, whatever it was to say: so a
// change to the worse is never held back, and after it nothing is written until there is room for
// two again, for the state that the node is in then, and for the denial that may have to follow.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace avouch::control {

// Pure. Default-constructed: nothing is spent.
struct ChangeBudget {
  static constexpr int kAtOnce = 60;
  static constexpr std::chrono::seconds kEvery{180};  // for one more, in the long run

  // Whether there is room for a change as it is, which leaves room for a denial.
  bool allows(SteadyTime now) const { return now >= allows_from(); }
  SteadyTime allows_from() const { return full_at - kEvery * (kAtOnce - 2); }
  void spend(SteadyTime now) { full_at = std::max(full_at, now) + kEvery; }

  SteadyTime full_at{};              // when all that was spent is there again
  std::uint64_t policy_changes = 0;  // how many policies had changed at the newest change
};

}  // namespace avouch::control
