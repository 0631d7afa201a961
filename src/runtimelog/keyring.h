#pragma once

// Keys whose signatures over files are accepted.

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "crypto/x509.h"

namespace avouch::runtimelog {

inline constexpr std::size_t kMaxKeyringKeys = 256;

// A key is found as the kernel finds it: by the last four bytes of its identifier, which are in the
// signature. That is a certificate's subjectKeyIdentifier, or the SHA-1 of the key; both are taken.
// A number says nothing: of several keys with it each is tried.
class Keyring {
 public:
  // kRejected: an Ed25519 key (the kernel signs no files with one), or more than kMaxKeyringKeys.
  Result<void> add(const crypto::PublicKey& key);
  // The certificate's key. Neither its issuer nor its validity is checked: the keyring's owner
  // names it, as a machine's kernel is given it. kRejected also for a key of an unlisted kind.
  Result<void> add(const crypto::Certificate& certificate);

  bool empty() const { return keys_.empty(); }
  bool holds(const crypto::PublicKey& key) const;

  struct Key {
    std::uint32_t id;
    crypto::PublicKey key;
  };
  std::span<const Key> find(std::uint32_t id) const;

 private:
  Result<void> add(const crypto::PublicKey& key, ByteView identifier);
  std::vector<Key> keys_;  // by id
};

}  // namespace avouch::runtimelog
