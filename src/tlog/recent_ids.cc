#include "tlog/recent_ids.h"

#include <algorithm>
#include <cstring>

namespace avouch::tlog {
namespace {

constexpr std::string_view kIdDomain = "avouch/log-id/v1\n";

}  // namespace

IdKey id_key(std::string_view id, const Hash& leaf) {
  Hash digest = leaf;
  if (!id.empty()) {
    Bytes input = to_bytes(kIdDomain);
    append(input, id);
    digest = crypto::sha256(input);
  }
  IdKey key;
  std::copy_n(digest.begin(), key.size(), key.begin());
  return key;
}

std::size_t RecentIds::KeyHash::operator()(const IdKey& key) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, key.data(), sizeof hash);
  return hash;
}

std::optional<Place> RecentIds::find(const IdKey& key) const {
  const auto found = places_.find(key);
  if (found == places_.end()) return {};
  return found->second;
}

void RecentIds::insert(const IdKey& key, const Place& place) {
  if (limit_ == 0 || !places_.emplace(key, place).second) return;
  order_.push_back(key);
  if (order_.size() > limit_) {
    places_.erase(order_.front());
    order_.pop_front();
  }
}

}  // namespace avouch::tlog
