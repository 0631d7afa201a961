#pragma once

// Signatures that were verified, so that an entry which a log repeats costs one check.

#include <array>
#include <optional>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace avouch::runtimelog {

// The last few of one keyring that were good, each by SHA-256 over all that the check depends on.
// One owner. Constant size.
class GoodSignatures {
 public:
  // `attribute` as security.ima holds it (file_signature.h): type, version, hash, key identifier
  // and signature. It says how long it is, so no two pairs are one text.
  static crypto::Sha256 name_of(ByteView attribute, ByteView digest) {
    Bytes all(attribute.begin(), attribute.end());
    append(all, digest);
    return crypto::sha256(all);
  }

  bool has(const crypto::Sha256& name) const { return places_.at(name.front()) == name; }
  void add(const crypto::Sha256& name) { places_.at(name.front()) = name; }

 private:
  std::array<std::optional<crypto::Sha256>, 256> places_;  // by the name's first byte
};

}  // namespace avouch::runtimelog
