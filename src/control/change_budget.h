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
//
// A node has its budget by its name: it gets no other by being deleted and made anew.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

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

// Of a node that is gone, with its AttestationEvidence.
struct FormerBudget {
  ChangeBudget changes;
  bool unsteady = false;  // its verdict was the denial that it had room for last
};

// What is not full again yet, by the node's name. Bounded: where there are too many, that which had
// spent least is forgotten. Owned by one thread.
class FormerBudgets {
 public:
  static constexpr std::size_t kMost = 10'000;

  void keep(const std::string& name, const FormerBudget& of, SteadyTime now);
  // Of a node of that name that comes back; nothing: it has a whole one.
  std::optional<FormerBudget> take(const std::string& name);
  std::size_t size() const { return kept_.size(); }

 private:
  std::map<std::string, FormerBudget> kept_;
};

}  // namespace avouch::control
