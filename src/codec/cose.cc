#include "codec/cose.h"

namespace avouch::codec {
namespace {

constexpr std::uint64_t kSign1Tag = 18;
constexpr std::int64_t kCoseCrit = 2;
constexpr std::size_t kEs256Size = 64;

// RFC 9052, 4.4, with no external data.
Bytes to_be_signed(ByteView protected_bytes, ByteView payload) {
  return to_cbor(Cbor::array({Cbor::text("Signature1"), Cbor::bytes(protected_bytes),
                              Cbor::bytes({}), Cbor::bytes(payload)}));
}

Result<void> check_is_p256(crypto::KeyType type) {
  if (type == crypto::KeyType::kEcP256) return {};
  return rejected("COSE: ES256 needs a key of type EC P-256, not " +
                  std::string(crypto::key_type_name(type)));
}

Result<void> check_labels(const Cbor::Map& header) {
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
  const Cbor* alg = protected_header.find(kCoseAlg);
  if (alg == nullptr || alg->as_integer() == nullptr || *alg->as_integer() != kCoseEs256) {
    return rejected("COSE: the protected header must have alg (1) ES256 (-7)");
  }
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

}  // namespace

Bytes key_id(const crypto::PublicKey& key) {
  const crypto::Sha256 digest = crypto::sha256(key.spki_der());
  return {digest.begin(), digest.begin() + 8};
}

Result<Bytes> sign1(const crypto::PrivateKey& key, Cbor::Map protected_header, ByteView payload) {
  AVOUCH_CHECK(check_is_p256(key.type()));
  for (const auto& [label, value] : protected_header) {
    if (label.as_integer() != nullptr && *label.as_integer() == kCoseAlg) {
      return rejected("COSE: alg (1) is added by sign1, do not give it");
    }
  }
  protected_header.emplace_back(Cbor::integer(kCoseAlg), Cbor::integer(kCoseEs256));
  const Cbor header = Cbor::map(std::move(protected_header));
  AVOUCH_CHECK(check_headers(header, Cbor::map({})));
  const Bytes protected_bytes = to_cbor(header);
  AVOUCH_TRY(const Bytes signature,
             key.sign(crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256,
                      to_be_signed(protected_bytes, payload)));
  return to_cbor(
      Cbor::tagged(kSign1Tag, Cbor::array({Cbor::bytes(protected_bytes), Cbor::map({}),
                                           Cbor::bytes(payload), Cbor::bytes(signature)})));
}

Result<UnverifiedSign1> parse_sign1_unverified(ByteView encoded, const CborLimits& limits) {
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
  if (!(*parts)[2].is_null()) {
    AVOUCH_TRY(out.payload, bytes_of((*parts)[2], "payload"));
  }
  AVOUCH_TRY(out.signature, bytes_of((*parts)[3], "signature"));
  if (out.signature.size() != kEs256Size) {
    return rejected("COSE: an ES256 signature has 64 bytes, not " +
                    std::to_string(out.signature.size()));
  }
  return out;
}

Result<void> verify_sign1(const UnverifiedSign1& message, const crypto::PublicKey& key,
                          std::optional<ByteView> detached_payload) {
  AVOUCH_CHECK(check_is_p256(key.type()));
  if (message.payload.has_value() == detached_payload.has_value()) {
    return rejected(message.payload.has_value()
                        ? "COSE: a detached payload was given for a message that has its own"
                        : "COSE: the payload is detached and was not given");
  }
  const ByteView payload = message.payload ? ByteView(*message.payload) : *detached_payload;
  return key.verify(crypto::SignatureScheme::kEcdsa, crypto::HashAlgorithm::kSha256,
                    to_be_signed(message.protected_bytes, payload), message.signature);
}

}  // namespace avouch::codec
