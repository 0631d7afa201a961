// COSE_Sign1: what is accepted holds the bytes it was read from, and only the message that the
// fixed key has signed verifies.

#include <cstdint>
#include <cstdlib>

#include "base/hex.h"
#include "codec/cose.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::cose_target {
namespace {

namespace codec = avouch::codec;

// The key and the message of RFC 9052, C.7.1 and C.2.1.
const avouch::crypto::PublicKey& key() {
  static const auto made =
      avouch::crypto::PublicKey::ec_from_point(
          avouch::crypto::KeyType::kEcP256,
          *avouch::from_hex("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"),
          *avouch::from_hex("20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"))
          .value();
  return made;
}

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

AVOUCH_FUZZ_TARGET("cose_fuzz") {
  const avouch::ByteView input(data, size);
  const auto message = codec::parse_sign1_unverified(input, {.bytes = 64 * 1024});
  if (!message.has_value()) {
    require(message.error().kind == avouch::ErrorKind::kRejected);
    return 0;
  }
  const codec::Cbor payload =
      message->payload ? codec::Cbor::bytes(*message->payload) : codec::Cbor();
  const avouch::Bytes again = codec::to_cbor(codec::Cbor::tagged(
      18, codec::Cbor::array({codec::Cbor::bytes(codec::to_cbor(message->protected_header)),
                              message->unprotected_header, payload,
                              codec::Cbor::bytes(message->signature)})));
  require(avouch::equal(again, input));
  if (codec::verify_sign1(*message, key()).has_value()) {
    require(message->payload == avouch::to_bytes("This is the content."));
    require(message->protected_bytes == *avouch::from_hex("a10126"));
  }
  return 0;
}

}  // namespace avouch::fuzzing::cose_target
