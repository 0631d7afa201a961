// Verdict tokens. An even first byte: the rest is a token; no one but the signer makes one that is
// accepted, and what is accepted says no more good than its parts. An odd one: the rest is the
// payload, as if the signature were right; what is read is, byte for byte, what we would write.

#include <cstdint>
#include <cstdlib>

#include "attest/token.h"
#include "attest/token_claims.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::token_target {
namespace {

namespace attest = avouch::attest;
namespace codec = avouch::codec;
namespace crypto = avouch::crypto;
using avouch::ByteView;

// The key that signed the seeds; its private part is nowhere.
constexpr std::string_view kVerifierKey =
    R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOWvfxsKxxEEAs0nLjreHVmajhp6a
/DiPl9tj7KFJTL3rlmzmy7tcM6kFXHepapZcM9zGs53xYgeebhqXiquLYA==
-----END PUBLIC KEY-----
)";

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const attest::TokenClaims& claims) {
  require(attest::check_claims(claims).has_value());
  require(claims.status != attest::Status::kNone);
  require(attest::worst_tier(claims.vector) <= claims.status);
  require(!claims.policies.empty());
  for (const auto& policy : claims.policies) require(policy.status <= claims.status);
}

void fuzz_token(ByteView input) {
  static const crypto::PublicKey key = crypto::PublicKey::from_pem(kVerifierKey).value();
  const auto token = attest::verify_token(input, {&key, 1}, "example.com/log");
  if (!token.has_value()) {
    return require(token.error().kind == avouch::ErrorKind::kRejected);
  }
  check(token->claims());
  require(token->at(token->claims().expires_at) == attest::TokenTime::kExpired);
}

void fuzz_payload(ByteView input) {
  const auto payload = codec::parse_cbor(input, {.bytes = attest::kMaxTokenBytes});
  if (!payload.has_value()) return;
  const auto claims = attest::read_claims(payload.value());
  if (!claims.has_value()) {
    return require(claims.error().kind == avouch::ErrorKind::kRejected);
  }
  check(claims.value());
  require(avouch::equal(codec::to_cbor(attest::write_claims(claims.value())), input));
}

}  // namespace

AVOUCH_FUZZ_TARGET("token_fuzz") {
  if (size == 0) return 0;
  const ByteView input(data + 1, size - 1);
  data[0] % 2 == 0 ? fuzz_token(input) : fuzz_payload(input);
  return 0;
}

}  // namespace avouch::fuzzing::token_target
