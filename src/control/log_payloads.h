#pragma once

// Payloads of the log entries that the controller writes; docs/interfaces.md, 'Log entries'. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "codec/cbor.h"
#include "control/verdict_state.h"
#include "crypto/hash.h"
#include "crypto/keys.h"
#include "tlog/registration.h"

namespace avouch::control {

inline constexpr std::string_view kRegistrationPolicyType = "registration-policy";
inline constexpr std::string_view kKindsMember = "kinds", kStatementsMember = "statements",
                                  kReferencesMember = "references", kRekorKeysMember = "rekorKeys";

// `policy`: whose statements and hashedrekords are registered; where nobody's are, the member is
// absent. `references`: the policy that names the other logs whose entries are referred to; absent
// where it is "".
codec::Cbor registration_policy_payload(SystemTime created,
                                        const tlog::RegistrationPolicy& policy = {},
                                        std::string_view references = "");
codec::Cbor trust_anchors_payload(SystemTime created,
                                  const std::vector<crypto::PublicKey>& verifier_keys,
                                  std::string_view log_vkey);

codec::Cbor epoch_payload(SystemTime time, ByteView random, const crypto::Sha256& renewals_root,
                          std::uint64_t renewals_count);

codec::Cbor node_verdict_payload(SystemTime time, std::string_view node, std::string_view node_uid,
                                 Phase previous, const NodeVerdict& verdict,
                                 const std::optional<crypto::Sha256>& record = std::nullopt);

struct PolicyChange {
  std::string name;
  crypto::Sha256 spec_digest{};
  crypto::Sha256 digest{};
  std::int64_t generation = 0;
  enum class Kind { kPresent, kDeleted } kind = Kind::kPresent;
};
codec::Cbor policy_change_payload(SystemTime time, const PolicyChange& change);

}  // namespace avouch::control
