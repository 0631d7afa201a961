#pragma once

// What the controller keeps of the objects that it watches: what the workers compare with what
// should be there, and no more, for there is one of each a node. Handlers see whole objects.

#include "codec/json.h"
#include "kube/informer.h"

namespace avouch::control {

// Nodes: kept are taints, the label and the condition of ours.
kube::InformerOptions node_informer_options();

// AttestationEvidence: kept is the status, as text.
kube::InformerOptions evidence_informer_options();

// What was kept of an AttestationEvidence, as an object again: metadata and status.
codec::Json evidence_as_kept(const codec::Json& kept);

}  // namespace avouch::control
