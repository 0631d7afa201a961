#pragma once

// Which index the last entries got, by their idempotency id.

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "tlog/tree.h"

namespace avouch::tlog {

// First 16 bytes of a SHA-256: over the id, or without an id over the entry (its leaf hash).
using IdKey = std::array<std::uint8_t, 16>;
IdKey id_key(std::string_view id, const Hash& leaf);

struct Place {
  std::uint64_t index = 0;
  Hash leaf{};
};

// Bounded: the oldest is forgotten first. One owner.
class RecentIds {
 public:
  explicit RecentIds(std::size_t limit) : limit_(limit) {}

  std::optional<Place> find(const IdKey& key) const;
  void insert(const IdKey& key, const Place& place);  // a key that is there already is kept
  std::size_t size() const { return places_.size(); }

 private:
  struct KeyHash {
    std::size_t operator()(const IdKey& key) const noexcept;
  };
  std::size_t limit_;
  std::unordered_map<IdKey, Place, KeyHash> places_;
  std::deque<IdKey> order_;
};

}  // namespace avouch::tlog
