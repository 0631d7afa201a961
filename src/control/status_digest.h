#pragma once

// What a status of an AttestationEvidence says of ours, in 32 bytes: enough to know that nothing
// has to be written. Pure.

#include "codec/json.h"
#include "crypto/hash.h"

namespace avouch::control {

// Equal for statuses of which api_objects' repair_patch() makes nothing once the wanted one has its
// transition times. Left out: members that are null, conditions of types that are not ours, the
// times of transitions (but not that there is one; `wanted` gets them all when it is written).
crypto::Sha256 digest_of_wanted(const codec::Json& status);
crypto::Sha256 digest_of_live(const codec::Json& status);

}  // namespace avouch::control
