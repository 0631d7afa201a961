#pragma once

// What an agent claims. Read strictly and bounded, believed in nothing: every type here says so.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/json.h"
#include "crypto/hash.h"
#include "tpm/types.h"

namespace avouch::attest {

inline constexpr std::size_t kMaxEkCertificates = 8;
inline constexpr std::size_t kMaxEkCertificateBytes = 4096;  // as NV holds it, padding included
inline constexpr std::size_t kMaxNodeUidBytes = 64;
inline constexpr std::size_t kMaxOriginBytes = 255;
inline constexpr std::size_t kMaxHeartbeatBytes = 64 * 1024;  // the intake's limit
// Every PCR of every bank is 96 objects of three members, and what is beside them fewer than 30.
inline constexpr std::size_t kMaxHeartbeatValues = 512;

struct UnverifiedIdentity {
  std::vector<Bytes> ek_certificates;  // DER, leaf first
  Bytes ek_public;                     // TPM2B_PUBLIC
  Bytes ak_public;                     // TPM2B_PUBLIC
  bool operator==(const UnverifiedIdentity&) const = default;
};

struct ActivationAnswer {
  std::string challenge_id;
  Bytes proof;  // 32 bytes
  bool operator==(const ActivationAnswer&) const = default;
};

struct BeaconReference {
  std::string origin;
  std::uint64_t size = 0;
  bool operator==(const BeaconReference&) const = default;
};

struct UnverifiedQuote {
  Bytes message;    // TPMS_ATTEST
  Bytes signature;  // TPMT_SIGNATURE
  BeaconReference beacon;
  bool operator==(const UnverifiedQuote&) const = default;
};

struct BootLogReference {
  crypto::Sha256 digest{};
  std::uint64_t size = 0;
  bool operator==(const BootLogReference&) const = default;
};

struct RuntimeLogReference {
  std::uint64_t entries = 0;
  crypto::Sha256 digest{};
  std::uint64_t offset = 0;
  bool operator==(const RuntimeLogReference&) const = default;
};

struct AgentInfo {  // informative
  std::string version, tpm_manufacturer, firmware_version;
  bool operator==(const AgentInfo&) const = default;
};

struct UnverifiedEvidence {
  std::string node_uid;
  std::optional<UnverifiedIdentity> identity;  // not in a heartbeat
  std::optional<ActivationAnswer> activation;  // not in a heartbeat
  std::optional<UnverifiedQuote> quote;
  tpm::PcrValues pcrs;  // claimed
  std::optional<BootLogReference> boot_log;
  std::optional<RuntimeLogReference> runtime_log;
  AgentInfo agent;
  bool operator==(const UnverifiedEvidence&) const = default;
};

// `spec` of an AttestationEvidence: nodeUID and identity are required, quote and pcrs come together
// or not at all. kRejected lists every error with its path ("spec.pcrs[3].digest: ...").
Result<UnverifiedEvidence> parse_evidence_spec(const codec::Json& spec);

// Body of POST /v1/nodes/NAME/evidence, at most kMaxHeartbeatBytes and Values: nodeUID, quote and
// pcrs are required, identity and activation are unknown members. Every error begins with
// "heartbeat: ".
Result<UnverifiedEvidence> parse_heartbeat(std::string_view body);

// What the readers accept; a round trip gives the same value. to_heartbeat leaves identity and
// activation out.
codec::Json to_evidence_spec(const UnverifiedEvidence& evidence);
codec::Json to_heartbeat(const UnverifiedEvidence& evidence);

// Digests by which evidence is named in tokens and in the log.
crypto::Sha256 quote_digest(
    const UnverifiedQuote& quote);  // u64be(len(message)) || message || signature
crypto::Sha256 pcrs_digest(
    const tpm::PcrValues& pcrs);  // by bank, then index: u16 bank || u8 index || digest

}  // namespace avouch::attest
