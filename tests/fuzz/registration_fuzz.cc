// Statements that others send to be registered, under a policy that names their issuers. Besides
// not crashing: what is taken has an issuer and a kind of the policy, and is taken again as the
// entry that it becomes.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "fuzz/fuzz_target.h"
#include "tlog/registration.h"
#include "tlog/signed_statement.h"

namespace avouch::fuzzing::registration_target {
namespace {

using avouch::ByteView;
namespace crypto = avouch::crypto;
namespace tlog = avouch::tlog;

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr const char* kIssuer = "https://vendor.example";
constexpr const char* kKind = "application/spdx+json";

// The P-256 key of tests/vectors/tlog/statements.txt, by which one input of the corpus is signed.
const tlog::RegistrationPolicy& policy() {
  static const tlog::RegistrationPolicy one = [] {
    tlog::RegistrationPolicy made;
    made.issuers.push_back(
        {.name = kIssuer,
         .keys = {crypto::PublicKey::from_pem(
                      "-----BEGIN PUBLIC KEY-----\n"
                      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2swlmGltj+/xaToAOjMk25pgBdpq\n"
                      "k9m9e3gMoFg/TLs68keKcgp2Km/kfzJD7TpiHnlK7lUyOqKnqWBIoGu9PA==\n"
                      "-----END PUBLIC KEY-----\n")
                      .value()},
         .kinds = {kKind}});
    return made;
  }();
  return one;
}

}  // namespace

AVOUCH_FUZZ_TARGET("registration_fuzz") {
  const ByteView input(data, size);
  tlog::StatementRefusal refusal;
  const auto parsed = tlog::parse_signed_statement_unverified(input, &refusal);
  require(parsed.has_value() == refusal.what.empty());
  if (parsed.has_value()) {
    require(!parsed->issuer.empty() && !parsed->subject.empty() && !parsed->key_id.empty());
    require(tlog::is_media_type(parsed->content_type));
    const auto again = tlog::parse_signed_statement_unverified(parsed->entry);
    require(again.has_value() && again->entry == parsed->entry);
    require(!tlog::statement_of_another(parsed->entry, parsed->issuer).has_value());
  }
  const auto verdict = tlog::check_registration(input, policy());
  const auto* taken = std::get_if<tlog::Registrable>(&verdict);
  if (taken == nullptr) {
    const auto& refused = std::get<tlog::NotRegistered>(verdict);
    require(!refused.title.empty() && !refused.what.empty());
    return 0;
  }
  require(parsed.has_value() && taken->entry == parsed->entry);
  require(taken->issuer == kIssuer && taken->kind == kKind);
  require(taken->digest == crypto::sha256(taken->entry));
  const auto again = tlog::check_registration(taken->entry, policy());
  require(std::holds_alternative<tlog::Registrable>(again));
  return 0;
}

}  // namespace avouch::fuzzing::registration_target
