#include "control/log_payloads.h"

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "tests/support/tpm_structures.h"
#include "tlog/entry.h"

namespace avouch::control {
namespace {

using std::chrono::seconds;

attest::TokenClaims claims_with(std::size_t policies) {
  attest::TokenClaims out;
  out.issuer = "log.example.org/avouch";
  out.issued_at = SystemTime(seconds(1'800'000'000));
  out.expires_at = out.issued_at + seconds(300);
  out.verifier_build = "test";
  out.status = attest::Status::kAffirming;
  out.node_uid = "0f6b7d3c-6f3b-4d53-9d1c-6a1f0f6d1a55";
  out.node_name = "worker-1";
  out.ak_name = Bytes(34, 0x0b);
  out.beacon = {out.issuer, 42};
  for (std::size_t i = 0; i < policies; ++i) {
    out.policies.push_back(
        {std::string(250, 'p') + std::to_string(100 + i), {}, {}, attest::Status::kAffirming});
  }
  return out;
}

// A verdict that the log does not take ends the controller: what a token has room for, an entry
// has.
TEST(NodeVerdictPayload, FitsIntoAnEntryHoweverMuchItSays) {
  auto signer = testing::must_value(
      attest::KeySigner::make(crypto::PrivateKey::generate(crypto::KeyType::kEcP256)));
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  NodeVerdict verdict;
  std::size_t most = 0;
  for (std::size_t count = 1; count < 200; ++count) {
    const auto claims = claims_with(count);
    auto token = attest::issue_token(claims, signer);
    if (!token.has_value()) break;
    most = count;
    verdict.token = *std::move(token);
    verdict.policies = claims.policies;
  }
  ASSERT_GT(most, 20U);
  ASSERT_LT(most, 100U);
  for (std::size_t i = 0; i < kMaxReasons; ++i) {
    verdict.reasons.push_back(
        attest::refuse("BootFileUnknown", std::string(4096, 'r') + "\xc3\xa4"));
  }
  const auto entry = tlog::make_entry(
      key,
      {"log.example.org/avouch", "node:1", std::string(tlog::kNodeVerdict),
       node_verdict_payload(SystemTime{}, "worker-1", "uid", Phase::kTrusted, verdict)},
      crypto::system_random());
  EXPECT_TRUE(entry.has_value()) << entry.error().message;
}

}  // namespace
}  // namespace avouch::control
