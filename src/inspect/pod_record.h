#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace avouch::inspect {

// What the log has of a pod that is on a node.
struct PodRecord {
  enum class State {
    kNotLookedFor,  // there was no time for it
    kNone,          // no entry names its UID
    kDenials,       // only denials do
    kOthers,        // entries do, and none of them let this pod in on its node
    kUnproven,      // one says that it did, and does not hold
    kProven,        // one did, and holds
  };
  State state = State::kNotLookedFor;
  std::optional<std::uint64_t> index;  // kProven, kUnproven: of that entry; else of the newest
  std::size_t entries = 0;             // that name its UID and were looked at
  std::string why;                     // kUnproven
  bool is_late = false;                // kProven: it came by a webhook's spool, as it says
};

}  // namespace avouch::inspect
