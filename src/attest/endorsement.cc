// The maker's word for an endorsement key, and the inventory's for where it belongs.

#include <algorithm>

#include "attest/ek_certificates.h"
#include "attest/enrolment.h"

namespace avouch::attest {
namespace {

using crypto::Certificate;

constexpr std::string_view kEkUsage = "2.23.133.8.1";  // tcg-kp-EKCertificate

Reason invalid(std::string message) {
  return refuse(code::kEndorsementInvalid, std::move(message));
}

// TCG EK Credential Profile 2.5, 3.2.
std::optional<Reason> check_profile(const Certificate& certificate, const tpm::Public& ek,
                                    RulesUsed& used) {
  const std::string who = "EK certificate of \"" + certificate.issuer().substr(0, 200) + "\": ";
  if (!certificate.has_extended_key_usage(kEkUsage)) {
    return invalid(who + "has no extended key usage " + std::string(kEkUsage) +
                   " (endorsement key certificate)");
  }
  if (certificate.is_ca()) return invalid(who + "is one of a certificate authority");
  if (!certificate.has_basic_constraints()) note_rule(used, rule::kNoBasicConstraints);
  const auto unknown = certificate.unhandled_critical_extensions();
  if (!unknown.empty()) return invalid(who + "has unknown critical extension " + unknown.front());
  const auto key = certificate.public_key();
  if (!key.has_value()) return invalid(who + "its key is unusable: " + key.error().message);
  if (!(key.value() == ek.key)) return invalid(who + "is for another key than identity.ekPublic");
  if (certificate.has_oaep_only_key()) note_rule(used, rule::kOaepKey);
  const bool is_ec =
      ek.key.type() == crypto::KeyType::kEcP256 || ek.key.type() == crypto::KeyType::kEcP384;
  const std::string_view usage = is_ec ? "keyAgreement" : "keyEncipherment";
  if (!certificate.has_key_usage(usage)) {
    return invalid(who + "has no key usage " + std::string(usage));
  }
  return std::nullopt;
}

// Who made it, for people and for require_hardware.
std::optional<Reason> check_make(const Certificate& certificate, EndorsementResult& out) {
  auto make = read_tpm_make(certificate);
  if (!make.has_value()) return make.reason();
  out.make = std::move(make).value();
  if (!out.make || out.make->manufacturer.empty()) {
    note_rule(out.rules_used, rule::kNoTpmAttributes);
  }
  const auto name = certificate.subject_alternative_name();
  const bool is_critical = name.has_value() && name.value() && name.value()->critical;
  if (!certificate.has_subject() && !is_critical) {
    note_rule(out.rules_used, rule::kNameNotCritical);
  }
  return std::nullopt;
}

std::optional<Reason> check_chain(const std::vector<Certificate>& certificates,
                                  const std::vector<Certificate>& anchors, SystemTime now) {
  const std::vector<Certificate> intermediates(certificates.begin() + 1, certificates.end());
  const auto path =
      crypto::verify_chain(certificates.front(), intermediates, anchors, now, kEkUsage);
  if (path.has_value()) return std::nullopt;
  const bool in_time = std::all_of(
      certificates.begin(), certificates.end(),
      [&](const Certificate& each) { return each.not_before() <= now && now <= each.not_after(); });
  return invalid("EK certificate: " + path.error().message +
                 (in_time ? ". If you trust its maker, add the maker's certificates to the "
                            "policy's trust bundle"
                          : ". Compare the clock with the certificate's dates (appraise: --at); "
                            "no trust bundle helps against them"));
}

std::optional<Reason> check_inventory(const NodeKeys& keys, std::string_view node_name,
                                      const Inventory& inventory) {
  if (node_name.empty()) {
    return refuse(code::kIdentityMismatch,
                  "the evidence does not say of which node it is, and the policy has an inventory "
                  "of nodes: say which");
  }
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

EndorsementRules rules_of(const PolicySpec& spec) {
  EndorsementRules out;
  out.enrollment = spec.enrollment;
  out.keys = spec.keys;
  out.require_hardware = spec.require_hardware;
  return out;
}

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
  const auto certificates = read_ek_certificates(identity, out.rules_used);
  if (!certificates.has_value()) return certificates.reason();
  const Certificate& own = certificates.value().front();
  if (auto reason = check_profile(own, keys.ek, out.rules_used)) return *std::move(reason);
  if (auto reason = check_chain(certificates.value(), rules.trust_anchors, now)) {
    return *std::move(reason);
  }
  if (auto reason = check_make(own, out)) return *std::move(reason);
  if (rules.require_hardware) {
    if (auto reason = require_hardware(out.make)) return *std::move(reason);
  }
  if (rules.enrollment == Enrollment::kInventory) {
    if (auto reason = check_inventory(keys, node_name, rules.inventory)) return *std::move(reason);
  }
  return out;
}

}  // namespace avouch::attest
