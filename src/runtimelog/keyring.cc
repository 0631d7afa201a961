#include "runtimelog/keyring.h"

#include <algorithm>

namespace avouch::runtimelog {
namespace {

std::uint32_t short_id(ByteView identifier) {
  std::uint32_t out = 0;
  for (const std::uint8_t byte : identifier.last(4)) out = out << 8 | byte;
  return out;
}

struct ById {
  bool operator()(const Keyring::Key& key, std::uint32_t id) const { return key.id < id; }
  bool operator()(std::uint32_t id, const Keyring::Key& key) const { return id < key.id; }
};

}  // namespace

Result<void> Keyring::add(const crypto::PublicKey& key, ByteView identifier) {
  if (key.type() == crypto::KeyType::kEd25519) {
    return rejected("an Ed25519 key signs no files: expected RSA or ECDSA P-256 or P-384");
  }
  const std::uint32_t id = short_id(identifier);
  for (const Key& same : find(id)) {
    if (same.key == key) return {};
  }
  if (keys_.size() >= kMaxKeyringKeys) {
    return rejected("more than " + std::to_string(kMaxKeyringKeys) + " keys in one keyring");
  }
  keys_.insert(std::upper_bound(keys_.begin(), keys_.end(), id, ById{}), Key{id, key});
  return {};
}

Result<void> Keyring::add(const crypto::PublicKey& key) { return add(key, key.key_identifier()); }

Result<void> Keyring::add(const crypto::Certificate& certificate) {
  AVOUCH_TRY(const crypto::PublicKey key, certificate.public_key());
  AVOUCH_CHECK(add(key));
  const Bytes identifier = certificate.subject_key_identifier();
  return identifier.size() < 4 ? Result<void>() : add(key, identifier);
}

bool Keyring::holds(const crypto::PublicKey& key) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const Key& held) { return held.key == key; });
}

std::span<const Keyring::Key> Keyring::find(std::uint32_t id) const {
  const auto [first, last] = std::equal_range(keys_.begin(), keys_.end(), id, ById{});
  return {first, last};
}

}  // namespace avouch::runtimelog
