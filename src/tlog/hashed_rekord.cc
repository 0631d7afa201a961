#include "tlog/hashed_rekord.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/hex.h"
#include "codec/base64.h"
#include "codec/fields.h"
#include "codec/json.h"

namespace avouch::tlog {
namespace {

using codec::Json;
using Fault = HashedRekordRefusal::Fault;

constexpr std::string_view kRequestMember = "hashedRekordRequestV002";
constexpr std::string_view kSpecMember = "hashedRekordV002";
constexpr std::size_t kMaxKey = 256, kMaxSignature = 128, kMaxDigest = 64;
constexpr codec::JsonLimits kRekordLimits{kMaxHashedRekordBytes, 8};

// How a type of keys signs, by the names of sigstore's protobuf-specs.
struct Scheme {
  crypto::KeyType type;
  crypto::HashAlgorithm hash;
  std::string_view details, hash_name;
};
constexpr std::array kSchemes = {Scheme{crypto::KeyType::kEcP256, crypto::HashAlgorithm::kSha256,
                                        "PKIX_ECDSA_P256_SHA_256", "SHA2_256"},
                                 Scheme{crypto::KeyType::kEcP384, crypto::HashAlgorithm::kSha384,
                                        "PKIX_ECDSA_P384_SHA_384", "SHA2_384"}};

const Scheme* scheme_for(crypto::KeyType type) {
  const auto found = std::find_if(kSchemes.begin(), kSchemes.end(),
                                  [&](const Scheme& each) { return each.type == type; });
  return found == kSchemes.end() ? nullptr : &*found;
}

std::optional<codec::Fields> needed_object(codec::Fields& fields, std::string_view name) {
  if (!fields.has(name)) fields.error(name, "is required: expected an object");
  return fields.object(name);
}

Bytes needed_bytes(codec::Fields& fields, std::string_view name, std::size_t max_bytes) {
  if (!fields.has(name)) {
    fields.error(name, "is required: expected bytes in base64");
    return {};
  }
  auto bytes = fields.base64(name, max_bytes);
  if (bytes && bytes->empty()) fields.error(name, "must not be empty");
  return std::move(bytes).value_or(Bytes{});
}

void read_verifier(codec::Fields& verifier, UnverifiedHashedRekord& out) {
  if (verifier.has("x509Certificate")) {
    verifier.raw("x509Certificate");
    verifier.raw("publicKey");
    verifier.error("x509Certificate",
                   "certificates are not taken, as they hold names and an entry is public for "
                   "ever: sign with a key of its own (cosign: --key, without --certificate)");
  } else if (auto key = needed_object(verifier, "publicKey")) {
    out.key = needed_bytes(*key, "rawBytes", kMaxKey);
    key->finish();
  }
  if (!verifier.has("keyDetails")) {
    verifier.error("keyDetails", "is required: expected the type of the key");
  }
  const auto details = verifier.one_of("keyDetails", {kSchemes[0].details, kSchemes[1].details});
  for (const Scheme& scheme : kSchemes) {
    if (details && *details == scheme.details) out.key_type = scheme.type;
  }
  verifier.finish();
}

void read_signature(codec::Fields& parent, UnverifiedHashedRekord& out) {
  auto signature = needed_object(parent, "signature");
  if (!signature) return;
  out.signature = needed_bytes(*signature, "content", kMaxSignature);
  if (auto verifier = needed_object(*signature, "verifier")) read_verifier(*verifier, out);
  signature->finish();
}

// Once all members have been read without an error.
Result<void> check_digest_size(const UnverifiedHashedRekord& rekord, const std::string& path) {
  const Scheme& scheme = *scheme_for(rekord.key_type);
  const std::size_t size = crypto::digest_size(scheme.hash);
  if (rekord.digest.size() == size) return {};
  return rejected(path + ": has " + std::to_string(rekord.digest.size()) + " bytes; expected " +
                  std::to_string(size) + ", as keyDetails " + std::string(scheme.details) +
                  " asks for");
}

Result<void> check_signed_by(const UnverifiedHashedRekord& rekord, const crypto::PublicKey& key) {
  const Scheme* scheme = scheme_for(rekord.key_type);
  if (scheme == nullptr || key.type() != rekord.key_type) {
    return rejected("keyDetails: the key is of type " +
                    std::string(crypto::key_type_name(key.type())) + "; expected " +
                    std::string(crypto::key_type_name(rekord.key_type)) + ", as it says");
  }
  auto raw = crypto::ecdsa_signature_from_der(key.type(), rekord.signature);
  if (!raw.has_value()) return with_context(std::move(raw).error(), "signature.content");
  const auto good =
      key.verify_digest(crypto::SignatureScheme::kEcdsa, scheme->hash, rekord.digest, *raw);
  if (good.has_value()) return {};
  if (good.error().kind != ErrorKind::kRejected) return good.error();
  return rejected("signature.content: is not the key's signature over digest");
}

HashedRekordRefusal refused(Fault fault, std::string what) { return {fault, std::move(what)}; }

}  // namespace

Result<UnverifiedHashedRekord> parse_hashed_rekord_request_unverified(std::string_view request) {
  const auto document = codec::parse_json(request, kRekordLimits);
  if (!document.has_value()) return with_context(document.error(), "the request");
  codec::FieldErrors errors;
  codec::Fields root(*document, "", errors);
  UnverifiedHashedRekord out;
  if (root.has("dsseRequestV002")) {
    root.raw("dsseRequestV002");
    root.raw(kRequestMember);
    root.error("dsseRequestV002",
               "envelopes are not taken, nor does Rekor 2.3 take them: send a " +
                   std::string(kRequestMember) +
                   " whose digest is that of the envelope's pre-authentication encoding, as cosign "
                   "3.1 does");
  } else if (auto rekord = needed_object(root, kRequestMember)) {
    out.digest = needed_bytes(*rekord, "digest", kMaxDigest);
    read_signature(*rekord, out);
    rekord->finish();
  }
  root.finish();
  if (!errors.empty()) return rejected(errors.text());
  AVOUCH_CHECK(check_digest_size(out, std::string(kRequestMember) + ".digest"));
  return out;
}

bool begins_as_hashed_rekord(ByteView entry) {
  return !entry.empty() && entry.front() == std::uint8_t{'{'};
}

Result<UnverifiedHashedRekord> parse_hashed_rekord_unverified(ByteView entry) {
  if (!begins_as_hashed_rekord(entry)) {
    return rejected("the entry is no hashedrekord: it does not begin with 7b");
  }
  const auto document = codec::parse_json(as_text(entry), kRekordLimits);
  if (!document.has_value()) return with_context(document.error(), "hashedrekord");
  const Json nothing;
  const Json* spec = document->find_path({"spec", kSpecMember});
  const std::string path = "spec." + std::string(kSpecMember);
  codec::FieldErrors errors;
  codec::Fields fields(spec == nullptr ? nothing : *spec, path, errors);
  UnverifiedHashedRekord out;
  if (auto data = needed_object(fields, "data")) {
    out.digest = needed_bytes(*data, "digest", kMaxDigest);
  }
  read_signature(fields, out);
  if (!errors.empty()) return rejected("hashedrekord: " + errors.text());
  AVOUCH_CHECK(check_digest_size(out, "hashedrekord: " + path + ".data.digest"));
  if (!equal(format_hashed_rekord(out), entry)) {
    return rejected(
        "hashedrekord: is not in its one form (RFC 8785), or has other members than such an entry");
  }
  return out;
}

Bytes format_hashed_rekord(const UnverifiedHashedRekord& rekord) {
  const Scheme* scheme = scheme_for(rekord.key_type);
  if (scheme == nullptr) return {};
  Json key = Json::Object{{"rawBytes", codec::to_base64(rekord.key)}};
  Json verifier = Json::Object{{"keyDetails", scheme->details}, {"publicKey", std::move(key)}};
  Json signature = Json::Object{{"content", codec::to_base64(rekord.signature)},
                                {"verifier", std::move(verifier)}};
  Json data =
      Json::Object{{"algorithm", scheme->hash_name}, {"digest", codec::to_base64(rekord.digest)}};
  Json body = Json::Object{{"data", std::move(data)}, {"signature", std::move(signature)}};
  Json spec = Json::Object{{std::string(kSpecMember), std::move(body)}};
  const Json entry = Json::Object{
      {"apiVersion", kHashedRekordVersion}, {"kind", kHashedRekord}, {"spec", std::move(spec)}};
  return to_bytes(codec::canonical_json(entry).value());  // text alone, and that is ASCII
}

Result<crypto::PublicKey> verify_hashed_rekord(const UnverifiedHashedRekord& rekord) {
  auto key = crypto::PublicKey::from_spki_der(rekord.key);
  if (!key.has_value()) return with_context(std::move(key).error(), "publicKey.rawBytes");
  AVOUCH_CHECK(check_signed_by(rekord, *key));
  return key;
}

HashedRekordVerdict check_hashed_rekord(std::string_view request,
                                        std::span<const crypto::PublicKey> keys) {
  if (request.size() > kMaxHashedRekordBytes) {
    return refused(Fault::kTooLarge, "the request has " + std::to_string(request.size()) +
                                         " bytes; at most " +
                                         std::to_string(kMaxHashedRekordBytes) + " are taken");
  }
  const auto rekord = parse_hashed_rekord_request_unverified(request);
  if (!rekord.has_value()) return refused(Fault::kMalformed, rekord.error().message);
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const crypto::PublicKey& each) {
    return each.spki_der() == rekord->key;
  });
  const crypto::Sha256 key_digest = crypto::sha256(rekord->key);
  if (key == keys.end()) {
    return refused(Fault::kUnknownKey,
                   "the key (SHA-256 of its SubjectPublicKeyInfo: " + to_hex(key_digest) +
                       ") is none that the registration policy names");
  }
  const auto good = check_signed_by(*rekord, *key);
  if (!good.has_value()) return refused(Fault::kBadSignature, good.error().message);
  return RegistrableHashedRekord{format_hashed_rekord(*rekord), rekord->digest, key_digest};
}

}  // namespace avouch::tlog
