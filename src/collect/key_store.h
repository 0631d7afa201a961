#pragma once

// Seam: where the agent keeps its wrapped attestation key between starts.

#include <optional>

#include "base/result.h"
#include "tpm/device.h"

namespace avouch::collect {

// One owner thread.
class KeyStore {
 public:
  virtual ~KeyStore() = default;

  // Nothing where no key was saved yet. kRejected for a damaged file: a new key replaces it, and
  // the node enrols that one.
  virtual Result<std::optional<tpm::WrappedKey>> load() = 0;
  // Durable when it returns; the old key stays whole until then.
  virtual Result<void> save(const tpm::WrappedKey& key) = 0;
};

}  // namespace avouch::collect
