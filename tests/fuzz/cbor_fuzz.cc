// Deterministic CBOR: what is accepted is, byte for byte, what we would write.

#include <cstdint>
#include <cstdlib>

#include "codec/cbor.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::cbor_target {

AVOUCH_FUZZ_TARGET("cbor_fuzz") {
  const avouch::ByteView input(data, size);
  const auto value = avouch::codec::parse_cbor(input, {.bytes = 64 * 1024});
  if (!value.has_value()) {
    if (value.error().kind != avouch::ErrorKind::kRejected) std::abort();
    return 0;
  }
  if (!avouch::equal(avouch::codec::to_cbor(*value), input)) std::abort();
  return 0;
}

}  // namespace avouch::fuzzing::cbor_target
