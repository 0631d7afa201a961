#include "codec/cose.h"

#include <algorithm>

namespace avouch::codec {
namespace {

constexpr std::int64_t kCoseCrit = 2;

struct Algorithm {
  std::int64_t id;
  std::string_view name;
  crypto::KeyType key;
  crypto::HashAlgorithm hash;
  std::size_t signature_size;
};
constexpr std::array<Algorithm, 2> kAlgorithms = {
    {{kCoseEs256, "ES256", crypto::KeyType::kEcP256, crypto::HashAlgorithm::kSha256, 64},
     {kCoseEs384, "ES384", crypto::KeyType::kEcP384, crypto::HashAlgorithm::kSha384, 96}}};

const Algorithm* find_algorithm(std::int64_t id) {
  const auto found = std::find_if(kAlgorithms.begin(), kAlgorithms.end(),
                                  [id](const Algorithm& each) { return each.id == id; });
  return found == kAlgorithms.end() ? nullptr : &*found;
}

// RFC 9052, 4.4, with no external data.
Bytes to_be_signed(ByteView protected_bytes, ByteView payload) {
  return to_cbor(Cbor::array({Cbor::text("Signature1"), Cbor::bytes(protected_bytes),
                              Cbor::bytes({}), Cbor::bytes(payload)}));
}

Result<void> check_key(const Algorithm& algorithm, crypto::KeyType type) {
  if (type == algorithm.key) return {};
  return rejected("COSE: " + std::string(algorithm.name) + " needs a key of type " +
                  std::string(crypto::key_type_name(algorithm.key)) + ", not " +
                  std::string(crypto::key_type_name(type)));
}

// The algorithm that the protected header names, if it is one of those that are taken.
Result<const Algorithm*> algorithm_of(const Cbor& protected_header,
                                      std::span<const std::int64_t> taken) {
  const Cbor* alg = protected_header.find(kCoseAlg);
  const std::int64_t* id = alg == nullptr ? nullptr : alg->as_integer();
  if (id != nullptr && std::find(taken.begin(), taken.end(), *id) != taken.end()) {
    if (const Algorithm* found = find_algorithm(*id)) return found;
  }
  std::string expected;
  for (const std::int64_t each : taken) {
    const Algorithm* known = find_algorithm(each);
    if (known == nullptr) continue;
    expected += (expected.empty() ? "" : " or ") + std::string(known->name) + " (" +
                std::to_string(each) + ")";
  }
  return rejected("COSE: the protected header must have alg (1) " + expected);
}

// They are compared one by one, before any signature is looked at.
constexpr std::size_t kMaxLabels = 64;

Result<void> check_labels(const Cbor::Map& header) {
  if (header.size() > kMaxLabels) {
    return rejected("COSE: a header of " + std::to_string(header.size()) +
                    " labels, expected at most " + std::to_string(kMaxLabels));
  }
  for (const auto& [label, value] : header) {
    if (label.as_integer() == nullptr && label.as_text() == nullptr) {
      return rejected("COSE: a header label is neither an integer nor a text");
    }
  }
  return {};
}

// RFC 9052, 3: a label stands in one of the two headers, and what is critical must be understood.
Result<void> check_headers(const Cbor& protected_header, const Cbor& unprotected_header) {
  const Cbor::Map* inner = protected_header.as_map();
  const Cbor::Map* outer = unprotected_header.as_map();
  if (inner == nullptr) return rejected("COSE: the protected header is not a map");
  if (outer == nullptr) return rejected("COSE: the unprotected header is not a map");
  AVOUCH_CHECK(check_labels(*inner));
  AVOUCH_CHECK(check_labels(*outer));
  for (const auto& [label, value] : *outer) {
    const bool in_both = label.as_integer() != nullptr
                             ? protected_header.find(*label.as_integer()) != nullptr
                             : protected_header.find(*label.as_text()) != nullptr;
    if (in_both) return rejected("COSE: a label stands in both headers");
  }
  if (protected_header.find(kCoseCrit) != nullptr ||
      unprotected_header.find(kCoseCrit) != nullptr) {
    return rejected("COSE: critical headers (crit, 2) are not supported");
  }
  return {};
}

Result<Bytes> bytes_of(const Cbor& value, const char* what) {
  if (const Bytes* bytes = value.as_bytes()) return *bytes;
  return rejected("COSE: the " + std::string(what) + " is not a byte string");
}

// `carried` is what stands in the place of the payload.
Result<Bytes> sign(const crypto::PrivateKey& key, Cbor::Map protected_header,
                   Cbor::Map unprotected_header, ByteView payload, Cbor carried) {
  AVOUCH_CHECK(check_key(*find_algorithm(kCoseEs256), key.type()));
  for (const auto& [label, value] : protected_header) {
    if (label.as_integer() != nullptr && *label.as_integer() == kCoseAlg) {
      return rejected("COSE: alg (1) is added when it is signed, do not give it");
    }
  }
  protected_header.emplace_back(Cbor::integer(kCoseAlg), Cbor::integer(kCoseEs256));
  const Cbor inner = Cbor::map(std::move(protected_header));
  const Cbor outer = Cbor::map(std::move(unprotected_header));
  AVOUCH_CHECK(check_headers(inner, outer));
  const Bytes protected_bytes = to_cbor(inner);
  AVOUCH_TRY(const Bytes signature,
             key.sign(crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256,
                      to_be_signed(protected_bytes, payload)));
  return to_cbor(
      Cbor::tagged(kSign1Tag, Cbor::array({Cbor::bytes(protected_bytes), outer, std::move(carried),
                                           Cbor::bytes(signature)})));
}

}  // namespace

Bytes key_id(const crypto::PublicKey& key) {
  const crypto::Sha256 digest = crypto::sha256(key.spki_der());
  return {digest.begin(), digest.begin() + 8};
}

Result<Bytes> sign1(const crypto::PrivateKey& key, Cbor::Map protected_header, ByteView payload) {
  return sign(key, std::move(protected_header), {}, payload, Cbor::bytes(payload));
}

Result<Bytes> sign1_detached(const crypto::PrivateKey& key, Cbor::Map protected_header,
                             Cbor::Map unprotected_header, ByteView payload) {
  return sign(key, std::move(protected_header), std::move(unprotected_header), payload, Cbor());
}

Result<UnverifiedSign1> parse_sign1_unverified(ByteView encoded, const CborLimits& limits,
                                               std::span<const std::int64_t> algorithms) {
  auto parsed = parse_cbor(encoded, limits);
  if (!parsed.has_value()) return with_context(std::move(parsed).error(), "COSE");
  const Cbor* message = parsed->as_tagged(kSign1Tag);
  const Cbor::Array* parts = message == nullptr ? nullptr : message->as_array();
  if (parts == nullptr || parts->size() != 4) {
    return rejected("COSE: expected COSE_Sign1, an array of four under tag 18");
  }
  UnverifiedSign1 out;
  AVOUCH_TRY(out.protected_bytes, bytes_of((*parts)[0], "protected header"));
  auto header = parse_cbor(out.protected_bytes, limits);
  if (!header.has_value()) {
    return with_context(std::move(header).error(), "COSE: protected header");
  }
  out.protected_header = std::move(*header);
  out.unprotected_header = (*parts)[1];
  AVOUCH_CHECK(check_headers(out.protected_header, out.unprotected_header));
  AVOUCH_TRY(const Algorithm* algorithm, algorithm_of(out.protected_header, algorithms));
  out.algorithm = algorithm->id;
  if (!(*parts)[2].is_null()) {
    AVOUCH_TRY(out.payload, bytes_of((*parts)[2], "payload"));
  }
  AVOUCH_TRY(out.signature, bytes_of((*parts)[3], "signature"));
  if (out.signature.size() != algorithm->signature_size) {
    return rejected("COSE: an " + std::string(algorithm->name) + " signature has " +
                    std::to_string(algorithm->signature_size) + " bytes, not " +
                    std::to_string(out.signature.size()));
  }
  return out;
}

Result<void> verify_sign1(const UnverifiedSign1& message, const crypto::PublicKey& key,
                          std::optional<ByteView> detached_payload) {
  const Algorithm* algorithm = find_algorithm(message.algorithm);
  if (algorithm == nullptr) return rejected("COSE: an algorithm that is not known");
  AVOUCH_CHECK(check_key(*algorithm, key.type()));
  if (message.payload.has_value() == detached_payload.has_value()) {
    return rejected(message.payload.has_value()
                        ? "COSE: a detached payload was given for a message that has its own"
                        : "COSE: the payload is detached and was not given");
  }
  const ByteView payload = message.payload ? ByteView(*message.payload) : *detached_payload;
  return key.verify(crypto::SignatureScheme::kEcdsa, algorithm->hash,
                    to_be_signed(message.protected_bytes, payload), message.signature);
}

}  // namespace avouch::codec
