#pragma once

// What the appraiser last wanted the API to show of each node, for the workers that write it.
// There is one a node: of a status that is shown only the digest is kept.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/boxed.h"
#include "base/recent.h"
#include "control/outlook.h"
#include "crypto/hash.h"

namespace avouch::control {

// Thread-safe.
class NodeBoard {
 public:
  void put(const NodeOutlook& outlook);
  void erase(const std::string& name);

  // Whether any node is attested: then there is somewhere else for pods to go.
  bool any_attested() const;

  // What the Node should carry: without the status.
  std::optional<NodeOutlook> find_node(const std::string& name) const;

  struct WantedStatus {
    std::string evidence_uid;
    crypto::Sha256 digest{};            // digest_of_wanted()
    std::optional<codec::Json> status;  // nothing once it was settled
  };
  std::optional<WantedStatus> find_status(const std::string& name) const;

  // The status with that digest is shown: it is not needed any more.
  void settle(const std::string& name, const crypto::Sha256& digest);

 private:
  struct Entry {
    std::string uids;  // the Node's, a zero, the AttestationEvidence's
    std::shared_ptr<const NodeSignals> signals;
    crypto::Sha256 digest{};
    Boxed<std::string> status;  // as text; nothing once it was settled
  };
  void forget(const std::string& name);  // with mutex_ held

  mutable std::mutex mutex_;
  Recent<NodeSignals> signals_;           // of most nodes the same
  std::map<std::string, Entry> entries_;  // by name
  std::size_t attested_ = 0;
};

}  // namespace avouch::control
