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

const std::string* payload_text(const codec::Cbor& payload, std::string_view name) {
  const codec::Cbor* member = payload.find(name);
  return member == nullptr ? nullptr : member->as_text();
}

std::optional<std::string> key_of(ByteView preimage) {
  if (preimage.empty()) return std::nullopt;
  const auto payload = tlog::open_preimage(crypto::sha256(preimage), preimage);
  return payload.has_value() ? subject_key(*payload) : std::nullopt;
}

}  // namespace

std::string node_key(std::string_view node) { return "node/" + std::string(node); }

std::string pod_key(std::string_view pod_namespace, std::string_view pod) {
  return "pod/" + std::string(pod_namespace) + "/" + std::string(pod);
}

std::string registration_policy_key() { return "log/registration-policy"; }

std::optional<std::string> subject_key(const codec::Cbor& payload) {
  const std::string* node = payload_text(payload, "node");
  if (node != nullptr && payload_text(payload, "phase") != nullptr) return node_key(*node);
  const std::string* ns = payload_text(payload, "namespace");
  const std::string* pod = payload_text(payload, "pod");
  if (ns != nullptr && pod != nullptr && payload_text(payload, "decision") != nullptr) {
    return pod_key(*ns, *pod);
  }
  const std::string* type = payload_text(payload, "type");
  if (type != nullptr && *type == kRegistrationPolicyType) return registration_policy_key();
  return std::nullopt;
}

void LogIndex::add(std::uint64_t index, ByteView preimage) {
  const auto key = key_of(preimage);
  if (!key) return;

  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = places_.try_emplace(*key);
  Places& places = found->second;
  if (is_new) {
    places.recency = recency_.insert(recency_.end(), *key);
    places.from = from_;
  } else {
    recency_.splice(recency_.end(), recency_, places.recency);
  }
  const auto at = std::lower_bound(places.indexes.begin(), places.indexes.end(), index);
  if (at != places.indexes.end() && *at == index) return;
  places.indexes.insert(at, index);
  if (places.indexes.size() > kPerKey) {
    places.from = std::max(places.from, places.indexes.front() + 1);
    places.indexes.pop_front();
  }
  if (places_.size() > kKeys) {
    const auto last = places_.find(recency_.front());
    if (!last->second.indexes.empty()) from_ = std::max(from_, last->second.indexes.back() + 1);
    places_.erase(last);
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

std::uint64_t LogIndex::known_from(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(key);
  return found == places_.end() ? from_ : found->second.from;
}

Result<FoundFurther> find_further(tlog::TileReader& store, const std::string& key,
                                  std::uint64_t before, std::size_t limit, std::size_t groups) {
  FoundFurther out{.indexes = {}, .from = before};
  for (; out.from > 0 && groups > 0 && out.indexes.size() < limit; --groups) {
    const std::uint64_t group = (out.from - 1) / kGroup;
    AVOUCH_TRY(const std::optional<Bytes> bytes, store.fetch(tlog::preimages_path(group)));
    std::vector<tlog::PreimageSlot> slots;  // none where it was erased as a whole
    if (bytes) {
      AVOUCH_TRY(slots, tlog::parse_preimages(group, *bytes));
    }
    for (std::size_t i = slots.size(); i-- > 0;) {
      const std::uint64_t index = group * kGroup + i;
      if (index >= out.from || key_of(slots[i].preimage) != key) continue;
      out.indexes.push_back(index);
      if (out.indexes.size() < limit) continue;
      out.from = index;
      return out;
    }
    out.from = group * kGroup;
  }
  return out;
}

Result<void> LogIndex::rebuild(tlog::TileReader& store, std::uint64_t size, std::uint64_t entries) {
  const std::uint64_t first = size > entries ? (size - entries) / kGroup : 0;
  {
    const std::lock_guard lock(mutex_);
    from_ = std::max(from_, first * kGroup);
  }
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
