#pragma once

// What the webhook believes by: the ConfigMap `R-trust` (docs/interfaces.md, "Names").

#include <string>
#include <vector>

#include "base/result.h"
#include "codec/json.h"
#include "crypto/keys.h"

namespace avouch::webhook {

struct TrustAnchors {
  std::vector<crypto::PublicKey> verifier_keys;  // current first, at least one
  std::string log_origin;
  std::string ca_pem;  // the controller's certificate authority
};

// kRejected names the key of the ConfigMap that is missing or unreadable.
Result<TrustAnchors> read_trust_anchors(const codec::Json& config_map);

}  // namespace avouch::webhook
