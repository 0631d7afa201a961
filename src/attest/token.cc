#include "attest/token.h"

#include <algorithm>

#include "attest/token_claims.h"
#include "codec/cose.h"

namespace avouch::attest {
namespace {

using codec::Cbor;
using std::chrono::floor;
using std::chrono::seconds;

constexpr std::string_view kTokenType = "application/eat+cwt";
constexpr seconds kClockSkew{60};

Error refused(const std::string& why) { return rejected("token: " + why); }

// Exactly alg, content type and kid; the key that kid names.
Result<const crypto::PublicKey*> key_for(const codec::UnverifiedSign1& message,
                                         std::span<const crypto::PublicKey> keys) {
  const Cbor::Map* header = message.protected_header.as_map();
  const Cbor* type = message.protected_header.find(codec::kCoseContentType);
  const Cbor* kid = message.protected_header.find(codec::kCoseKid);
  if (header == nullptr || header->size() != 3 || type == nullptr || type->as_text() == nullptr ||
      *type->as_text() != kTokenType || kid == nullptr || kid->as_bytes() == nullptr) {
    return refused("its protected header is not exactly alg ES256, content type " +
                   std::string(kTokenType) + " and kid");
  }
  const Cbor::Map* unprotected = message.unprotected_header.as_map();
  if (unprotected == nullptr || !unprotected->empty()) {
    return refused("its unprotected header is not empty");
  }
  for (const crypto::PublicKey& key : keys) {
    if (codec::key_id(key) == *kid->as_bytes()) return &key;
  }
  return refused("signed by a key that is not one of the verifier's");
}

}  // namespace

Result<KeySigner> KeySigner::make(crypto::PrivateKey key) {
  if (key.type() != crypto::KeyType::kEcP256) {
    return rejected("verifier key: is of type " + std::string(crypto::key_type_name(key.type())) +
                    ", expected P-256");
  }
  return KeySigner(std::move(key));
}

crypto::PublicKey KeySigner::public_key() const { return key_.public_key(); }

Result<Bytes> KeySigner::sign1(Cbor::Map protected_header, ByteView payload) {
  return codec::sign1(key_, std::move(protected_header), payload);
}

TokenClaims claims_of(const Verdict& verdict, const VerifiedQuote& quote, std::string_view issuer,
                      std::string_view node_name, SystemTime now) {
  TokenClaims out;
  out.issuer = issuer;
  std::chrono::milliseconds max_age = kMaxTokenLife;
  for (const PolicyResult& result : verdict.policies) {
    max_age = std::min(max_age, result.max_age);
    out.policies.push_back({result.name, result.spec_digest, result.digest, result.status});
  }
  out.issued_at = floor<seconds>(now);
  out.expires_at = floor<seconds>(quote.not_older_than() + max_age);
  out.status = verdict.status;
  out.vector = verdict.vector;
  out.node_uid = quote.node_uid();
  out.node_name = node_name;
  out.ak_name = quote.ak_name();
  out.reset_count = quote.state().clock.reset_count;
  out.restart_count = quote.state().clock.restart_count;
  out.beacon = quote.beacon();
  out.quote = quote.digest();
  return out;
}

Result<Bytes> issue_token(const TokenClaims& claims, TokenSigner& signer) {
  AVOUCH_CHECK(check_claims(claims));
  Cbor::Map header = {
      {Cbor::integer(codec::kCoseContentType), Cbor::text(kTokenType)},
      {Cbor::integer(codec::kCoseKid), Cbor::bytes(codec::key_id(signer.public_key()))}};
  AVOUCH_TRY(Bytes token, signer.sign1(std::move(header), codec::to_cbor(write_claims(claims))));
  if (token.size() > kMaxTokenBytes) {
    return refused("has " + std::to_string(token.size()) + " bytes, at most " +
                   std::to_string(kMaxTokenBytes) + " are accepted: fewer policies on one node");
  }
  return token;
}

Result<VerifiedToken> verify_token(ByteView token, std::span<const crypto::PublicKey> keys,
                                   std::string_view issuer) {
  if (token.size() > kMaxTokenBytes) {
    return refused("has " + std::to_string(token.size()) + " bytes, at most " +
                   std::to_string(kMaxTokenBytes) + " are accepted");
  }
  const codec::CborLimits limits{.bytes = kMaxTokenBytes, .depth = 8, .items = 4096};
  AVOUCH_TRY(const auto message, codec::parse_sign1_unverified(token, limits));
  AVOUCH_TRY(const crypto::PublicKey* key, key_for(message, keys));
  if (!message.payload) return refused("its payload is detached");
  AVOUCH_CHECK(codec::verify_sign1(message, *key));
  AVOUCH_TRY(const Cbor claims, codec::parse_cbor(*message.payload, limits));
  VerifiedToken out;
  AVOUCH_TRY(out.claims_, read_claims(claims));
  if (out.claims_.issuer != issuer) {
    return rejected("token.iss: is \"" + out.claims_.issuer + "\", expected \"" +
                    std::string(issuer) + "\"");
  }
  out.digest_ = crypto::sha256(token);
  return out;
}

TokenTime VerifiedToken::at(SystemTime now) const {
  if (now >= claims_.expires_at) return TokenTime::kExpired;
  return claims_.issued_at > now + kClockSkew ? TokenTime::kNotYet : TokenTime::kValid;
}

bool VerifiedToken::newer_than(const VerifiedToken& other) const {
  if (claims_.issued_at != other.claims_.issued_at) {
    return claims_.issued_at > other.claims_.issued_at;
  }
  return claims_.expires_at > other.claims_.expires_at;
}

const TokenPolicy* VerifiedToken::policy(const crypto::Sha256& spec_digest,
                                         std::string_view name) const {
  for (const TokenPolicy& each : claims_.policies) {
    if (each.name == name && each.spec_digest == spec_digest) return &each;
  }
  return nullptr;
}

}  // namespace avouch::attest
