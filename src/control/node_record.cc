#include "control/node_record.h"

#include <charconv>
#include <utility>

#include "attest/reason_json.h"
#include "codec/base64.h"
#include "codec/fields.h"
#include "codec/json.h"
#include "control/digest_field.h"
#include "tlog/shard_name.h"

namespace avouch::control {
namespace {

using codec::Fields;
using codec::Json;

constexpr std::size_t kMaxMakeBytes = 512;
constexpr std::size_t kMaxNames = 256;
constexpr std::int64_t kFormat = 1;

std::int64_t millis(SystemTime time) { return time.time_since_epoch().count(); }

Json unsigned_text(std::uint64_t value) { return std::to_string(value); }

std::uint64_t read_unsigned(Fields& fields, std::string_view name) {
  const std::string text = fields.required_string(name, 20);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || (text.size() > 1 && text.front() == '0')) {
    fields.error(name, "not an unsigned number without leading zeros");
  }
  return value;
}

SystemTime read_time(Fields& fields, std::string_view name) {
  return SystemTime(std::chrono::milliseconds(
      fields.required_integer(name, 0, std::int64_t{253'402'300'799'999})));
}

std::uint32_t read_u32(Fields& fields, std::string_view name) {
  return static_cast<std::uint32_t>(fields.required_integer(name, 0, 0xffffffff));
}

std::optional<crypto::Sha256> read_optional_digest(Fields& fields, std::string_view name) {
  if (!fields.has(name)) return std::nullopt;
  return read_digest(fields, name);
}

// Enumerations are stored by the names that people see.
template <typename T, typename Name>
T read_enum(Fields& fields, std::string_view name, std::initializer_list<T> values, Name name_of) {
  const std::string text = fields.required_string(name, 64);
  for (const T value : values) {
    if (name_of(value) == text) return value;
  }
  fields.error(name, "\"" + text + "\" is not known");
  return *values.begin();
}

attest::Status read_status(Fields& fields, std::string_view name) {
  using attest::Status;
  return read_enum(fields, name,
                   {Status::kContraindicated, Status::kNone, Status::kAffirming, Status::kWarning},
                   &attest::status_name);
}

Json encode(const attest::TpmState& tpm) {
  return Json::Object{{"clock", unsigned_text(tpm.clock.clock)},
                      {"resetCount", std::int64_t{tpm.clock.reset_count}},
                      {"restartCount", std::int64_t{tpm.clock.restart_count}},
                      {"safe", tpm.clock.safe},
                      {"firmware", unsigned_text(tpm.firmware_version)}};
}

attest::TpmState read_tpm(Fields fields) {
  attest::TpmState tpm;
  tpm.clock.clock = read_unsigned(fields, "clock");
  tpm.clock.reset_count = read_u32(fields, "resetCount");
  tpm.clock.restart_count = read_u32(fields, "restartCount");
  tpm.clock.safe = fields.boolean("safe").value_or(false);
  tpm.firmware_version = read_unsigned(fields, "firmware");
  fields.finish();
  return tpm;
}

void put_digest_text(Json& object, std::string_view name,
                     const std::optional<crypto::Sha256>& digest) {
  if (digest) object[name] = attest::digest_text(*digest);
}

Json encode(const NodeVerdict& verdict) {
  Json::Array reasons;
  for (const attest::Reason& reason : verdict.reasons) {
    reasons.push_back(attest::to_json(reason));
  }
  Json::Array policies;
  for (const attest::TokenPolicy& policy : verdict.policies) {
    policies.push_back(Json::Object{{"name", policy.name},
                                    {"specDigest", attest::digest_text(policy.spec_digest)},
                                    {"digest", attest::digest_text(policy.digest)},
                                    {"status", attest::status_name(policy.status)}});
  }
  Json::Array vector;
  for (const std::int8_t value : verdict.vector.values) {
    vector.push_back(Json::Object{{"value", std::int64_t{value}}});
  }
  Json evidence{Json::Object{}};
  put_digest_text(evidence, "quote", verdict.evidence.quote);
  put_digest_text(evidence, "pcrs", verdict.evidence.pcrs);
  put_digest_text(evidence, "bootLog", verdict.evidence.boot_log);
  put_digest_text(evidence, "runtimeLog", verdict.evidence.runtime_log);

  Json out{Json::Object{{"phase", phase_name(verdict.phase)},
                        {"reasons", std::move(reasons)},
                        {"policies", std::move(policies)},
                        {"vector", std::move(vector)},
                        {"resetCount", std::int64_t{verdict.boot.reset_count}},
                        {"restartCount", std::int64_t{verdict.boot.restart_count}},
                        {"akName", codec::to_base64(verdict.ak_name)},
                        {"token", codec::to_base64(verdict.token)},
                        {"issuedAt", millis(verdict.issued_at)},
                        {"expiresAt", millis(verdict.expires_at)},
                        {"maxAge", std::int64_t{verdict.max_age.count()}},
                        {"evidence", std::move(evidence)},
                        {"beacon", Json::Object{{"origin", verdict.beacon.origin},
                                                {"size", unsigned_text(verdict.beacon.size)}}}}};
  if (verdict.log) {
    out["log"] = Json::Object{{"index", unsigned_text(verdict.log->index)},
                              {"leafHash", attest::digest_text(verdict.log->leaf_hash)}};
  }
  return out;
}

NodeVerdict read_verdict(Fields fields) {
  NodeVerdict verdict;
  const auto phase = parse_phase(fields.required_string("phase", 32));
  if (phase.has_value()) {
    verdict.phase = *phase;
  } else {
    fields.error("phase", phase.error().message);
  }
  for (Fields& reason : fields.objects("reasons", kMaxNames)) {
    verdict.reasons.push_back(attest::read_reason(std::move(reason)));
  }
  for (Fields& policy : fields.objects("policies", kMaxNames)) {
    verdict.policies.push_back({.name = policy.required_string("name", 253),
                                .spec_digest = read_digest(policy, "specDigest"),
                                .digest = read_digest(policy, "digest"),
                                .status = read_status(policy, "status")});
    policy.finish();
  }
  std::size_t entry = 0;
  for (Fields& value : fields.objects("vector", attest::kClaimCount)) {
    verdict.vector.values[entry++] =
        static_cast<std::int8_t>(value.required_integer("value", -128, 127));
    value.finish();
  }
  verdict.boot = {read_u32(fields, "resetCount"), read_u32(fields, "restartCount")};
  verdict.ak_name = fields.base64("akName", 128).value_or(Bytes());
  verdict.token = fields.base64("token", attest::kMaxTokenBytes).value_or(Bytes());
  verdict.issued_at = read_time(fields, "issuedAt");
  verdict.expires_at = read_time(fields, "expiresAt");
  verdict.max_age = std::chrono::milliseconds(fields.required_integer(
      "maxAge", 0, std::chrono::milliseconds(attest::kMaxTokenLife).count()));
  if (auto evidence = fields.object("evidence")) {
    verdict.evidence = {.quote = read_optional_digest(*evidence, "quote"),
                        .pcrs = read_optional_digest(*evidence, "pcrs"),
                        .boot_log = read_optional_digest(*evidence, "bootLog"),
                        .runtime_log = read_optional_digest(*evidence, "runtimeLog")};
    evidence->finish();
  }
  if (auto beacon = fields.object("beacon")) {
    verdict.beacon = {.origin = beacon->string("origin", attest::kMaxOriginBytes).value_or(""),
                      .size = read_unsigned(*beacon, "size")};
    beacon->finish();
  }
  if (auto log = fields.object("log")) {
    verdict.log = LogPlace{read_unsigned(*log, "index"), read_digest(*log, "leafHash")};
    log->finish();
  }
  fields.finish();
  return verdict;
}

Json encode(const Enrolment& enrolment) {
  Json out{Json::Object{{"evidenceUID", enrolment.evidence_uid},
                        {"ekDigest", attest::digest_text(enrolment.enrolled.ek_digest)},
                        {"akName", codec::to_base64(enrolment.enrolled.ak_name)},
                        {"enrolledAt", millis(enrolment.enrolled_at)},
                        {"boundBy", attest::enrollment_name(enrolment.bound_by)}}};
  if (!enrolment.tpm_make.empty()) out["tpmMake"] = enrolment.tpm_make;
  if (!enrolment.certificate_rules.empty()) {
    const auto& rules = enrolment.certificate_rules;
    out["certificateRules"] = Json::Array(rules.begin(), rules.end());
  }
  return out;
}

Enrolment read_enrolment(Fields fields, const std::string& node_uid) {
  using attest::Enrollment;
  Enrolment enrolment;
  enrolment.evidence_uid = fields.required_string("evidenceUID", 64);
  enrolment.enrolled = {.node_uid = node_uid,
                        .ek_digest = read_digest(fields, "ekDigest"),
                        .ak_name = fields.base64("akName", 128).value_or(Bytes())};
  enrolment.enrolled_at = read_time(fields, "enrolledAt");
  enrolment.bound_by =
      read_enum(fields, "boundBy", {Enrollment::kInventory, Enrollment::kTrustOnFirstUse},
                &attest::enrollment_name);
  enrolment.tpm_make = fields.string("tpmMake", kMaxMakeBytes).value_or("");
  enrolment.certificate_rules = fields.strings("certificateRules", kMaxNames);
  fields.finish();
  return enrolment;
}

// Identity and accepted evidence together have the form of an AttestationEvidence's spec.
Json encode_claims(const NodeRecord& record) {
  attest::UnverifiedEvidence claims;
  if (record.evidence) claims = record.evidence->kept.evidence();
  claims.node_uid = record.node_uid;
  claims.identity = *record.enrolment->identity;
  claims.activation.reset();
  return attest::to_evidence_spec(claims);
}

void read_claims(Fields& fields, Enrolment enrolment, NodeRecord& record) {
  const Json* claims = fields.raw("claims");
  if (claims == nullptr) {
    fields.error("claims", "missing, although the node is enrolled");
    return;
  }
  auto evidence = attest::parse_evidence_spec(*claims);
  if (!evidence.has_value()) {
    fields.error("claims", evidence.error().message);
    return;
  }
  if (!evidence->identity) {
    fields.error("claims", "has no identity");
    return;
  }
  if (evidence->node_uid != record.node_uid) {
    fields.error("claims", "nodeUID is \"" + evidence->node_uid +
                               "\", expected the record's own, \"" + record.node_uid + "\"");
    return;
  }
  enrolment.identity = *std::move(evidence->identity);
  record.enrolment = std::make_shared<const Enrolment>(std::move(enrolment));
  if (auto accepted = fields.object("accepted")) {
    record.evidence = std::make_shared<const AcceptedEvidence>(
        AcceptedEvidence{{*evidence, accepted->required_string("beaconText", 4096)},
                         read_time(*accepted, "beaconPublished")});
    accepted->finish();
  }
}

// Without its holds a node that left a policy's selection while it failed would lose its taint.
void read_holds(Fields& fields, codec::FieldErrors& errors, NodeRecord& record) {
  using attest::TaintEffect;
  const Json* held = fields.raw("heldBy");
  if (held == nullptr || !held->is_object()) {
    fields.error("heldBy", "expected an object, empty where no policy holds the node");
    return;
  }
  Fields policies(*held, "heldBy", errors);
  for (const auto& member : *held->as_object()) {
    record.held_by[member.first] =
        read_enum(policies, member.first,
                  {TaintEffect::kNoSchedule, TaintEffect::kNoExecute, TaintEffect::kNone},
                  &attest::taint_effect_name);
  }
}

}  // namespace

std::string encode_record(const NodeRecord& record, std::string_view log_origin) {
  Json held{Json::Object{}};
  for (const auto& [policy, effect] : record.held_by) {
    held[policy] = attest::taint_effect_name(effect);
  }
  Json out{Json::Object{{"format", kFormat},
                        {"nodeName", record.node_name},
                        {"nodeUID", record.node_uid},
                        {"bootSince", millis(record.boot_since)},
                        {"verdict", encode(*record.verdict)},
                        {"heldBy", std::move(held)}}};
  if (!log_origin.empty()) out["logOrigin"] = log_origin;
  if (record.tpm) out["tpm"] = encode(*record.tpm);
  if (record.former) {
    out["former"] = Json::Object{{"evidenceUID", record.former->evidence_uid},
                                 {"ekDigest", attest::digest_text(record.former->ek_digest)}};
  }
  if (record.enrolment) {
    out["enrolment"] = encode(*record.enrolment);
    out["claims"] = encode_claims(record);
    if (record.evidence) {
      out["accepted"] =
          Json::Object{{"beaconText", record.evidence->kept.beacon_text()},
                       {"beaconPublished", millis(record.evidence->beacon_published)}};
    }
  }
  return codec::to_json_pretty(out);
}

Result<SavedRecord> parse_record(std::string_view text) {
  AVOUCH_TRY(const Json json, codec::parse_json(text));
  codec::FieldErrors errors;
  Fields fields(json, "", errors);
  SavedRecord out;
  NodeRecord& record = out.record;
  out.log_origin = fields.string("logOrigin", attest::kMaxOriginBytes).value_or("");
  fields.required_integer("format", kFormat, kFormat);
  record.node_name = fields.required_string("nodeName", 253);
  record.node_uid = fields.required_string("nodeUID", attest::kMaxNodeUidBytes);
  record.boot_since = read_time(fields, "bootSince");
  if (auto verdict = fields.object("verdict")) {
    record.verdict = read_verdict(*verdict);
  } else {
    fields.error("verdict", "missing");
  }
  if (auto tpm = fields.object("tpm")) record.tpm = read_tpm(*tpm);
  if (auto former = fields.object("former")) {
    record.former =
        FormerTpm{former->required_string("evidenceUID", 64), read_digest(*former, "ekDigest")};
    former->finish();
  }
  if (auto enrolment = fields.object("enrolment")) {
    read_claims(fields, read_enrolment(*enrolment, record.node_uid), record);
  }
  read_holds(fields, errors, record);
  fields.finish();
  if (!errors.empty()) return rejected(errors.text());
  return out;
}

NodeRecord record_beside(SavedRecord saved, std::string_view log_origin, std::string_view chain) {
  const NodeVerdict& verdict = *saved.record.verdict;
  const auto is_of_chain = [&](const std::string& origin) {
    return !chain.empty() && tlog::label_of(chain, origin).has_value();
  };
  const auto is_others = [&](const std::string& origin) {
    return !origin.empty() && origin != log_origin && !is_of_chain(origin);
  };
  const std::string& beacon = verdict.beacon.origin;
  const bool unnamed = saved.log_origin.empty() && beacon.empty() && verdict.log.has_value();
  if (!is_others(saved.log_origin) && !is_others(beacon) && !unnamed) {
    // One from before records said it is of the log that its beacon is of.
    const std::string& where = saved.log_origin.empty() ? beacon : saved.log_origin;
    if (!where.empty() && where != log_origin) {
      NodeVerdict unplaced = verdict;
      unplaced.log.reset();
      saved.record.verdict = std::move(unplaced);
    }
    return std::move(saved.record);
  }
  NodeVerdict anew;  // which is entered into this log, as a change
  anew.issued_at = verdict.issued_at;
  saved.record.verdict = std::move(anew);
  saved.record.evidence = nullptr;
  return std::move(saved.record);
}

}  // namespace avouch::control
