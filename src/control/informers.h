#pragma once

// What the controller keeps of the objects that it watches: what the workers compare with what
// should be there, and no more, for there is one of each a node. Handlers see whole objects.

#include <optional>

#include "codec/json.h"
#include "crypto/hash.h"
#include "kube/informer.h"

namespace avouch::control {

// Nodes: kept are taints, the label and the condition of ours.
kube::InformerOptions node_informer_options();

// AttestationEvidence: kept is what its status says of ours, by digest_of_live().
kube::InformerOptions evidence_informer_options();

// The digest in what was kept of an AttestationEvidence; nothing where there was no status.
std::optional<crypto::Sha256> kept_status_digest(const codec::Json& kept);

}  // namespace avouch::control
