#include "control/log_payloads.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "codec/utf8.h"
#include "tlog/entry.h"

namespace avouch::control {
namespace {

using codec::Cbor;

// Of all reasons of a verdict. With a token and its policies, as large as they may be, the entry
// then has fewer than tlog::kMaxPreimageBytes.
constexpr std::size_t kMostMessageBytes = 12 * 1024;

Cbor unix_millis(SystemTime time) { return Cbor::integer(time.time_since_epoch().count()); }
Cbor text(std::string_view value) { return Cbor::text(value); }

void put(Cbor::Map& map, std::string_view key, Cbor value) {
  map.emplace_back(Cbor::text(key), std::move(value));
}

void put_digest(Cbor::Map& map, std::string_view key, const std::optional<crypto::Sha256>& digest) {
  if (digest) put(map, key, Cbor::bytes(*digest));
}

Cbor keys_in_der(const std::vector<crypto::PublicKey>& keys) {
  Cbor::Array out;
  for (const crypto::PublicKey& key : keys) out.push_back(Cbor::bytes(key.spki_der()));
  return Cbor::array(std::move(out));
}

Cbor statements_rule(const tlog::RegistrationPolicy& policy) {
  Cbor::Array issuers;
  for (const tlog::RegistrationPolicy::Issuer& issuer : policy.issuers) {
    Cbor::Array kinds;
    for (const std::string& kind : issuer.kinds) kinds.push_back(text(kind));
    Cbor::Map one;
    put(one, "issuer", text(issuer.name));
    put(one, "keys", keys_in_der(issuer.keys));
    put(one, "kinds", Cbor::array(std::move(kinds)));
    issuers.push_back(Cbor::map(std::move(one)));
  }
  Cbor::Map map;
  put(map, "maxBytes", Cbor::integer(static_cast<std::int64_t>(policy.max_bytes)));
  put(map, "issuers", Cbor::array(std::move(issuers)));
  return Cbor::map(std::move(map));
}

}  // namespace

Cbor registration_policy_payload(SystemTime created, const tlog::RegistrationPolicy& policy,
                                 std::string_view references) {
  Cbor::Array kinds;
  for (const std::string_view kind :
       {tlog::kGenesis, tlog::kEpoch, tlog::kNodeVerdict, tlog::kAdmissionVerdict,
        tlog::kPolicyChange, tlog::kEndorsementKind, tlog::kDisputeKind, tlog::kMeasurementKind,
        tlog::kSupersedeKind, tlog::kErasureKind, tlog::kRetentionKind, tlog::kPruningKind,
        tlog::kShardKind}) {
    kinds.push_back(text(kind));
  }
  Cbor::Map map;
  put(map, "type", text(kRegistrationPolicyType));
  put(map, "created", unix_millis(created));
  put(map, kKindsMember, Cbor::array(std::move(kinds)));
  if (!references.empty()) put(map, kReferencesMember, text(references));
  if (policy.takes_statements()) put(map, kStatementsMember, statements_rule(policy));
  if (policy.takes_hashed_rekords()) put(map, kRekorKeysMember, keys_in_der(policy.rekor_keys));
  return Cbor::map(std::move(map));
}

Cbor trust_anchors_payload(SystemTime created, const std::vector<crypto::PublicKey>& verifier_keys,
                           std::string_view log_vkey) {
  Cbor::Map map;
  put(map, "type", text("trust-anchors"));
  put(map, "created", unix_millis(created));
  put(map, "verifierKeys", keys_in_der(verifier_keys));
  put(map, "logKey", text(log_vkey));
  return Cbor::map(std::move(map));
}

Cbor epoch_payload(SystemTime time, ByteView random, const crypto::Sha256& renewals_root,
                   std::uint64_t renewals_count) {
  Cbor::Map renewals;
  put(renewals, "root", Cbor::bytes(renewals_root));
  put(renewals, "count", Cbor::integer(static_cast<std::int64_t>(renewals_count)));
  Cbor::Map map;
  put(map, "time", unix_millis(time));
  put(map, "random", Cbor::bytes(random));
  put(map, "renewals", Cbor::map(std::move(renewals)));
  return Cbor::map(std::move(map));
}

Cbor node_verdict_payload(SystemTime time, std::string_view node, std::string_view node_uid,
                          Phase previous, const NodeVerdict& verdict,
                          const std::optional<crypto::Sha256>& record) {
  Cbor::Array reasons;
  std::size_t room = kMostMessageBytes;
  for (const attest::Reason& reason : verdict.reasons) {
    const std::string message = codec::shortened(reason.message, room);
    room -= std::min(message.size(), room);
    Cbor::Map entry;
    put(entry, "code", text(reason.code));
    put(entry, "severity", text(attest::status_name(reason.severity)));
    put(entry, "message", text(message));
    reasons.push_back(Cbor::map(std::move(entry)));
  }
  Cbor::Array policies;
  for (const attest::TokenPolicy& policy : verdict.policies) {
    Cbor::Map entry;
    put(entry, "name", text(policy.name));
    put(entry, "specDigest", Cbor::bytes(policy.spec_digest));
    put(entry, "digest", Cbor::bytes(policy.digest));
    put(entry, "result", text(attest::status_name(policy.status)));
    policies.push_back(Cbor::map(std::move(entry)));
  }
  Cbor::Map evidence;
  put_digest(evidence, "quote", verdict.evidence.quote);
  put_digest(evidence, "pcrs", verdict.evidence.pcrs);
  put_digest(evidence, "bootLog", verdict.evidence.boot_log);
  put_digest(evidence, "runtimeLog", verdict.evidence.runtime_log);
  Cbor::Map beacon;
  put(beacon, "origin", text(verdict.beacon.origin));
  put(beacon, "size", Cbor::integer(static_cast<std::int64_t>(verdict.beacon.size)));

  Cbor::Map map;
  put(map, "time", unix_millis(time));
  put(map, "node", text(node));
  put(map, "nodeUID", text(node_uid));
  put(map, "phase", text(phase_name(verdict.phase)));
  put(map, "previousPhase", text(phase_name(previous)));
  if (!verdict.token.empty()) put(map, "token", Cbor::bytes(verdict.token));
  put(map, "reasons", Cbor::array(std::move(reasons)));
  put(map, "policies", Cbor::array(std::move(policies)));
  put(map, "evidence", Cbor::map(std::move(evidence)));
  put(map, "beacon", Cbor::map(std::move(beacon)));
  put_digest(map, "record", record);
  return Cbor::map(std::move(map));
}

Cbor policy_change_payload(SystemTime time, const PolicyChange& change) {
  Cbor::Map map;
  put(map, "time", unix_millis(time));
  put(map, "name", text(change.name));
  put(map, "specDigest", Cbor::bytes(change.spec_digest));
  put(map, "digest", Cbor::bytes(change.digest));
  put(map, "generation", Cbor::integer(change.generation));
  put(map, "deleted", Cbor::boolean(change.kind == PolicyChange::Kind::kDeleted));
  return Cbor::map(std::move(map));
}

}  // namespace avouch::control
