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

  // From which entry on find() knows all of `key`; what is before may have been dropped from here.
  std::uint64_t known_from(const std::string& key) const;

  // Reads the preimages of the newest `entries` of the `size` entries of the log, oldest first.
  Result<void> rebuild(tlog::TileReader& store, std::uint64_t size, std::uint64_t entries);

  std::size_t keys() const;

 private:
  struct Places {
    std::deque<std::uint64_t> indexes;  // ascending
    std::uint64_t from = 0;             // all of the key from there on
    std::list<std::string>::iterator recency;
  };

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Places> places_;
  std::list<std::string> recency_;  // oldest first
  std::uint64_t from_ = 0;          // of keys that are not here: there are none from there on
};

// What a look through the stored preimages has found.
struct FoundFurther {
  std::vector<std::uint64_t> indexes;  // newest first
  std::uint64_t from = 0;              // every entry from there up to `before` was looked at
};

// Entries of `key` below `before`, at most `limit`, in at most `groups` groups of 256 entries.
Result<FoundFurther> find_further(tlog::TileReader& store, const std::string& key,
                                  std::uint64_t before, std::size_t limit, std::size_t groups);

}  // namespace avouch::control
