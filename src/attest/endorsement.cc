// The maker's word for an endorsement key, and the inventory's for where it belongs.

#include <algorithm>

#include "attest/enrolment.h"

namespace avouch::attest {
namespace {

using crypto::Certificate;

constexpr std::string_view kEkUsage = "2.23.133.8.1";  // tcg-kp-EKCertificate
constexpr std::string_view kNvPadding = "nv-padding";
constexpr std::size_t kMaxTrustAnchors = 1000;

Reason invalid(std::string message) {
  return refuse(code::kEndorsementInvalid, std::move(message));
}

// Length of the DER value that `bytes` begins with, if its header is one of a SEQUENCE of at least
// 128 bytes, as that of every certificate is; else all of `bytes`.
std::size_t der_length(ByteView bytes) {
  if (bytes.size() < 4 || bytes[0] != 0x30) return bytes.size();
  if (bytes[1] == 0x81) return 3U + bytes[2];
  if (bytes[1] == 0x82) return 4U + (std::size_t{bytes[2]} << 8) + bytes[3];
  return bytes.size();
}

// Rule nv-padding: NV indices are often larger than the certificate in them.
ByteView without_padding(ByteView stored, std::vector<std::string>& rules_used) {
  const std::size_t length = der_length(stored);
  if (length >= stored.size()) return stored;
  const ByteView rest = stored.subspan(length);
  const std::uint8_t filler = rest.front();
  const bool is_padding =
      (filler == 0x00 || filler == 0xff) &&
      std::all_of(rest.begin(), rest.end(), [&](std::uint8_t each) { return each == filler; });
  if (!is_padding) return stored;
  if (std::find(rules_used.begin(), rules_used.end(), kNvPadding) == rules_used.end()) {
    rules_used.emplace_back(kNvPadding);
  }
  return stored.first(length);
}

// TCG EK Credential Profile 2.5, 3.2.
std::optional<Reason> check_profile(const Certificate& certificate, const tpm::Public& ek) {
  const std::string who = "EK certificate of \"" + certificate.issuer() + "\": ";
  if (!certificate.has_extended_key_usage(kEkUsage)) {
    return invalid(who + "has no extended key usage " + std::string(kEkUsage) +
                   " (endorsement key certificate)");
  }
  if (certificate.is_ca()) return invalid(who + "is one of a certificate authority");
  const auto unknown = certificate.unhandled_critical_extensions();
  if (!unknown.empty()) return invalid(who + "has unknown critical extension " + unknown.front());
  const auto key = certificate.public_key();
  if (!key.has_value()) return invalid(who + "its key is unusable: " + key.error().message);
  if (!(key.value() == ek.key)) return invalid(who + "is for another key than identity.ekPublic");
  const bool is_ec =
      ek.key.type() == crypto::KeyType::kEcP256 || ek.key.type() == crypto::KeyType::kEcP384;
  const std::string_view usage = is_ec ? "keyAgreement" : "keyEncipherment";
  if (!certificate.has_key_usage(usage)) {
    return invalid(who + "has no key usage " + std::string(usage));
  }
  return std::nullopt;
}

Checked<std::vector<Certificate>> read_certificates(const UnverifiedIdentity& identity,
                                                    std::vector<std::string>& rules_used) {
  if (identity.ek_certificates.empty()) {
    return invalid(
        "identity.ekCertificates: there is none, so no maker vouches for this TPM: load "
        "its certificate into NV, or use a TPM that has one");
  }
  std::vector<Certificate> out;
  for (std::size_t i = 0; i < identity.ek_certificates.size(); ++i) {
    auto certificate =
        Certificate::from_der(without_padding(identity.ek_certificates[i], rules_used));
    if (!certificate.has_value()) {
      return invalid("identity.ekCertificates[" + std::to_string(i) +
                     "]: " + certificate.error().message);
    }
    out.push_back(std::move(certificate).value());
  }
  return out;
}

std::optional<Reason> check_chain(const std::vector<Certificate>& certificates,
                                  const std::vector<Certificate>& anchors, SystemTime now) {
  const std::vector<Certificate> intermediates(certificates.begin() + 1, certificates.end());
  const auto path = crypto::verify_chain(certificates.front(), intermediates, anchors, now);
  if (path.has_value()) return std::nullopt;
  return invalid("EK certificate: " + path.error().message +
                 ". If you trust its maker, add the maker's certificates to the policy's trust "
                 "bundle");
}

std::optional<Reason> check_inventory(const NodeKeys& keys, std::string_view node_name,
                                      const Inventory& inventory) {
  const auto found = inventory.find(node_name);
  const std::string entry = std::string(node_name) + ": " + digest_text(keys.ek_digest);
  if (found == inventory.end()) {
    return refuse(code::kIdentityMismatch, "the inventory has no node \"" + std::string(node_name) +
                                               "\": if this is its TPM, add \"" + entry + "\"");
  }
  const auto& allowed = found->second;
  if (std::find(allowed.begin(), allowed.end(), keys.ek_digest) == allowed.end()) {
    return refuse(code::kIdentityMismatch, "the inventory has another TPM for node \"" +
                                               std::string(node_name) +
                                               "\": if this is its TPM, add \"" + entry + "\"");
  }
  return std::nullopt;
}

}  // namespace

Checked<EndorsementResult> check_endorsement(const NodeKeys& keys,
                                             const UnverifiedIdentity& identity,
                                             std::string_view node_name,
                                             const EndorsementRules& rules, SystemTime now) {
  const KeyKind kind{keys.ak.key.type(), keys.ak.signing.value_or(tpm::SigningScheme{})};
  if (std::find(rules.keys.begin(), rules.keys.end(), kind) == rules.keys.end()) {
    return refuse(code::kKeyNotAllowed, "the attestation key is " + key_kind_name(kind) +
                                            ", which the policy's keys do not list");
  }
  EndorsementResult out;
  out.bound_by = rules.enrollment;
  const auto certificates = read_certificates(identity, out.rules_used);
  if (!certificates.has_value()) return certificates.reason();
  if (auto reason = check_profile(certificates.value().front(), keys.ek)) return *std::move(reason);
  if (auto reason = check_chain(certificates.value(), rules.trust_anchors, now)) {
    return *std::move(reason);
  }
  if (rules.enrollment == Enrollment::kInventory) {
    if (auto reason = check_inventory(keys, node_name, rules.inventory)) return *std::move(reason);
  }
  return out;
}

Result<Inventory> parse_inventory(const std::map<std::string, std::string>& data) {
  constexpr std::string_view kSpace = " \t\r\n";
  Inventory out;
  for (const auto& [node, text] : data) {
    std::vector<crypto::Sha256>& digests = out[node];
    for (std::size_t start = text.find_first_not_of(kSpace); start != std::string::npos;) {
      const std::size_t end = std::min(text.find_first_of(kSpace, start), text.size());
      const auto digest = parse_digest_text(std::string_view(text).substr(start, end - start));
      if (!digest.has_value()) {
        return with_context(digest.error(), "inventory entry \"" + node + "\"");
      }
      digests.push_back(digest.value());
      start = text.find_first_not_of(kSpace, end);
    }
    if (digests.empty()) {
      return rejected("inventory entry \"" + node + "\": is empty, expected sha256:HEX");
    }
  }
  return out;
}

Result<std::vector<crypto::Certificate>> parse_trust_bundle(
    const std::map<std::string, std::string>& data) {
  std::vector<Certificate> out;
  for (const auto& [key, pem] : data) {
    auto certificates = Certificate::list_from_pem(pem);
    if (!certificates.has_value()) {
      return with_context(std::move(certificates).error(), "trust bundle entry \"" + key + "\"");
    }
    out.insert(out.end(), certificates->begin(), certificates->end());
    if (out.size() > kMaxTrustAnchors) {
      return rejected("trust bundle: has more than " + std::to_string(kMaxTrustAnchors) +
                      " certificates");
    }
  }
  if (out.empty()) return rejected("trust bundle: has no entry, expected PEM certificates");
  return out;
}

}  // namespace avouch::attest
