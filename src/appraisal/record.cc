#include "appraisal/record.h"

#include <algorithm>

#include "codec/base64.h"
#include "codec/fields.h"
#include "codec/json.h"

namespace avouch::appraisal {
namespace {

using codec::Fields;
using codec::Json;

constexpr std::int64_t kFormat = 1;
constexpr std::int64_t kMaxMillis = 253'402'300'799'999;  // the year 9999
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 40;
constexpr std::size_t kMaxBeaconText = 4096;
constexpr std::int64_t kRuntimePcr = 10;  // changes with every file; the others with every boot

Json millis(SystemTime time) {
  return static_cast<std::int64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

SystemTime read_time(Fields& fields, std::string_view name) {
  return SystemTime(std::chrono::milliseconds(fields.required_integer(name, 0, kMaxMillis)));
}

crypto::Sha256 read_digest(Fields& fields, std::string_view name) {
  const auto digest = attest::parse_digest_text(fields.required_string(name, 71));
  if (digest.has_value()) return *digest;
  fields.error(name, digest.error().message);
  return {};
}

bool is_runtime_pcr(const Json& pcr) {
  const Json* index = pcr.find("index");
  return index != nullptr && index->as_int() != nullptr && *index->as_int() == kRuntimePcr;
}

Json encode(const LogUse& use) {
  switch (use.kind) {
    case LogUse::Kind::kNotUsed:
      break;
    case LogUse::Kind::kJudged:
      return Json::Object{{"use", "judged"}};
    case LogUse::Kind::kRefused:
      return Json::Object{{"use", "refused"}, {"code", use.code}, {"message", use.message}};
  }
  return Json::Object{{"use", "none"}};
}

LogUse read_use(Fields& fields, std::string_view name) {
  LogUse out;
  auto use = fields.object(name);
  if (!use) {
    fields.error(name, "is required: expected an object with use");
    return out;
  }
  const std::string kind = use->one_of("use", {"none", "judged", "refused"}).value_or("");
  if (kind == "judged") out.kind = LogUse::Kind::kJudged;
  if (kind == "refused") {
    out.kind = LogUse::Kind::kRefused;
    out.code = use->required_string("code", 64);
    out.message = use->string("message", 4096).value_or("");
  }
  if (kind.empty()) use->error("use", "is required");
  use->finish();
  return out;
}

Json encode(const PolicyUsed& policy) {
  Json::Array references;
  for (const attest::Reference& each : policy.references) {
    references.push_back(
        Json::Object{{"name", each.name}, {"digest", attest::digest_text(each.content)}});
  }
  Json out = Json::Object{{"name", policy.name},
                          {"specDigest", attest::digest_text(policy.spec_digest)},
                          {"digest", attest::digest_text(policy.digest)},
                          {"resolvedAt", millis(policy.resolved_at)},
                          {"endorsedAt", millis(policy.endorsed_at)},
                          {"references", std::move(references)},
                          {"bootLog", encode(policy.boot)},
                          {"runtimeLog", encode(policy.runtime)}};
  if (policy.lists.empty()) return out;
  Json::Array lists;
  for (const crypto::Sha256& each : policy.lists) lists.emplace_back(attest::digest_text(each));
  out["lists"] = std::move(lists);
  return out;
}

PolicyUsed read_policy(Fields fields) {
  PolicyUsed out;
  out.name = fields.required_string("name", 253);
  out.spec_digest = read_digest(fields, "specDigest");
  out.digest = read_digest(fields, "digest");
  out.resolved_at = read_time(fields, "resolvedAt");
  out.endorsed_at = read_time(fields, "endorsedAt");
  for (Fields& each : fields.objects("references", kMaxRecordedReferences)) {
    std::string name = each.required_string("name", 600);
    out.references.push_back({std::move(name), read_digest(each, "digest")});
    each.finish();
  }
  for (const std::string& each : fields.strings("lists", kMaxRecordedReferences, 71)) {
    const auto digest = attest::parse_digest_text(each);
    if (digest.has_value()) {
      out.lists.push_back(*digest);
    } else {
      fields.error("lists", digest.error().message);
    }
  }
  out.boot = read_use(fields, "bootLog");
  out.runtime = read_use(fields, "runtimeLog");
  fields.finish();
  return out;
}

Result<Bytes> canonical(const Json& json) {
  AVOUCH_TRY(const std::string text, codec::canonical_json(json));
  return to_bytes(text);
}

RecordObject object_of(Bytes bytes) {
  const crypto::Sha256 digest = crypto::sha256(bytes);
  return {digest, std::move(bytes)};
}

}  // namespace

Result<PackedRecord> pack_record(const VerdictRecord& record) {
  attest::UnverifiedEvidence identity;
  identity.node_uid = record.evidence.node_uid;
  identity.identity = record.identity;
  Json evidence = attest::to_heartbeat(record.evidence);
  Json::Array kept;
  Json::Array shared;
  if (const Json* pcrs = evidence.find("pcrs"); pcrs != nullptr && pcrs->as_array() != nullptr) {
    for (const Json& pcr : *pcrs->as_array()) {
      (is_runtime_pcr(pcr) ? kept : shared).push_back(pcr);
    }
  }
  evidence["pcrs"] = std::move(kept);

  PackedRecord out;
  out.token = crypto::sha256(record.token);
  AVOUCH_TRY(Bytes identity_bytes, canonical(attest::to_evidence_spec(identity)));
  AVOUCH_TRY(Bytes pcr_bytes, canonical(Json(std::move(shared))));
  out.objects = {object_of(std::move(identity_bytes)), object_of(std::move(pcr_bytes))};

  Json::Array policies;
  for (const PolicyUsed& policy : record.policies) policies.push_back(encode(policy));
  Json::Array reasons;
  for (const std::string& code : record.reasons) {
    if (reasons.size() < kMaxRecordedReasons) reasons.emplace_back(code);
  }
  Json json = Json::Object{{"format", kFormat},
                           {"nodeName", record.node_name},
                           {"time", millis(record.time)},
                           {"token", codec::to_base64(record.token)},
                           {"identity", attest::digest_text(out.objects[0].digest)},
                           {"pcrs", attest::digest_text(out.objects[1].digest)},
                           {"evidence", std::move(evidence)},
                           {"beacon", Json::Object{{"text", record.beacon_text},
                                                   {"published", millis(record.beacon_published)}}},
                           {"policies", std::move(policies)},
                           {"reasons", std::move(reasons)}};
  if (record.boot_log) {
    json["bootLog"] = Json::Object{{"digest", attest::digest_text(record.boot_log->digest)},
                                   {"size", static_cast<std::int64_t>(record.boot_log->size)}};
  }
  if (record.runtime_log) {
    json["runtimeLog"] =
        Json::Object{{"digest", attest::digest_text(record.runtime_log->digest)},
                     {"size", static_cast<std::int64_t>(record.runtime_log->bytes)},
                     {"boot", record.runtime_log->boot}};
  }
  // Messages may quote evidence: what is no UTF-8 in them is replaced, never refused.
  out.bytes = to_bytes(codec::to_json(json));
  if (out.bytes.size() > kMaxRecordBytes) {
    return rejected("the record has " + std::to_string(out.bytes.size()) +
                    " bytes, expected at most " + std::to_string(kMaxRecordBytes));
  }
  out.digest = crypto::sha256(out.bytes);
  return out;
}

std::vector<crypto::Sha256> StoredRecord::objects() const {
  std::vector<crypto::Sha256> out = {identity, pcrs};
  if (record.boot_log) out.push_back(record.boot_log->digest);
  if (record.runtime_log) out.push_back(record.runtime_log->digest);
  for (const PolicyUsed& policy : record.policies) {
    out.push_back(policy.spec_digest);
    for (const attest::Reference& each : policy.references) {
      if (is_kept(each)) out.push_back(each.content);
    }
    out.insert(out.end(), policy.lists.begin(), policy.lists.end());
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Result<StoredRecord> parse_record(ByteView bytes) {
  AVOUCH_TRY(const Json json,
             codec::parse_json(as_text(bytes), {.bytes = kMaxRecordBytes, .depth = 8}));
  codec::FieldErrors errors;
  Fields fields(json, "record", errors);
  StoredRecord out;
  VerdictRecord& record = out.record;
  fields.required_integer("format", kFormat, kFormat);
  record.node_name = fields.required_string("nodeName", 253);
  record.time = read_time(fields, "time");
  record.token = fields.base64("token", attest::kMaxTokenBytes).value_or(Bytes());
  out.identity = read_digest(fields, "identity");
  out.pcrs = read_digest(fields, "pcrs");
  if (const Json* evidence = fields.raw("evidence"); evidence != nullptr && evidence->is_object()) {
    out.evidence = *evidence;
    out.node_uid = evidence->text({"nodeUID"});
  } else {
    fields.error("evidence", "expected an object");
  }
  if (auto beacon = fields.object("beacon")) {
    record.beacon_text = beacon->required_string("text", kMaxBeaconText);
    record.beacon_published = read_time(*beacon, "published");
    beacon->finish();
  } else {
    fields.error("beacon", "expected an object with text and published");
  }
  if (auto log = fields.object("bootLog")) {
    record.boot_log = attest::BootLogReference{
        read_digest(*log, "digest"),
        static_cast<std::uint64_t>(log->required_integer("size", 0, kMaxBytes))};
    log->finish();
  }
  if (auto log = fields.object("runtimeLog")) {
    record.runtime_log =
        RuntimeLogUsed{read_digest(*log, "digest"),
                       static_cast<std::uint64_t>(log->required_integer("size", 0, kMaxBytes)),
                       log->required_string("boot", 64)};
    log->finish();
  }
  for (Fields& policy : fields.objects("policies", attest::kMaxTokenPolicies)) {
    record.policies.push_back(read_policy(std::move(policy)));
  }
  record.reasons = fields.strings("reasons", kMaxRecordedReasons, 64);
  fields.finish();
  if (!errors.empty()) return rejected(errors.text());
  return out;
}

Result<VerdictRecord> complete_record(StoredRecord stored, ByteView identity, ByteView pcrs) {
  if (crypto::sha256(identity) != stored.identity) {
    return rejected("the stored identity " + attest::digest_text(stored.identity) +
                    " has other bytes");
  }
  if (crypto::sha256(pcrs) != stored.pcrs) {
    return rejected("the stored PCR values " + attest::digest_text(stored.pcrs) +
                    " have other bytes");
  }
  AVOUCH_TRY(const Json spec, codec::parse_json(as_text(identity)));
  auto claims = attest::parse_evidence_spec(spec);
  if (!claims.has_value()) return rejected("the stored identity: " + claims.error().message);
  AVOUCH_TRY(Json shared, codec::parse_json(as_text(pcrs)));
  Json* own = &stored.evidence["pcrs"];
  if (shared.as_array() == nullptr || own->as_array() == nullptr) {
    return rejected("the stored PCR values: expected an array");
  }
  own->as_array()->insert(own->as_array()->end(), shared.as_array()->begin(),
                          shared.as_array()->end());
  auto evidence = attest::parse_heartbeat(codec::to_json(stored.evidence));
  if (!evidence.has_value()) return rejected("the record's evidence: " + evidence.error().message);
  VerdictRecord out = std::move(stored.record);
  out.identity = *std::move(claims->identity);
  out.evidence = *std::move(evidence);
  return out;
}

bool is_kept(const attest::Reference& reference) {
  static const crypto::Sha256 absent = crypto::sha256(config_map_object({}));
  return reference.content != absent && reference.content != crypto::Sha256{};
}

Bytes config_map_object(const std::map<std::string, std::string>& data) {
  Json json = Json::Object{};
  for (const auto& [key, value] : data) json[key] = value;
  // Strings alone: there is a canonical form of every one of them.
  const auto text = codec::canonical_json(json);
  return text.has_value() ? to_bytes(*text) : Bytes();
}

Result<std::map<std::string, std::string>> parse_config_map_object(ByteView bytes) {
  AVOUCH_TRY(const Json json, codec::parse_json(as_text(bytes), {.bytes = 4U << 20, .depth = 2}));
  if (json.as_object() == nullptr) return rejected("expected an object of texts");
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : *json.as_object()) {
    if (value.as_string() == nullptr) return rejected("\"" + key + "\": expected a text");
    out.emplace(key, *value.as_string());
  }
  return out;
}

}  // namespace avouch::appraisal
