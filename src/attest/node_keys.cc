// The shape of an endorsement key and an attestation key.

#include "attest/enrolment.h"
#include "base/hex.h"
#include "tpm/marshal.h"

namespace avouch::attest {
namespace {

using tpm::kDecrypt;
using tpm::kFixedParent;
using tpm::kFixedTpm;
using tpm::kRestricted;
using tpm::kSensitiveDataOrigin;
using tpm::kSign;
using tpm::kStClear;
using tpm::kUserWithAuth;

constexpr std::uint32_t kAkAttributes =
    kFixedTpm | kFixedParent | kSensitiveDataOrigin | kUserWithAuth | kRestricted | kSign;
constexpr std::uint32_t kNoDa = 1U << 10;  // guards nothing: the key has no authorization value
constexpr std::uint32_t kEkRequired =
    kFixedTpm | kFixedParent | kSensitiveDataOrigin | kRestricted | kDecrypt;

std::string hex32(std::uint32_t value) {
  Bytes bytes;
  append_be32(bytes, value);
  return to_hex(bytes);
}

std::optional<Reason> check_ek(const tpm::Public& ek) {
  if ((ek.attributes & kEkRequired) != kEkRequired || (ek.attributes & (kSign | kStClear)) != 0) {
    return refuse(code::kEndorsementInvalid,
                  "EK: attributes " + hex32(ek.attributes) +
                      " are not those of an endorsement key: expected a restricted decryption key "
                      "of fixed TPM and parent (templates of the TCG EK Credential Profile)");
  }
  if (ek.symmetric_bits == 0) {
    return refuse(code::kEndorsementInvalid,
                  "EK: no symmetric algorithm, expected AES in CFB mode");
  }
  if (ek.signing) {
    return refuse(code::kEndorsementInvalid, "EK: has a signing scheme, expected none");
  }
  return std::nullopt;
}

std::optional<Reason> check_ak(const tpm::Public& ak) {
  if ((ak.attributes & ~kNoDa) != kAkAttributes) {
    return refuse(code::kIdentityMismatch, "AK: attributes are " + hex32(ak.attributes) +
                                               ", expected " + hex32(kAkAttributes) +
                                               ", with or without noDA (restricted signing key of "
                                               "fixed TPM and parent): any other key could sign "
                                               "data that no TPM made");
  }
  if (!ak.signing) {
    return refuse(code::kIdentityMismatch, "AK: has no fixed signing scheme");
  }
  const bool is_ec =
      ak.key.type() == crypto::KeyType::kEcP256 || ak.key.type() == crypto::KeyType::kEcP384;
  if (is_ec != (ak.signing->scheme == crypto::SignatureScheme::kEcdsa)) {
    return refuse(code::kIdentityMismatch, "AK: its signing scheme does not fit its kind of key");
  }
  if (ak.symmetric_bits != 0) {
    return refuse(code::kIdentityMismatch, "AK: has a symmetric algorithm, expected none");
  }
  return std::nullopt;
}

Reason enrolled_elsewhere(const Enrolled& of_ek, const crypto::Sha256& ek_digest,
                          std::string_view ek_node) {
  const std::string which =
      ek_node.empty() ? "the node with UID " + of_ek.node_uid
                      : "node \"" + std::string(ek_node) + "\" (UID " + of_ek.node_uid + ")";
  Reason reason =
      refuse(code::kIdentityMismatch,
             "the TPM whose EK has digest " + digest_text(ek_digest) + " is enrolled for " + which +
                 ": if it was moved here, or that node renamed, delete that node's "
                 "AttestationEvidence");
  if (!ek_node.empty()) {
    reason.fields.push_back({std::string(kEnrolledNodeField), std::string(ek_node)});
  }
  return reason;
}

}  // namespace

Checked<NodeKeys> check_keys(const UnverifiedIdentity& identity) {
  auto ek = tpm::parse_public(identity.ek_public);
  if (!ek.has_value()) {
    return refuse(code::kEndorsementInvalid, "identity.ekPublic: " + ek.error().message);
  }
  auto ak = tpm::parse_public(identity.ak_public);
  if (!ak.has_value()) {
    return refuse(code::kIdentityMismatch, "identity.akPublic: " + ak.error().message);
  }
  if (auto reason = check_ek(ek.value())) return *std::move(reason);
  if (auto reason = check_ak(ak.value())) return *std::move(reason);
  Bytes qualified_name =
      tpm::child_qualified_name(tpm::endorsement_primary_qualified_name(ek.value()), ak.value());
  const crypto::Sha256 ek_digest = crypto::sha256(ek->encoded);
  return NodeKeys{std::move(ek).value(), std::move(ak).value(), std::move(qualified_name),
                  ek_digest};
}

Checked<Binding> check_binding(const crypto::Sha256& ek_digest, ByteView ak_name,
                               std::string_view node_uid, const std::optional<Enrolled>& of_node,
                               const std::optional<Enrolled>& of_ek, std::string_view ek_node) {
  if (of_node && (of_node->node_uid != node_uid || of_node->ek_digest != ek_digest)) {
    return refuse(code::kIdentityMismatch,
                  "this node is enrolled with another TPM, whose EK has digest " +
                      digest_text(of_node->ek_digest) + ", not " + digest_text(ek_digest) +
                      ": if the TPM or machine was exchanged, delete its AttestationEvidence to "
                      "enrol it anew");
  }
  if (of_ek && (of_ek->node_uid != node_uid || of_ek->ek_digest != ek_digest)) {
    return enrolled_elsewhere(*of_ek, ek_digest, ek_node);
  }
  if (!of_node) return Binding::kFirst;
  return equal(of_node->ak_name, ak_name) ? Binding::kUnchanged : Binding::kNewKey;
}

Checked<Binding> check_binding(const NodeKeys& keys, std::string_view node_uid,
                               const std::optional<Enrolled>& of_node,
                               const std::optional<Enrolled>& of_ek, std::string_view ek_node) {
  return check_binding(keys.ek_digest, keys.ak.name, node_uid, of_node, of_ek, ek_node);
}

}  // namespace avouch::attest
