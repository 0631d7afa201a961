#pragma once

// Names of the objects that the controller owns, made from the release's name, and the fixed names
// of what it puts on nodes. docs/interfaces.md, 'Names'.

#include <array>
#include <string>
#include <string_view>

namespace avouch::control {

struct ReleaseNames {
  std::string release;
  std::string ns;

  std::string keys_secret() const { return release + "-keys"; }
  std::string webhook_tls_secret() const { return release + "-webhook-tls"; }
  std::string trust_config_map() const { return release + "-trust"; }
  std::string beacon_config_map() const { return release + "-beacon"; }
  std::string lease() const { return release + "-controller"; }
};

inline constexpr std::string_view kTaintKey = "avouch.dev/unattested";
// Value of the taint on nodes that do not satisfy an enforced policy, while the webhook can be
// elsewhere; else it has none.
inline constexpr std::string_view kFailing = "failing";
inline constexpr std::string_view kAttestedLabel = "avouch.node-restriction.kubernetes.io/attested";
inline constexpr std::string_view kAttestedCondition = "Attested";
// Types of the conditions in the status of an AttestationEvidence.
inline constexpr std::array<std::string_view, 4> kEvidenceConditions = {
    "Enrolled", "EvidenceFresh", kAttestedCondition, "Logged"};
// On pods of the webhook: the serving key that their kubelet was last made to look for.
inline constexpr std::string_view kKeyOfWebhook = "avouch.dev/webhook-key";
// On the pod of the controller that leads, where there are several: the release's full name.
inline constexpr std::string_view kLeadsLabel = "avouch.dev/leads";
inline constexpr std::string_view kExemptLabel = "avouch.dev/exempt";
inline constexpr std::string_view kFieldManager = "avouch-controller";
inline constexpr std::string_view kTokenAudience = "avouch.dev/controller";

}  // namespace avouch::control
