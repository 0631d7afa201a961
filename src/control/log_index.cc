#include "control/log_index.h"

#include <algorithm>
#include <utility>

#include "control/log_payloads.h"
#include "crypto/hash.h"
#include "tlog/entry.h"
#include "tlog/preimages.h"

namespace avouch::control {
namespace {

constexpr std::uint64_t kGroup = 256;

const std::string* text_of(const codec::Cbor& payload, std::string_view name) {
  const codec::Cbor* member = payload.find(name);
  return member == nullptr ? nullptr : member->as_text();
}

}  // namespace

std::string node_key(std::string_view node) { return "node/" + std::string(node); }

std::string pod_key(std::string_view pod_namespace, std::string_view pod) {
  return "pod/" + std::string(pod_namespace) + "/" + std::string(pod);
}

std::string registration_policy_key() { return "log/registration-policy"; }

std::optional<std::string> subject_key(const codec::Cbor& payload) {
  const std::string* node = text_of(payload, "node");
  if (node != nullptr && text_of(payload, "phase") != nullptr) return node_key(*node);
  const std::string* ns = text_of(payload, "namespace");
  const std::string* pod = text_of(payload, "pod");
  if (ns != nullptr && pod != nullptr && text_of(payload, "decision") != nullptr) {
    return pod_key(*ns, *pod);
  }
  const std::string* type = text_of(payload, "type");
  if (type != nullptr && *type == kRegistrationPolicyType) return registration_policy_key();
  return std::nullopt;
}

void LogIndex::add(std::uint64_t index, ByteView preimage) {
  if (preimage.empty()) return;
  const auto payload = tlog::open_preimage(crypto::sha256(preimage), preimage);
  if (!payload.has_value()) return;
  const auto key = subject_key(*payload);
  if (!key) return;

  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = places_.try_emplace(*key);
  Places& places = found->second;
  if (is_new) {
    places.recency = recency_.insert(recency_.end(), *key);
  } else {
    recency_.splice(recency_.end(), recency_, places.recency);
  }
  const auto at = std::lower_bound(places.indexes.begin(), places.indexes.end(), index);
  if (at != places.indexes.end() && *at == index) return;
  places.indexes.insert(at, index);
  if (places.indexes.size() > kPerKey) places.indexes.pop_front();
  if (places_.size() > kKeys) {
    places_.erase(recency_.front());
    recency_.pop_front();
  }
}

std::vector<std::uint64_t> LogIndex::find(const std::string& key, std::uint64_t before,
                                          std::size_t limit) const {
  std::vector<std::uint64_t> out;
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(key);
  if (found == places_.end()) return out;
  const auto& indexes = found->second.indexes;
  auto at = std::lower_bound(indexes.begin(), indexes.end(), before);
  while (at != indexes.begin() && out.size() < limit) out.push_back(*--at);
  return out;
}

Result<void> LogIndex::rebuild(tlog::TileReader& store, std::uint64_t size, std::uint64_t entries) {
  const std::uint64_t first = size > entries ? (size - entries) / kGroup : 0;
  for (std::uint64_t group = first; group * kGroup < size; ++group) {
    AVOUCH_TRY(const std::optional<Bytes> bytes, store.fetch(tlog::preimages_path(group)));
    if (!bytes) continue;  // erased as a whole
    AVOUCH_TRY(const std::vector<tlog::PreimageSlot> slots, tlog::parse_preimages(group, *bytes));
    for (std::size_t i = 0; i < slots.size(); ++i) add(group * kGroup + i, slots[i].preimage);
  }
  return {};
}

std::size_t LogIndex::keys() const {
  const std::lock_guard lock(mutex_);
  return places_.size();
}

}  // namespace avouch::control
