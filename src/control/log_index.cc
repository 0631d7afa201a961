#include "control/log_index.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "control/log_payloads.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "tlog/entry.h"
#include "tlog/preimages.h"
#include "tlog/remark.h"

namespace avouch::control {
namespace {

constexpr std::uint64_t kGroup = 256;
constexpr std::size_t kSaltBytes = 16;

const std::string* payload_text(const codec::Cbor& payload, std::string_view name) {
  const codec::Cbor* member = payload.find(name);
  return member == nullptr ? nullptr : member->as_text();
}

void add_reference(const codec::Cbor* reference, std::vector<std::string>& keys) {
  if (reference == nullptr) return;
  const std::string* origin = payload_text(*reference, "origin");
  const codec::Cbor* index = reference->find("index");
  const std::int64_t* number = index == nullptr ? nullptr : index->as_integer();
  if (origin == nullptr || number == nullptr || *number < 0) return;
  keys.push_back(entry_key(*origin, static_cast<std::uint64_t>(*number)));
}

// What a remark refers to; nothing for other kinds.
std::vector<std::string> reference_keys(const codec::Cbor& payload) {
  std::vector<std::string> keys;
  const codec::Cbor* list = payload.find("refs");
  const codec::Cbor::Array* refs = list == nullptr ? nullptr : list->as_array();
  if (refs == nullptr) return keys;
  for (std::size_t i = 0; i < refs->size() && i < tlog::Remark::kMaxRefs; ++i) {
    add_reference(&(*refs)[i], keys);
  }
  add_reference(payload.find("replacement"), keys);
  return keys;
}

std::vector<std::string> keys_of(ByteView preimage) {
  if (preimage.empty()) return {};
  const auto payload = tlog::open_preimage(crypto::sha256(preimage), preimage);
  return payload.has_value() ? subject_keys(*payload) : std::vector<std::string>();
}

std::size_t index_bytes(const std::vector<std::uint64_t>& indexes) {
  return indexes.capacity() * sizeof(std::uint64_t);
}

}  // namespace

std::string node_key(std::string_view node) { return "node/" + std::string(node); }

std::string pod_key(std::string_view pod_namespace, std::string_view pod, std::string_view uid) {
  std::string key = "pod/" + std::string(pod_namespace) + "/" + std::string(pod);
  if (!uid.empty()) key += "/" + std::string(uid);
  return key;
}

std::string entry_key(std::string_view origin, std::uint64_t index) {
  return "entry/" + std::to_string(index) + "/" + std::string(origin);
}

std::string registration_policy_key() { return "log/registration-policy"; }

std::vector<std::string> subject_keys(const codec::Cbor& payload) {
  const std::string* node = payload_text(payload, "node");
  if (node != nullptr && payload_text(payload, "phase") != nullptr) return {node_key(*node)};
  const std::string* ns = payload_text(payload, "namespace");
  const std::string* pod = payload_text(payload, "pod");
  if (ns != nullptr && pod != nullptr && payload_text(payload, "decision") != nullptr) {
    std::vector<std::string> keys = {pod_key(*ns, *pod)};
    const std::string* uid = payload_text(payload, "podUID");
    if (uid != nullptr && !uid->empty()) keys.push_back(pod_key(*ns, *pod, *uid));
    return keys;
  }
  const std::string* type = payload_text(payload, "type");
  if (type != nullptr && *type == kRegistrationPolicyType) return {registration_policy_key()};
  return reference_keys(payload);
}

std::size_t LogIndex::DigestHash::operator()(const Digest& digest) const {
  std::size_t out = 0;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

LogIndex::LogIndex(std::size_t keys, std::size_t bytes)
    : most_keys_(keys),
      most_bytes_(bytes),
      salt_(crypto::random_bytes(crypto::system_random(), kSaltBytes)) {}

LogIndex::Digest LogIndex::digest_of(std::string_view key) const {
  Bytes salted = salt_;
  append(salted, as_bytes(key));
  const crypto::Sha256 whole = crypto::sha256(salted);
  Digest out;
  std::copy_n(whole.begin(), out.size(), out.begin());
  return out;
}

void LogIndex::add(std::uint64_t index, ByteView preimage) {
  for (const std::string& key : keys_of(preimage)) {
    const Digest digest = digest_of(key);
    const std::lock_guard lock(mutex_);
    add_key(index, digest);
    while (places_.size() > most_keys_ || bytes_ > most_bytes_) forget_oldest();
  }
}

void LogIndex::add_key(std::uint64_t index, const Digest& digest) {
  const auto [found, is_new] = places_.try_emplace(digest);
  Places& places = found->second;
  if (is_new) {
    places.recency = recency_.insert(recency_.end(), &found->first);
    places.from = from_;
  } else {
    recency_.splice(recency_.end(), recency_, places.recency);
  }
  auto& indexes = places.indexes;
  const bool is_full = indexes.size() >= kPerKey;
  if (is_full && index < indexes.front()) {
    places.from = std::max(places.from, index + 1);
    return;
  }
  const auto at = std::lower_bound(indexes.begin(), indexes.end(), index);
  if (at != indexes.end() && *at == index) return;
  const std::size_t before = index_bytes(indexes);
  if (is_full) {
    places.from = std::max(places.from, indexes.front() + 1);
    std::move(indexes.begin() + 1, at, indexes.begin());
    *(at - 1) = index;
  } else {
    indexes.insert(at, index);
  }
  bytes_ += index_bytes(indexes) - before;
}

void LogIndex::forget_oldest() {
  const auto oldest = places_.find(*recency_.front());
  const auto& indexes = oldest->second.indexes;
  if (!indexes.empty()) from_ = std::max(from_, indexes.back() + 1);
  bytes_ -= index_bytes(indexes);
  recency_.pop_front();
  places_.erase(oldest);
}

std::vector<std::uint64_t> LogIndex::find(const std::string& key, std::uint64_t before,
                                          std::size_t limit) const {
  std::vector<std::uint64_t> out;
  const Digest digest = digest_of(key);
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(digest);
  if (found == places_.end()) return out;
  const auto& indexes = found->second.indexes;
  auto at = std::lower_bound(indexes.begin(), indexes.end(), before);
  while (at != indexes.begin() && out.size() < limit) out.push_back(*--at);
  return out;
}

std::uint64_t LogIndex::known_from(const std::string& key) const {
  const Digest digest = digest_of(key);
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(digest);
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
      if (index >= out.from) continue;
      const std::vector<std::string> keys = keys_of(slots[i].preimage);
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) continue;
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
