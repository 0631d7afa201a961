#include "appraisal/offline.h"

#include <utility>

#include "attest/reason_json.h"
#include "base/hex.h"
#include "crypto/hash.h"

namespace avouch::appraisal {
namespace {

using attest::Checked;
using attest::NodeKeys;
using attest::Reason;
using attest::Status;
using codec::Json;

std::optional<Reason> check_ak_name(const StoredCase& stored, const NodeKeys& keys) {
  if (!stored.ak_name || *stored.ak_name == keys.ak.name) return std::nullopt;
  return attest::refuse(attest::code::kIdentityMismatch, "ak.name is " + to_hex(*stored.ak_name) +
                                                             ", but the name of ak.pub is " +
                                                             to_hex(keys.ak.name));
}

// The credential was made for this EK and this AK's name; only the TPM that holds both gives back
// the secret. A case without it shows no link between the two.
std::optional<Reason> check_activation(const StoredCase& stored) {
  if (!stored.secret_expected || !stored.secret_activated) {
    return attest::refuse(attest::code::kActivationFailed,
                          "the case has no cred.secret_expected.bin and cred.secret_activated.bin: "
                          "nothing shows that the AK lives in the TPM of the EK");
  }
  if (stored.secret_expected->size() < 16) {
    return attest::refuse(attest::code::kActivationFailed,
                          "cred.secret_expected.bin has " +
                              std::to_string(stored.secret_expected->size()) +
                              " bytes, expected at least 16: a secret that short proves nothing");
  }
  if (!crypto::constant_time_equal(*stored.secret_expected, *stored.secret_activated)) {
    return attest::refuse(attest::code::kActivationFailed,
                          "the activated secret is not the one that the credential holds: the AK "
                          "is not shown to live in the TPM of the EK");
  }
  return std::nullopt;
}

class CaseAppraisal {
 public:
  CaseAppraisal(const StoredCase& stored, const PolicyInForce& policy, SystemTime now)
      : stored_(stored), policy_(policy), now_(now) {
    out_.case_id = stored.id;
    out_.result.name = policy.policy.name;
    out_.result.spec_digest = policy.policy.spec_digest;
    out_.result.digest = policy.digest;
    out_.result.max_age = policy.policy.spec.max_age;
  }

  OfflineVerdict run() {
    const Checked<NodeKeys> keys = attest::check_keys(stored_.identity);
    if (!keys.has_value()) {
      refuse(keys.reason());
      return std::move(out_);
    }
    const auto endorsement = attest::check_endorsement(
        keys.value(), stored_.identity, stored_.node_name, policy_.endorsement, now_);
    if (endorsement.has_value()) out_.rules_used = endorsement->rules_used;
    const Checked<attest::VerifiedQuote> quote = verify(keys.value());
    if (quote.has_value()) {
      out_.tpm = quote->state();
      out_.result = appraise(policy_, endorsement, evidence_of(quote.value()));
    } else {
      if (!endorsement.has_value()) refuse(endorsement.reason());
      refuse(quote.reason());
    }
    if (auto reason = check_ak_name(stored_, keys.value())) refuse(*std::move(reason));
    if (auto reason = check_activation(stored_)) refuse(*std::move(reason));
    return std::move(out_);
  }

 private:
  void refuse(Reason reason) {
    out_.result.vector[attest::Claim::kInstanceIdentity] = attest::kNotRecognized;
    out_.result.status = Status::kContraindicated;
    out_.result.reasons.push_back(std::move(reason));
  }

  Checked<attest::VerifiedQuote> verify(const NodeKeys& keys) const {
    const attest::QuoteNeed need{policy_.policy.name,
                                 attest::required_selection(policy_.policy.spec)};
    const attest::BeaconWindow none;
    const attest::QuoteContext context{.keys = keys,
                                       .node_uid = {},
                                       .beacons = none,
                                       .max_beacon_age = {},
                                       .needs = {&need, 1},
                                       .previous = {},
                                       .allowed_firmware = {},
                                       .now = now_};
    return attest::verify_stored_quote(stored_.quote, stored_.pcrs, stored_.nonce, now_, context);
  }

  Evidence evidence_of(const attest::VerifiedQuote& quote) {
    Evidence out{.quote = quote,
                 .boot = {},
                 .runtime = {},
                 .awaiting_logs = false,
                 .quoted_by = attest::QuotedBy::kOtherTools};
    const attest::PolicySpec& spec = policy_.policy.spec;
    if (stored_.boot_log && spec.boot_log) {
      out.boot = judged(judge_boot_log(*stored_.boot_log, quote, policy_));
      if (out.boot->has_value()) {
        const auto& used = out.boot->value().quirks_used;
        out_.rules_used.insert(out_.rules_used.end(), used.begin(), used.end());
      }
    }
    if (stored_.runtime_log && policy_.runtime) {
      out.runtime = judged(judge_runtime_log(*stored_.runtime_log, quote, *policy_.runtime));
      if (out.runtime->has_value()) {
        out_.runtime_entries = out.runtime->value().proven->entries();
        out_.unproven_entries = out.runtime->value().unproven_entries;
      }
    }
    return out;
  }

  const StoredCase& stored_;
  const PolicyInForce& policy_;
  SystemTime now_;
  OfflineVerdict out_;
};

std::string firmware_text(std::uint64_t version) {
  Bytes bytes;
  append_be64(bytes, version);
  return "0x" + to_hex(bytes);
}

Json vector_json(const attest::TrustVector& vector) {
  Json out{Json::Object{}};
  for (std::size_t i = 0; i < attest::kClaimCount; ++i) {
    out[attest::claim_name(static_cast<attest::Claim>(i))] = std::int64_t{vector.values.at(i)};
  }
  return out;
}

}  // namespace

OfflineVerdict appraise_case(const StoredCase& stored, const PolicyInForce& policy,
                             SystemTime now) {
  return CaseAppraisal(stored, policy, now).run();
}

Json to_json(const OfflineVerdict& verdict) {
  const attest::PolicyResult& result = verdict.result;
  Json::Array reasons;
  for (const Reason& reason : result.reasons) reasons.push_back(attest::to_json(reason));
  Json::Array rules(verdict.rules_used.begin(), verdict.rules_used.end());
  Json out{Json::Object{
      {"case", verdict.case_id},
      {"policy",
       Json::Object{{"name", result.name}, {"digest", attest::digest_text(result.digest)}}},
      {"status", attest::status_name(result.status)},
      {"trustVector", vector_json(result.vector)},
      {"reasons", std::move(reasons)},
      {"rulesUsed", std::move(rules)},
      {"runtimeLog",
       Json::Object{{"entries", static_cast<std::int64_t>(verdict.runtime_entries)},
                    {"unprovenEntries", static_cast<std::int64_t>(verdict.unproven_entries)}}}}};
  if (verdict.tpm) {
    const attest::TpmState& tpm = *verdict.tpm;
    out["tpm"] = Json::Object{{"clock", static_cast<std::int64_t>(tpm.clock.clock)},
                              {"resetCount", std::int64_t{tpm.clock.reset_count}},
                              {"restartCount", std::int64_t{tpm.clock.restart_count}},
                              {"firmwareVersion", firmware_text(tpm.firmware_version)}};
  }
  return out;
}

}  // namespace avouch::appraisal
