#include "attest/token_claims.h"

#include <algorithm>
#include <limits>

#include "attest/claims_reader.h"
#include "attest/json_text.h"

namespace avouch::attest {
namespace {

using codec::Cbor;
using std::chrono::duration_cast;
using std::chrono::seconds;

constexpr std::int64_t kMaxCounter = std::numeric_limits<std::uint32_t>::max();
constexpr std::int64_t kMaxTime = 253402300799;  // end of the year 9999
constexpr std::size_t kMaxNameBytes = 253;

constexpr ClaimKey kIssuer{1, "iss"}, kExpires{4, "exp"}, kIssued{6, "iat"},
    kProfile{265, "eat_profile"}, kSubmodules{266, "submods"}, kVerifier{1004, "ear_verifier_id"};
constexpr ClaimKey kDeveloper{0, "developer"}, kBuild{1, "build"};
constexpr ClaimKey kNode{std::string_view("node"), "node"};
constexpr ClaimKey kStatus{1000, "ear_status"}, kVector{1001, "ear_trustworthiness_vector"},
    kPolicyIds{1003, "ear_appraisal_policy_ids"};
constexpr ClaimKey own(std::string_view name) { return {name, name}; }
constexpr ClaimKey kNodeUid = own("avouch_node_uid"), kNodeName = own("avouch_node_name"),
                   kAkName = own("avouch_ak_name"), kBoot = own("avouch_boot"),
                   kBeacon = own("avouch_beacon"), kEvidence = own("avouch_evidence"),
                   kPolicies = own("avouch_policies");
constexpr ClaimKey kReset = own("reset"), kRestart = own("restart"), kOrigin = own("origin"),
                   kSize = own("size"), kQuote = own("quote"), kBootLog = own("bootLog"),
                   kRuntimeLog = own("runtimeLog"), kName = own("name"),
                   kSpecDigest = own("specDigest"), kDigest = own("digest"),
                   kPolicyStatus = own("status");

Cbor key_of(const ClaimKey& key) {
  if (const auto* number = std::get_if<std::int64_t>(&key.key)) return Cbor::integer(*number);
  return Cbor::text(std::get<std::string_view>(key.key));
}

Cbor status_value(Status status) { return Cbor::integer(static_cast<std::int64_t>(status)); }

Cbor time_value(SystemTime time) {
  return Cbor::integer(duration_cast<seconds>(time.time_since_epoch()).count());
}

Cbor count_value(std::uint64_t value) { return Cbor::integer(static_cast<std::int64_t>(value)); }

std::string policy_id(const TokenPolicy& policy) {
  return policy.name + "@" + digest_text(policy.digest);
}

Cbor write_node(const TokenClaims& claims) {
  Cbor::Map vector;
  for (std::size_t i = 0; i < kClaimCount; ++i) {
    vector.emplace_back(Cbor::integer(static_cast<std::int64_t>(i)),
                        Cbor::integer(claims.vector.values[i]));
  }
  Cbor::Array ids;
  for (const TokenPolicy& policy : claims.policies) ids.push_back(Cbor::text(policy_id(policy)));
  return Cbor::map({{key_of(kStatus), status_value(claims.status)},
                    {key_of(kVector), Cbor::map(std::move(vector))},
                    {key_of(kPolicyIds), Cbor::array(std::move(ids))}});
}

Cbor write_evidence(const TokenClaims& claims) {
  Cbor::Map out;
  if (claims.quote) out.emplace_back(key_of(kQuote), Cbor::bytes(*claims.quote));
  if (claims.boot_log) out.emplace_back(key_of(kBootLog), Cbor::bytes(*claims.boot_log));
  if (claims.runtime_log) out.emplace_back(key_of(kRuntimeLog), Cbor::bytes(*claims.runtime_log));
  return Cbor::map(std::move(out));
}

Cbor write_policies(const std::vector<TokenPolicy>& policies) {
  Cbor::Array out;
  for (const TokenPolicy& policy : policies) {
    out.push_back(Cbor::map({{key_of(kName), Cbor::text(policy.name)},
                             {key_of(kSpecDigest), Cbor::bytes(policy.spec_digest)},
                             {key_of(kDigest), Cbor::bytes(policy.digest)},
                             {key_of(kPolicyStatus), status_value(policy.status)}}));
  }
  return Cbor::array(std::move(out));
}

Result<Status> read_status(ClaimsReader& reader, const ClaimKey& key) {
  AVOUCH_TRY(const std::int64_t value, reader.integer(key, 0, 127));
  for (const Status known : {Status::kAffirming, Status::kWarning, Status::kContraindicated}) {
    if (value == static_cast<std::int64_t>(known)) return known;
  }
  return rejected(std::string(key.name) + ": is " + std::to_string(value) +
                  ", expected 2, 32 or 96");
}

Result<SystemTime> read_time(ClaimsReader& reader, const ClaimKey& key) {
  AVOUCH_TRY(const std::int64_t value, reader.integer(key, 0, kMaxTime));
  return SystemTime(seconds(value));
}

Result<void> read_profile(ClaimsReader& reader) {
  AVOUCH_TRY(const std::string profile, reader.text(kProfile, 128));
  if (profile == kEarProfile) return {};
  return rejected("token.eat_profile: is another profile, expected " + std::string(kEarProfile));
}

Result<void> read_node(ClaimsReader& reader, TokenClaims& out, std::vector<std::string>& ids) {
  AVOUCH_TRY(ClaimsReader submodules, reader.map(kSubmodules));
  AVOUCH_TRY(ClaimsReader node, submodules.map(kNode));
  AVOUCH_TRY(out.status, read_status(node, kStatus));
  AVOUCH_TRY(ClaimsReader vector, node.map(kVector));
  for (std::size_t i = 0; i < kClaimCount; ++i) {
    const std::string name = std::to_string(i);
    AVOUCH_TRY(const std::int64_t value,
               vector.integer({static_cast<std::int64_t>(i), name}, -128, 127));
    out.vector.values[i] = static_cast<std::int8_t>(value);
  }
  AVOUCH_CHECK(vector.finish());
  AVOUCH_TRY(const Cbor::Array* list, node.array(kPolicyIds, 1, kMaxTokenPolicies));
  for (const Cbor& id : *list) {
    const std::string* text = id.as_text();
    if (text == nullptr) return rejected("token.ear_appraisal_policy_ids: expected texts");
    ids.push_back(*text);
  }
  AVOUCH_CHECK(node.finish());
  return submodules.finish();
}

Result<std::optional<crypto::Sha256>> read_optional(ClaimsReader& reader, const ClaimKey& key) {
  if (!reader.has(key)) return std::optional<crypto::Sha256>{};
  AVOUCH_TRY(const crypto::Sha256 digest, reader.digest(key));
  return std::optional<crypto::Sha256>{digest};
}

Result<void> read_own_maps(ClaimsReader& reader, TokenClaims& out) {
  AVOUCH_TRY(ClaimsReader boot, reader.map(kBoot));
  AVOUCH_TRY(const std::int64_t reset, boot.integer(kReset, 0, kMaxCounter));
  AVOUCH_TRY(const std::int64_t restart, boot.integer(kRestart, 0, kMaxCounter));
  AVOUCH_CHECK(boot.finish());
  out.reset_count = static_cast<std::uint32_t>(reset);
  out.restart_count = static_cast<std::uint32_t>(restart);

  AVOUCH_TRY(ClaimsReader beacon, reader.map(kBeacon));
  AVOUCH_TRY(out.beacon.origin, beacon.text(kOrigin, kMaxOriginBytes));
  AVOUCH_TRY(const std::int64_t size, beacon.integer(kSize, 0, kMaxJsonInteger));
  AVOUCH_CHECK(beacon.finish());
  out.beacon.size = static_cast<std::uint64_t>(size);

  AVOUCH_TRY(ClaimsReader evidence, reader.map(kEvidence));
  AVOUCH_TRY(out.quote, read_optional(evidence, kQuote));
  AVOUCH_TRY(out.boot_log, read_optional(evidence, kBootLog));
  AVOUCH_TRY(out.runtime_log, read_optional(evidence, kRuntimeLog));
  return evidence.finish();
}

Result<void> read_policies(ClaimsReader& reader, TokenClaims& out) {
  AVOUCH_TRY(const Cbor::Array* list, reader.array(kPolicies, 1, kMaxTokenPolicies));
  for (const Cbor& element : *list) {
    AVOUCH_TRY(ClaimsReader entry, ClaimsReader::open(element, "token.avouch_policies"));
    TokenPolicy policy;
    AVOUCH_TRY(policy.name, entry.text(kName, kMaxNameBytes));
    AVOUCH_TRY(policy.spec_digest, entry.digest(kSpecDigest));
    AVOUCH_TRY(policy.digest, entry.digest(kDigest));
    AVOUCH_TRY(policy.status, read_status(entry, kPolicyStatus));
    AVOUCH_CHECK(entry.finish());
    out.policies.push_back(std::move(policy));
  }
  return {};
}

bool is_whole_second(SystemTime time) { return time.time_since_epoch() % seconds(1) == seconds(0); }

bool is_size(std::string_view text, std::size_t max) { return !text.empty() && text.size() <= max; }

Result<void> check_values(const TokenClaims& claims) {
  if (!is_whole_second(claims.issued_at) || !is_whole_second(claims.expires_at)) {
    return rejected("token: times must be whole seconds");
  }
  if (claims.expires_at <= claims.issued_at ||
      claims.expires_at - claims.issued_at > kMaxTokenLife) {
    return rejected("token.exp: expected a time after iat, and at most 24 hours after it");
  }
  if (!is_size(claims.issuer, kMaxOriginBytes) || !is_size(claims.beacon.origin, kMaxOriginBytes) ||
      !is_size(claims.node_uid, kMaxNodeUidBytes) || !is_size(claims.node_name, kMaxNameBytes) ||
      !is_size(claims.verifier_developer, 128) || !is_size(claims.verifier_build, 128)) {
    return rejected("token: a text is empty or too long");
  }
  if (claims.ak_name.size() < 34 || claims.ak_name.size() > 66) {
    return rejected("token.avouch_ak_name: expected 34 to 66 bytes");
  }
  return {};
}

Result<void> check_statuses(const TokenClaims& claims) {
  if (claims.policies.empty() || claims.policies.size() > kMaxTokenPolicies) {
    return rejected("token.avouch_policies: expected 1 to " + std::to_string(kMaxTokenPolicies));
  }
  if (claims.status == Status::kNone) return rejected("token.ear_status: must not be none");
  Status worst = worst_tier(claims.vector);
  for (std::size_t i = 0; i < claims.policies.size(); ++i) {
    const TokenPolicy& policy = claims.policies[i];
    if (!is_size(policy.name, kMaxNameBytes) || policy.status == Status::kNone) {
      return rejected("token.avouch_policies: a policy has no name or no status");
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (claims.policies[j].name == policy.name) {
        return rejected("token.avouch_policies: \"" + policy.name + "\" is there twice");
      }
    }
    worst = worse(worst, policy.status);
  }
  if (worse(claims.status, worst) != claims.status) {
    return rejected("token.ear_status: is " + std::string(status_name(claims.status)) +
                    ", better than its vector or policies, which are " +
                    std::string(status_name(worst)));
  }
  return {};
}

}  // namespace

Result<void> check_claims(const TokenClaims& claims) {
  AVOUCH_CHECK(check_values(claims));
  return check_statuses(claims);
}

Cbor write_claims(const TokenClaims& claims) {
  return Cbor::map(
      {{key_of(kProfile), Cbor::text(kEarProfile)},
       {key_of(kIssuer), Cbor::text(claims.issuer)},
       {key_of(kIssued), time_value(claims.issued_at)},
       {key_of(kExpires), time_value(claims.expires_at)},
       {key_of(kVerifier), Cbor::map({{key_of(kDeveloper), Cbor::text(claims.verifier_developer)},
                                      {key_of(kBuild), Cbor::text(claims.verifier_build)}})},
       {key_of(kSubmodules), Cbor::map({{key_of(kNode), write_node(claims)}})},
       {key_of(kNodeUid), Cbor::text(claims.node_uid)},
       {key_of(kNodeName), Cbor::text(claims.node_name)},
       {key_of(kAkName), Cbor::bytes(claims.ak_name)},
       {key_of(kBoot), Cbor::map({{key_of(kReset), count_value(claims.reset_count)},
                                  {key_of(kRestart), count_value(claims.restart_count)}})},
       {key_of(kBeacon), Cbor::map({{key_of(kOrigin), Cbor::text(claims.beacon.origin)},
                                    {key_of(kSize), count_value(claims.beacon.size)}})},
       {key_of(kEvidence), write_evidence(claims)},
       {key_of(kPolicies), write_policies(claims.policies)}});
}

Result<TokenClaims> read_claims(const Cbor& value) {
  AVOUCH_TRY(ClaimsReader reader, ClaimsReader::open(value, "token"));
  TokenClaims out;
  AVOUCH_CHECK(read_profile(reader));
  AVOUCH_TRY(out.issuer, reader.text(kIssuer, kMaxOriginBytes));
  AVOUCH_TRY(out.issued_at, read_time(reader, kIssued));
  AVOUCH_TRY(out.expires_at, read_time(reader, kExpires));
  AVOUCH_TRY(ClaimsReader verifier, reader.map(kVerifier));
  AVOUCH_TRY(out.verifier_developer, verifier.text(kDeveloper, 128));
  AVOUCH_TRY(out.verifier_build, verifier.text(kBuild, 128));
  AVOUCH_CHECK(verifier.finish());
  std::vector<std::string> ids;
  AVOUCH_CHECK(read_node(reader, out, ids));
  AVOUCH_TRY(out.node_uid, reader.text(kNodeUid, kMaxNodeUidBytes));
  AVOUCH_TRY(out.node_name, reader.text(kNodeName, kMaxNameBytes));
  AVOUCH_TRY(out.ak_name, reader.bytes(kAkName, 34, 66));
  AVOUCH_CHECK(read_own_maps(reader, out));
  AVOUCH_CHECK(read_policies(reader, out));
  AVOUCH_CHECK(reader.finish());
  if (!std::equal(ids.begin(), ids.end(), out.policies.begin(), out.policies.end(),
                  [](const std::string& id, const TokenPolicy& policy) {
                    return id == policy_id(policy);
                  })) {
    return rejected("token.ear_appraisal_policy_ids: differ from avouch_policies");
  }
  AVOUCH_CHECK(check_claims(out));
  return out;
}

}  // namespace avouch::attest
