#pragma once

// Lists of digests, each parsed once for all who refer to it.

#include <map>
#include <memory>
#include <mutex>

#include "appraisal/material.h"
#include "crypto/hash.h"
#include "reference/digest_set.h"

namespace avouch::control {

// Thread-safe. A set lives as long as somebody uses it.
class DigestLists {
 public:
  // kRejected: no list (the value and its line are named).
  Result<std::shared_ptr<const reference::DigestSet>> parse(const appraisal::ConfigMapData& data);

 private:
  std::mutex mutex_;
  std::map<crypto::Sha256, std::weak_ptr<const reference::DigestSet>> sets_;  // by content
};

}  // namespace avouch::control
