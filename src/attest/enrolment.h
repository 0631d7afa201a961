#pragma once

// Who a node is: its endorsement key, the maker's word for it, and an attestation key that lives in
// the same TPM. Pure; the caller keeps the state and makes its decisions one after another.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attest/evidence.h"
#include "attest/policy.h"
#include "attest/reason.h"
#include "attest/tpm_make.h"
#include "base/clock.h"
#include "crypto/random.h"
#include "crypto/x509.h"
#include "tpm/credential.h"
#include "tpm/types.h"

namespace avouch::attest {

// A pair of keys whose shape is right. Not yet: that the EK is genuine (check_endorsement), that it
// belongs to this node (check_binding), that the AK lives beside it (check_activation).
struct NodeKeys {
  tpm::Public ek;
  tpm::Public ak;
  Bytes ak_qualified_name;  // as a child of the EK
  crypto::Sha256
      ek_digest{};  // SHA-256 of the EK's public area (TPMT_PUBLIC): the inventory's value
};

// EK: restricted decryption key of fixed TPM and parent with AES. AK: attributes exactly fixedTPM,
// fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign (00050072), and noDA or not; a
// fixed signing scheme; no SHA-1. Codes: EndorsementInvalid (EK), IdentityMismatch (AK).
Checked<NodeKeys> check_keys(const UnverifiedIdentity& identity);

// node name -> digests of the EK public areas that may be there.
using Inventory = std::map<std::string, std::vector<crypto::Sha256>, std::less<>>;
// A ConfigMap's data: node name -> lines of "sha256:HEX", several on a line separated by blanks;
// empty lines, and comments from "#" to the end of the line, count for nothing. kRejected names
// every fault (20 at most) with entry and line: what is no digest, more than 16 of one node, the
// same digest twice (in another entry too: one TPM cannot be in two nodes), an entry without any,
// and a key that is no node's name.
Result<Inventory> parse_inventory(const std::map<std::string, std::string>& data);
// Every certificate of every value, in order of the keys; at most 1,000. kRejected names every
// entry at fault: unreadable ones, and certificates that are no authority's, for they vouch for
// nobody.
Result<std::vector<crypto::Certificate>> parse_trust_bundle(
    const std::map<std::string, std::string>& data);

// What one policy's `endorsement` and `keys` say, with the ConfigMaps read.
struct EndorsementRules {
  std::vector<crypto::Certificate> trust_anchors;  // of all bundles
  Enrollment enrollment = Enrollment::kInventory;
  Inventory inventory;
  std::vector<KeyKind> keys;
  bool require_hardware = false;
};
// What stands in the spec itself; anchors and inventory are in ConfigMaps, and stay empty.
EndorsementRules rules_of(const PolicySpec& spec);

// Named rules for certificates that are odd but genuine; each one that was used is reported.
//   nv-padding            zero bytes (00) or erased ones (ff) follow the DER in NV
//   nv-chain              certificates of the chain stand one after another over NV indices
//   not-der               BER that is not DER; the signature is checked over the bytes as they are
//   oaep-key              the key is marked for RSAES-OAEP only (RFC 4055)
//   no-basic-constraints  the extension is missing; it is no authority's without it either
//   name-not-critical     the subject is empty, and the alternative name not critical
//   no-tpm-attributes     the certificate does not say who made the TPM
struct EndorsementResult {
  Enrollment bound_by = Enrollment::kInventory;
  std::vector<std::string> rules_used;
  std::optional<TpmMake> make;  // by the verified certificate
};

// In this order: key kind allowed (KeyNotAllowed); the first certificate is one for this EK: EKU
// 2.23.133.8.1, not a CA, key usage that fits, no unknown critical extension, key equal to the
// EK's; chain to a trust anchor at `now`; readable TPM attributes (all EndorsementInvalid); a maker
// of hardware, where that is required (HardwareRequired); inventory names this EK for `node_name`
// (IdentityMismatch). Judge again when rules change, and at least daily: certificates
// expire.
Checked<EndorsementResult> check_endorsement(const NodeKeys& keys,
                                             const UnverifiedIdentity& identity,
                                             std::string_view node_name,
                                             const EndorsementRules& rules, SystemTime now);

// What enrolment fixes for a node until an administrator deletes its AttestationEvidence.
struct Enrolled {
  std::string node_uid;
  crypto::Sha256 ek_digest{};
  Bytes ak_name;
  bool operator==(const Enrolled&) const = default;
};

// One TPM, one node: `of_node` is the enrolment that this node has, `of_ek` the one that this EK
// has, of whatever node, and `ek_node` that node's name ("": not known). IdentityMismatch where
// either is another pair; where the TPM is another node's, with that node's name as a field
// (kEnrolledNodeField). The same EK with a new AK on the same node is no mismatch: it must be
// activated anew (Binding::kNewKey).
enum class Binding { kFirst, kNewKey, kUnchanged };
inline constexpr std::string_view kEnrolledNodeField = "enrolled node";
Checked<Binding> check_binding(const crypto::Sha256& ek_digest, ByteView ak_name,
                               std::string_view node_uid, const std::optional<Enrolled>& of_node,
                               const std::optional<Enrolled>& of_ek, std::string_view ek_node = {});
Checked<Binding> check_binding(const NodeKeys& keys, std::string_view node_uid,
                               const std::optional<Enrolled>& of_node,
                               const std::optional<Enrolled>& of_ek, std::string_view ek_node = {});

inline constexpr std::chrono::minutes kActivationTime{5};

// Keep it in memory only: it holds the secret. Publish `id` and `credential`.
struct ActivationChallenge {
  std::string id;  // 32 hexadecimal digits, random
  std::string node_uid;
  crypto::Sha256 ek_digest{};
  Bytes ak_name;
  Bytes secret;  // 32 bytes
  SystemTime made_at{};
  tpm::Credential credential;
};

Result<ActivationChallenge> make_activation_challenge(const NodeKeys& keys,
                                                      std::string_view node_uid,
                                                      crypto::Random& random, SystemTime now);

// What an agent that knows the secret answers (docs/interfaces.md).
Bytes activation_proof(ByteView secret, std::string_view node_uid, std::string_view challenge_id,
                       ByteView ak_name);

// Uses the challenge up: one attempt. `keys` are those claimed now. ActivationFailed for another
// id, another key, after kActivationTime, or a wrong proof (compared in constant time).
Checked<Enrolled> check_activation(ActivationChallenge&& challenge, const NodeKeys& keys,
                                   const ActivationAnswer& answer, SystemTime now);

}  // namespace avouch::attest
