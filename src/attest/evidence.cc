#include "attest/evidence.h"

#include "attest/json_text.h"
#include "attest/policy.h"
#include "base/hex.h"
#include "codec/base64.h"
#include "codec/fields.h"
#include "tpm/marshal.h"

namespace avouch::attest {
namespace {

using codec::Fields;
using codec::Json;

constexpr std::size_t kMaxPcrs = tpm::kMaxBanks * tpm::kPcrCount;
constexpr std::size_t kMaxInformative = 128;

Bytes required_base64(Fields& fields, std::string_view name, std::size_t max_bytes) {
  require(fields, name, "base64");
  auto bytes = fields.base64(name, max_bytes);
  if (bytes && bytes->empty()) fields.error(name, "must not be empty");
  return std::move(bytes).value_or(Bytes{});
}

std::string required_plain(Fields& fields, std::string_view name, std::size_t max_bytes) {
  std::string text = fields.required_string(name, max_bytes);
  if (!is_plain_text(text)) fields.error(name, "expected printable ASCII without spaces");
  return text;
}

std::uint64_t required_count(Fields& fields, std::string_view name) {
  return static_cast<std::uint64_t>(fields.required_integer(name, 0, kMaxJsonInteger));
}

UnverifiedIdentity read_identity(Fields fields) {
  UnverifiedIdentity out;
  // Each certificate is read as text first, so that its path can be named.
  const std::size_t max_text = (kMaxEkCertificateBytes + 2) / 3 * 4;
  std::size_t index = 0;
  for (const std::string& text : fields.strings("ekCertificates", kMaxEkCertificates, max_text)) {
    const std::string name = "ekCertificates[" + std::to_string(index++) + "]";
    auto der = codec::from_base64(text);
    if (!der.has_value()) {
      fields.error(name, der.error().message);
    } else if (der->empty() || der->size() > kMaxEkCertificateBytes) {
      fields.error(name, "has " + std::to_string(der->size()) + " bytes, expected 1 to " +
                             std::to_string(kMaxEkCertificateBytes));
    } else {
      out.ek_certificates.push_back(std::move(der).value());
    }
  }
  out.ek_public = required_base64(fields, "ekPublic", tpm::kMaxPublicBytes + 2);
  out.ak_public = required_base64(fields, "akPublic", tpm::kMaxPublicBytes + 2);
  fields.finish();
  return out;
}

ActivationAnswer read_activation(Fields fields) {
  ActivationAnswer out;
  out.challenge_id = required_plain(fields, "challengeID", 64);
  out.proof = required_base64(fields, "proof", 32);
  if (!out.proof.empty() && out.proof.size() != 32) fields.error("proof", "expected 32 bytes");
  fields.finish();
  return out;
}

UnverifiedQuote read_quote(Fields fields) {
  UnverifiedQuote out;
  out.message = required_base64(fields, "message", tpm::kMaxAttestBytes);
  out.signature = required_base64(fields, "signature", tpm::kMaxSignatureBytes);
  require(fields, "beacon", "an object with origin and size");
  if (auto beacon = fields.object("beacon")) {
    out.beacon.origin = required_plain(*beacon, "origin", kMaxOriginBytes);
    out.beacon.size = required_count(*beacon, "size");
    beacon->finish();
  }
  if (fields.raw("batchRoot") != nullptr) {
    fields.error("batchRoot", "is not in force in this version: leave it out");
  }
  fields.finish();
  return out;
}

void read_pcr(Fields fields, tpm::PcrValues& out) {
  const std::string bank_name = fields.required_string("bank", 16);
  const auto index = fields.required_integer("index", 0, tpm::kPcrCount - 1);
  require(fields, "digest", "hexadecimal digits");
  auto digest = fields.hex("digest", 64);
  fields.finish();
  const auto bank = crypto::parse_hash_name(bank_name);
  if (!bank.has_value()) {
    if (!bank_name.empty()) fields.error("bank", bank.error().message);
    return;
  }
  if (!digest) return;
  const std::size_t size = crypto::digest_size(bank.value());
  if (digest->size() != size) {
    fields.error("digest", "has " + std::to_string(digest->size()) + " bytes, expected " +
                               std::to_string(size) + " in bank " + bank_name);
    return;
  }
  const tpm::PcrId id{bank.value(), static_cast<std::uint8_t>(index)};
  if (!out.emplace(id, std::move(*digest)).second) {
    fields.error("", "PCR " + std::to_string(index) + " of bank " + bank_name + " is given twice");
  }
}

AgentInfo read_agent(Fields fields) {
  AgentInfo out;
  out.version = fields.string("version", kMaxInformative).value_or("");
  out.tpm_manufacturer = fields.string("tpmManufacturer", kMaxInformative).value_or("");
  out.firmware_version = fields.string("firmwareVersion", kMaxInformative).value_or("");
  fields.finish();
  return out;
}

void read_logs(Fields& fields, UnverifiedEvidence& out) {
  if (auto boot = fields.object("bootLog")) {
    out.boot_log.emplace();
    out.boot_log->digest = read_digest(*boot, "digest");
    out.boot_log->size = required_count(*boot, "size");
    boot->finish();
  }
  if (auto runtime = fields.object("runtimeLog")) {
    out.runtime_log.emplace();
    out.runtime_log->entries = required_count(*runtime, "entries");
    out.runtime_log->digest = read_digest(*runtime, "digest");
    out.runtime_log->offset = required_count(*runtime, "offset");
    runtime->finish();
  }
}

void read_common(Fields& fields, UnverifiedEvidence& out) {
  out.node_uid = required_plain(fields, "nodeUID", kMaxNodeUidBytes);
  if (auto quote = fields.object("quote")) out.quote = read_quote(std::move(*quote));
  for (Fields& pcr : fields.objects("pcrs", kMaxPcrs)) read_pcr(std::move(pcr), out.pcrs);
  read_logs(fields, out);
  if (auto agent = fields.object("agent")) out.agent = read_agent(std::move(*agent));
}

Result<UnverifiedEvidence> finish(Fields& fields, const codec::FieldErrors& errors,
                                  UnverifiedEvidence&& out) {
  fields.finish();
  if (!errors.empty()) return rejected(errors.text());
  return std::move(out);
}

Json digest_json(const crypto::Sha256& digest) { return digest_text(digest); }

Json count_json(std::uint64_t value) { return static_cast<std::int64_t>(value); }

void write_common(const UnverifiedEvidence& evidence, Json& out) {
  out["nodeUID"] = evidence.node_uid;
  if (evidence.quote) {
    out["quote"]["message"] = codec::to_base64(evidence.quote->message);
    out["quote"]["signature"] = codec::to_base64(evidence.quote->signature);
    out["quote"]["beacon"]["origin"] = evidence.quote->beacon.origin;
    out["quote"]["beacon"]["size"] = count_json(evidence.quote->beacon.size);
  }
  if (!evidence.pcrs.empty()) {
    Json::Array pcrs;
    for (const auto& [id, digest] : evidence.pcrs) {
      Json pcr;
      pcr["bank"] = crypto::hash_name(id.bank);
      pcr["index"] = int{id.index};
      pcr["digest"] = to_hex(digest);
      pcrs.push_back(std::move(pcr));
    }
    out["pcrs"] = std::move(pcrs);
  }
  if (evidence.boot_log) {
    out["bootLog"]["digest"] = digest_json(evidence.boot_log->digest);
    out["bootLog"]["size"] = count_json(evidence.boot_log->size);
  }
  if (evidence.runtime_log) {
    out["runtimeLog"]["entries"] = count_json(evidence.runtime_log->entries);
    out["runtimeLog"]["digest"] = digest_json(evidence.runtime_log->digest);
    out["runtimeLog"]["offset"] = count_json(evidence.runtime_log->offset);
  }
  const AgentInfo& agent = evidence.agent;
  if (!agent.version.empty()) out["agent"]["version"] = agent.version;
  if (!agent.tpm_manufacturer.empty()) out["agent"]["tpmManufacturer"] = agent.tpm_manufacturer;
  if (!agent.firmware_version.empty()) out["agent"]["firmwareVersion"] = agent.firmware_version;
}

Result<UnverifiedEvidence> read_heartbeat(std::string_view body) {
  AVOUCH_TRY(const Json json,
             codec::parse_json(
                 body, {.bytes = kMaxHeartbeatBytes, .depth = 8, .values = kMaxHeartbeatValues}));
  codec::FieldErrors errors;
  Fields fields(json, "", errors);
  if (!json.is_object()) {
    return rejected(errors.text() + " with nodeUID, quote and pcrs, as an agent sends it");
  }
  UnverifiedEvidence out;
  read_common(fields, out);
  require(fields, "quote", "an object with message, signature and beacon");
  if (out.pcrs.empty()) fields.error("pcrs", "is required: expected the quoted values");
  return finish(fields, errors, std::move(out));
}

}  // namespace

Result<UnverifiedEvidence> parse_evidence_spec(const Json& spec) {
  codec::FieldErrors errors;
  Fields fields(spec, "spec", errors);
  if (!spec.is_object()) {
    return rejected(errors.text() + " with nodeUID and identity, as an agent writes it");
  }
  UnverifiedEvidence out;
  read_common(fields, out);
  require(fields, "identity", "an object with ekCertificates, ekPublic and akPublic");
  if (auto identity = fields.object("identity")) out.identity = read_identity(std::move(*identity));
  if (auto activation = fields.object("activation")) {
    out.activation = read_activation(std::move(*activation));
  }
  if (fields.has("quote") != !out.pcrs.empty()) {
    fields.error("pcrs", "quote and pcrs come together or not at all");
  }
  return finish(fields, errors, std::move(out));
}

Result<UnverifiedEvidence> parse_heartbeat(std::string_view body) {
  auto evidence = read_heartbeat(body);
  if (!evidence.has_value()) return with_context(evidence.error(), "heartbeat");
  return evidence;
}

Json to_evidence_spec(const UnverifiedEvidence& evidence) {
  Json out;
  write_common(evidence, out);
  if (evidence.identity) {
    Json::Array certificates;
    for (const Bytes& der : evidence.identity->ek_certificates) {
      certificates.push_back(codec::to_base64(der));
    }
    out["identity"]["ekCertificates"] = std::move(certificates);
    out["identity"]["ekPublic"] = codec::to_base64(evidence.identity->ek_public);
    out["identity"]["akPublic"] = codec::to_base64(evidence.identity->ak_public);
  }
  if (evidence.activation) {
    out["activation"]["challengeID"] = evidence.activation->challenge_id;
    out["activation"]["proof"] = codec::to_base64(evidence.activation->proof);
  }
  return out;
}

Json to_heartbeat(const UnverifiedEvidence& evidence) {
  Json out;
  write_common(evidence, out);
  return out;
}

crypto::Sha256 quote_digest(const UnverifiedQuote& quote) {
  Bytes input;
  append_be64(input, quote.message.size());
  append(input, quote.message);
  append(input, quote.signature);
  return crypto::sha256(input);
}

crypto::Sha256 pcrs_digest(const tpm::PcrValues& pcrs) {
  Bytes input;
  for (const auto& [id, digest] : pcrs) {
    append_be16(input, tpm::algorithm_id(id.bank));
    append_u8(input, id.index);
    append(input, digest);
  }
  return crypto::sha256(input);
}

}  // namespace avouch::attest
