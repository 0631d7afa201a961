#pragma once

#include "codec/cbor.h"
#include "codec/json.h"

namespace avouch::inspect {

// A payload as JSON: byte strings as hexadecimal, map keys as text. For people; digests are made
// from the CBOR alone.
codec::Json payload_json(const codec::Cbor& payload);

}  // namespace avouch::inspect
