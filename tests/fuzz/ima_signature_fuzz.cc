// Signatures of files. Input: u8 algorithm and template, u8 size of the digest, the digest, the
// attribute. Nothing but a signature that a key of the keyring made is accepted; none here is.

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/hex.h"
#include "fuzz/fuzz_target.h"
#include "runtimelog/file_signature.h"

namespace avouch::fuzzing::ima_signature_target {
namespace {

namespace runtimelog = avouch::runtimelog;
namespace crypto = avouch::crypto;
using avouch::Bytes;
using avouch::ByteView;

void require(bool holds) {
  if (!holds) std::abort();
}

// RFC 6979, A.2.5; nobody signs files with it.
runtimelog::Keyring keyring() {
  const auto key = crypto::PublicKey::ec_from_point(
      crypto::KeyType::kEcP256,
      avouch::from_hex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6").value(),
      avouch::from_hex("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299").value());
  runtimelog::Keyring out;
  require(out.add(key.value()).has_value());
  return out;
}

}  // namespace

AVOUCH_FUZZ_TARGET("ima_signature_fuzz") {
  static const runtimelog::Keyring keys = keyring();
  if (size < 2 || size < 2U + data[1]) return 0;
  runtimelog::Fields fields;
  fields.kind =
      (data[0] & 4) != 0 ? runtimelog::Template::kImaSigV2 : runtimelog::Template::kImaSig;
  fields.of = (data[0] & 8) != 0 ? runtimelog::DigestOf::kVerity : runtimelog::DigestOf::kContent;
  fields.known = static_cast<crypto::HashAlgorithm>(data[0] & 3);
  fields.algorithm = crypto::hash_name(*fields.known);
  fields.digest = ByteView(data + 2, data[1]);
  fields.signature = ByteView(data + 2 + data[1], size - 2 - data[1]);

  const auto parsed = runtimelog::parse_file_signature(fields.signature);
  if (parsed.has_value()) {
    require(parsed->value.size() + 9 == fields.signature.size());
    require(parsed->version == 2 || parsed->version == 3);
  }
  const runtimelog::SignatureVerdict verdict = runtimelog::verify_file_signature(fields, keys);
  require(verdict.fault != runtimelog::SignatureFault::kNone && !verdict.message.empty());
  require(parsed.has_value() || verdict.fault == runtimelog::SignatureFault::kMalformed);
  return 0;
}

}  // namespace avouch::fuzzing::ima_signature_target
