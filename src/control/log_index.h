#pragma once

// Which entries of the log are about a node or a pod: what pseudonyms in the log do not tell.
// In memory, bounded, made from the preimages.

#include <array>
#include <cstdint>
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

// "node/NAME", "pod/NAMESPACE/NAME", and "pod/NAMESPACE/NAME/UID" of the verdicts that name a pod's
// UID: those of its name alone, anybody who may create such pods can make any number of.
std::string node_key(std::string_view node);
std::string pod_key(std::string_view pod_namespace, std::string_view pod,
                    std::string_view uid = {});

// Of remarks that refer to that entry of the log of `origin`.
std::string entry_key(std::string_view origin, std::uint64_t index);

// Of entries that hold a registration policy.
std::string registration_policy_key();

// What an entry's payload is about; nothing for kinds that are about none.
std::vector<std::string> subject_keys(const codec::Cbor& payload);

// Thread-safe. Keeps the newest kPerKey indexes of each of the `keys` keys that were used last, of
// fewer where their indexes take more than `bytes`. Of a key, whatever its length, a digest is kept
// (BENCHMARKS.md, "Memory").
class LogIndex {
 public:
  static constexpr std::size_t kPerKey = 256;
  static constexpr std::size_t kKeys = 200'000;  // two a pod that was let in
  static constexpr std::size_t kBytes = 16UL * 1024 * 1024;

  explicit LogIndex(std::size_t keys = kKeys, std::size_t bytes = kBytes);

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
  // Salted, so that nobody can make names up whose digests meet.
  using Digest = std::array<std::uint8_t, 16>;
  struct DigestHash {
    std::size_t operator()(const Digest& digest) const;
  };
  struct Places {
    std::vector<std::uint64_t> indexes;  // ascending
    std::uint64_t from = 0;              // all of the key from there on
    std::list<const Digest*>::iterator recency;
  };

  Digest digest_of(std::string_view key) const;
  void add_key(std::uint64_t index, const Digest& digest);
  void forget_oldest();

  const std::size_t most_keys_, most_bytes_;
  const Bytes salt_;
  mutable std::mutex mutex_;
  std::unordered_map<Digest, Places, DigestHash> places_;
  std::list<const Digest*> recency_;  // in places_, oldest first
  std::size_t bytes_ = 0;             // of all indexes, with the room that they have
  std::uint64_t from_ = 0;            // of keys that are not here: there are none from there on
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
