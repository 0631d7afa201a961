#pragma once

// What the appraiser last wanted the API to show of each node, for the workers that write it.
// There is one a node: statuses are kept as text.

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "control/outlook.h"

namespace avouch::control {

// Thread-safe.
class NodeBoard {
 public:
  void put(NodeOutlook outlook);
  void erase(const std::string& name);
  std::optional<NodeOutlook> find(const std::string& name) const;

 private:
  struct Entry {
    std::string node_uid, evidence_uid;
    NodeSignals signals;
    std::string status;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by name
};

}  // namespace avouch::control
