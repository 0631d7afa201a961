#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <utility>

#include "base/clock.h"
#include "crypto/hash.h"

namespace avouch::kube {

// Values by a SHA-256 key until they expire. At most `max_entries`: what expires first goes first.
// Not thread-safe: its owner locks.
template <typename Value>
class TtlCache {
 public:
  explicit TtlCache(std::size_t max_entries) : max_entries_(max_entries) {}

  // Valid until the next put(). now == expiry is too late.
  const Value* find(const crypto::Sha256& key, SteadyTime now) const {
    const auto it = entries_.find(key);
    if (it == entries_.end() || it->second.expiry->first <= now) return nullptr;
    return &it->second.value;
  }

  Value* find(const crypto::Sha256& key, SteadyTime now) {
    const auto it = entries_.find(key);
    if (it == entries_.end() || it->second.expiry->first <= now) return nullptr;
    return &it->second.value;
  }

  void put(const crypto::Sha256& key, Value value, SteadyTime now, std::chrono::milliseconds ttl) {
    erase(key);
    while (!by_expiry_.empty() &&
           (entries_.size() >= max_entries_ || by_expiry_.begin()->first <= now)) {
      erase(crypto::Sha256(*by_expiry_.begin()->second));
    }
    if (max_entries_ == 0 || ttl <= std::chrono::milliseconds(0)) return;
    const auto entry = entries_.emplace(key, Entry{std::move(value), by_expiry_.end()}).first;
    entry->second.expiry = by_expiry_.emplace(now + ttl, &entry->first);
  }

  std::size_t size() const { return entries_.size(); }

 private:
  using ByExpiry = std::multimap<SteadyTime, const crypto::Sha256*>;  // keys of entries_
  struct Entry {
    Value value;
    typename ByExpiry::iterator expiry;
  };

  void erase(const crypto::Sha256& key) {
    const auto it = entries_.find(key);
    if (it == entries_.end()) return;
    by_expiry_.erase(it->second.expiry);
    entries_.erase(it);
  }

  std::size_t max_entries_;
  std::map<crypto::Sha256, Entry> entries_;
  ByExpiry by_expiry_;
};

}  // namespace avouch::kube
