#include "runtimelog/file_signature.h"

#include <optional>

#include "base/hex.h"

namespace avouch::runtimelog {
namespace {

constexpr std::uint8_t kDigestSignature = 3, kPortableSignature = 5, kVeritySignature = 6;

// enum hash_algo of the kernel's include/uapi/linux/hash_info.h.
std::optional<crypto::HashAlgorithm> hash_of(std::uint8_t number) {
  switch (number) {
    case 4:
      return crypto::HashAlgorithm::kSha256;
    case 5:
      return crypto::HashAlgorithm::kSha384;
    case 6:
      return crypto::HashAlgorithm::kSha512;
    default:
      return std::nullopt;
  }
}
std::uint8_t number_of(crypto::HashAlgorithm hash) {
  return hash == crypto::HashAlgorithm::kSha256   ? 4
         : hash == crypto::HashAlgorithm::kSha384 ? 5
                                                  : 6;
}

Result<void> check_kind(std::uint8_t type, std::uint8_t version) {
  if (type == kPortableSignature) {
    return rejected(
        "an EVM portable signature (type 5) covers attributes that the log does not hold: sign the "
        "file's digest (evmctl ima_sign)");
  }
  if (type != kDigestSignature && type != kVeritySignature) {
    return rejected("type " + std::to_string(type) + ": expected 3 (digest) or 6 (fs-verity)");
  }
  if (version == 3 || (version == 2 && type == kDigestSignature)) return {};
  return rejected("version " + std::to_string(version) + " of type " + std::to_string(type) +
                  ": expected " + (type == kDigestSignature ? "2 or 3" : "3"));
}

// What is wrong with a signature for this entry before any key is looked at.
Result<void> check_fit(const FileSignature& signature, const Fields& fields) {
  if (!fields.known || *fields.known != signature.hash) {
    return rejected("the signature is over " + std::string(crypto::hash_name(signature.hash)) +
                    ", the entry's digest is " + std::string(fields.algorithm));
  }
  const bool typed = fields.kind == Template::kImaSigV2;
  const bool over_verity = signature.type == kVeritySignature;
  const bool of_verity = fields.of == DigestOf::kVerity;
  if (typed && over_verity != of_verity) {
    return rejected(std::string("the signature is over ") +
                    (over_verity ? "fs-verity's digest" : "the content's digest") +
                    ", the entry has " + (of_verity ? "fs-verity's" : "the content's"));
  }
  return {};
}

Result<void> verify_with(const FileSignature& signature, ByteView digest,
                         const crypto::PublicKey& key) {
  const bool is_ec =
      key.type() == crypto::KeyType::kEcP256 || key.type() == crypto::KeyType::kEcP384;
  const auto scheme = is_ec ? crypto::SignatureScheme::kEcdsa : crypto::SignatureScheme::kRsassa;
  Bytes raw;
  ByteView value = signature.value;
  if (is_ec) {
    AVOUCH_TRY(raw, crypto::ecdsa_signature_from_der(key.type(), value));
    value = raw;
  }
  if (signature.version == 2) return key.verify_digest(scheme, signature.hash, digest, value);
  Bytes file_id = {signature.type, number_of(signature.hash)};  // struct ima_file_id
  append(file_id, digest);
  return key.verify(scheme, signature.hash, file_id, value);
}

std::string id_text(std::uint32_t id) {
  Bytes bytes;
  append_be32(bytes, id);
  return to_hex(bytes);
}

}  // namespace

Result<FileSignature> parse_file_signature(ByteView attribute) {
  ByteReader reader(attribute);
  FileSignature out;
  AVOUCH_TRY(out.type, reader.u8("type"));
  AVOUCH_TRY(out.version, reader.u8("version"));
  AVOUCH_CHECK(check_kind(out.type, out.version));
  AVOUCH_TRY(const std::uint8_t hash, reader.u8("hash algorithm"));
  const auto known = hash_of(hash);
  if (!known) {
    return rejected("hash algorithm " + std::to_string(hash) +
                    ": expected 4 (SHA-256), 5 (SHA-384) or 6 (SHA-512)");
  }
  out.hash = *known;
  AVOUCH_TRY(out.key_id, reader.be32("key identifier"));
  AVOUCH_TRY(const std::uint16_t size, reader.be16("signature size"));
  if (size == 0 || size != reader.remaining()) {
    return rejected("signature size " + std::to_string(size) + ", but " +
                    std::to_string(reader.remaining()) + " bytes follow");
  }
  AVOUCH_TRY(out.value, reader.take(size, "signature"));
  return out;
}

SignatureVerdict verify_file_signature(const Fields& fields, const Keyring& keyring,
                                       const Keyring& revoked, SignatureChecks how) {
  const auto signature = parse_file_signature(fields.signature);
  if (!signature.has_value()) {
    return {SignatureFault::kMalformed, "signature: " + signature.error().message, 0};
  }
  if (const auto fit = check_fit(*signature, fields); !fit.has_value()) {
    return {SignatureFault::kMalformed, fit.error().message, 0};
  }
  const auto keys = keyring.find(signature->key_id);
  if (keys.empty()) {
    const bool was_accepted = !revoked.find(signature->key_id).empty();
    return {SignatureFault::kKeyUnknown,
            "signed by key " + id_text(signature->key_id) + ", which " +
                (was_accepted ? "a ReferenceManifest revokes" : "is in none of the keyrings"),
            0};
  }
  if (!how.wanted) return {SignatureFault::kNotChecked, "the signature was not checked", 0};
  crypto::Sha256 name{};
  if (how.good != nullptr) {
    name = GoodSignatures::name_of(fields.signature, fields.digest);
    if (how.good->has(name)) return {SignatureFault::kNone, {}, 0};
  }
  unsigned checks = 0;
  for (const Keyring::Key& each : keys) {
    ++checks;
    if (!verify_with(*signature, fields.digest, each.key).has_value()) continue;
    if (how.good != nullptr) how.good->add(name);
    return {SignatureFault::kNone, {}, checks};
  }
  return {SignatureFault::kInvalid,
          "the signature by key " + id_text(signature->key_id) + " is not over this digest",
          checks};
}

}  // namespace avouch::runtimelog
