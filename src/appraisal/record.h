#pragma once

// The record of a verdict: what was judged, under which rules, at which times, so that it can be
// judged again years later (docs/interfaces.md, "Records of verdicts"). A small JSON object that
// names everything large by its SHA-256. Nothing in it has to be believed: reappraise.h checks it
// against the verdict's token, which binds all that counts.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "attest/evidence.h"
#include "attest/policy.h"
#include "attest/token.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/json.h"
#include "crypto/hash.h"

namespace avouch::appraisal {

inline constexpr std::size_t kMaxRecordBytes = 256 * 1024;
inline constexpr std::size_t kMaxRecordedReasons = 64;
inline constexpr std::size_t kMaxRecordedReferences = 512;  // of one policy; lists too

// What a policy's verdict made of a log.
struct LogUse {
  enum class Kind {
    kNotUsed,  // the policy does not want it, or it was missing
    kJudged,
    kRefused,  // as a whole, for this reason; a refused runtime log is not kept
  };
  Kind kind = Kind::kNotUsed;
  std::string code, message;  // of kRefused
  bool operator==(const LogUse&) const = default;
};

struct PolicyUsed {
  std::string name;
  crypto::Sha256 spec_digest{};  // object: RFC 8785 form of the spec
  crypto::Sha256 digest{};
  SystemTime resolved_at{};  // manifests were in force or not by this time
  SystemTime endorsed_at{};  // certificates were judged by this time
  // What it refers to, each an object in the form that its digest is made of.
  std::vector<attest::Reference> references;
  // Digest lists that its manifests name by content: each an object too, as it was uploaded. The
  // manifests' specs bind them.
  std::vector<crypto::Sha256> lists;
  LogUse boot, runtime;
};

// The proven part of a boot's runtime log: its digest names it, as in the token.
struct RuntimeLogUsed {
  crypto::Sha256 digest{};
  std::uint64_t bytes = 0;
  std::string boot;  // the evidence store's name for the boot
};

struct VerdictRecord {
  std::string node_name;
  SystemTime time{};  // when it was judged
  Bytes token;
  attest::UnverifiedIdentity identity;
  attest::UnverifiedEvidence evidence;  // with quote, without identity
  std::string beacon_text;
  SystemTime beacon_published{};
  std::optional<attest::BootLogReference> boot_log;  // what was read, judged or refused
  std::optional<RuntimeLogUsed> runtime_log;
  std::vector<PolicyUsed> policies;  // in the token's order
  std::vector<std::string> reasons;  // their codes, in order
};

struct RecordObject {
  crypto::Sha256 digest{};
  Bytes bytes;
};

// The record as it is stored, and the objects that it names and no one else stores: the identity,
// which stays the same for as long as the node is enrolled, and the PCR values but PCR 10's.
struct PackedRecord {
  Bytes bytes;
  crypto::Sha256 digest{};  // what the verdict's log entry names
  crypto::Sha256 token{};   // what it is found by
  std::vector<RecordObject> objects;
};
Result<PackedRecord> pack_record(const VerdictRecord& record);

// What a stored record says by itself, with the objects that complete it still to be read.
struct StoredRecord {
  VerdictRecord record;  // without identity and evidence
  std::string node_uid;
  codec::Json evidence;  // without the PCR values but PCR 10's
  crypto::Sha256 identity{}, pcrs{};

  // Every object that it names, policies' specs, references and digest lists, boot log and runtime
  // log included.
  std::vector<crypto::Sha256> objects() const;
};
// kRejected names every field at fault.
Result<StoredRecord> parse_record(ByteView bytes);
// Puts in what the two objects hold. kRejected names the object at fault.
Result<VerdictRecord> complete_record(StoredRecord stored, ByteView identity, ByteView pcrs);

// False of a reference that was missing or unreadable when the policy was resolved: there is no
// object.
bool is_kept(const attest::Reference& reference);

// A ConfigMap's data as an object, and back.
Bytes config_map_object(const std::map<std::string, std::string>& data);
Result<std::map<std::string, std::string>> parse_config_map_object(ByteView bytes);

}  // namespace avouch::appraisal
