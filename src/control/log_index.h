#pragma once

// Which entries of the log are about a node or a pod: what pseudonyms in the log do not tell.
// In memory, bounded, made from the preimages.

#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "tlog/store.h"

namespace avouch::control {

// "node/NAME" or "pod/NAMESPACE/NAME".
std::string node_key(std::string_view node);
std::string pod_key(std::string_view pod_namespace, std::string_view pod);

// Of entries that hold a registration policy.
std::string registration_policy_key();

// What an entry's payload is about; nothing for kinds that are about none.
std::optional<std::string> subject_key(const codec::Cbor& payload);

// Thread-safe. Keeps the newest kPerKey indexes of each of the kKeys keys that were used last.
class LogIndex {
 public:
  static constexpr std::size_t kPerKey = 256;
  static constexpr std::size_t kKeys = 100'000;

  // `preimage` as stored; one that is empty (erased) or unreadable is not indexed.
  void add(std::uint64_t index, ByteView preimage);

  // Newest first, below `before`, at most `limit`.
  std::vector<std::uint64_t> find(const std::string& key, std::uint64_t before,
                                  std::size_t limit) const;

  // Reads the preimages of the newest `entries` of the `size` entries of the log, oldest first.
  Result<void> rebuild(tlog::TileReader& store, std::uint64_t size, std::uint64_t entries);

  std::size_t keys() const;

 private:
  struct Places {
    std::deque<std::uint64_t> indexes;  // ascending
    std::list<std::string>::iterator recency;
  };

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Places> places_;
  std::list<std::string> recency_;  // oldest first
};

}  // namespace avouch::control
