// Signatures and keys of reference manifests. The first byte says which: below 6, a signature by a
// key of that kind, of which none verifies but the genuine one; else PEM keys.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/keys.h"
#include "fuzz/fuzz_target.h"
#include "reference/dsse.h"

namespace avouch::fuzzing::dsse_target {
namespace {

namespace crypto = avouch::crypto;
namespace reference = avouch::reference;

constexpr std::array kKinds = {crypto::KeyType::kEcP256,  crypto::KeyType::kEcP384,
                               crypto::KeyType::kEd25519, crypto::KeyType::kRsa2048,
                               crypto::KeyType::kRsa3072, crypto::KeyType::kRsa4096};

void require(bool holds) {
  if (!holds) std::abort();
}

struct Signer {
  crypto::PublicKey key;
  avouch::Bytes good;
};

const avouch::Bytes& message() {
  static const avouch::Bytes bytes =
      reference::dsse_pae(reference::kManifestPayloadType, R"({"revoked":[]})");
  return bytes;
}

// Keys are new in each run; a genuine signature is what the input is mixed into.
const std::vector<Signer>& signers() {
  static const std::vector<Signer> all = [] {
    std::vector<Signer> out;
    for (const crypto::KeyType kind : kKinds) {
      const auto key = crypto::PrivateKey::generate(kind);
      out.push_back({key.public_key(), reference::dsse_sign(key, message()).value()});
      require(reference::dsse_verify(out.back().key, message(), out.back().good).has_value());
    }
    return out;
  }();
  return all;
}

void fuzz_signature(std::size_t kind, avouch::ByteView input) {
  const Signer& signer = signers()[kind];
  require(!reference::dsse_verify(signer.key, message(), input).has_value());
  // The genuine one, changed where the input is not zero, and then with the rest behind it.
  avouch::Bytes mixed = signer.good;
  bool changed = input.size() > mixed.size();
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (i < mixed.size()) {
      mixed[i] ^= input[i];
      changed = changed || input[i] != 0;
    } else {
      mixed.push_back(input[i]);
    }
  }
  require(reference::dsse_verify(signer.key, message(), mixed).has_value() == !changed);
}

void fuzz_keys(std::string_view pem) {
  const auto keys = reference::parse_reference_keys({{"provider.pem", std::string(pem)}});
  if (!keys.has_value()) {
    return require(keys.error().kind == avouch::ErrorKind::kRejected &&
                   !keys.error().message.empty());
  }
  require(!keys->empty() && keys->size() <= 64);
  for (const crypto::PublicKey& each : *keys) {
    const auto again = crypto::PublicKey::from_pem(each.pem());
    require(again.has_value() && reference::dsse_key_id(*again) == reference::dsse_key_id(each));
    require(!reference::dsse_verify(each, message(), signers()[0].good).has_value() ||
            each == signers()[0].key);
  }
}

}  // namespace

AVOUCH_FUZZ_TARGET("dsse_fuzz") {
  if (size == 0 || size > 64 * 1024) return 0;
  const avouch::ByteView rest(data + 1, size - 1);
  if (data[0] < kKinds.size()) {
    fuzz_signature(data[0], rest);
  } else {
    fuzz_keys(avouch::as_text(rest));
  }
  return 0;
}

}  // namespace avouch::fuzzing::dsse_target
