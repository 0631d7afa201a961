#pragma once

// SubjectPublicKeyInfo (RFC 5280, 4.1) of the listed kinds of key, byte by byte: RFC 5480 for EC
// (named curve, uncompressed point), RFC 3279 for RSA (rsaEncryption, NULL), RFC 8410 for Ed25519.
// OpenSSL's own decoder and encoder cost three times as much as a signature check. Private to
// crypto/.

#include <optional>

#include "crypto/keys.h"

namespace avouch::crypto {

struct EcPoint {
  KeyType curve;
  Bytes x, y;  // padded
};
struct RsaNumbers {
  Bytes modulus;  // unsigned, big-endian, no leading zeros
  std::uint32_t exponent;
};

Bytes ec_spki(KeyType curve, ByteView x, ByteView y);  // x and y padded
Bytes rsa_spki(ByteView modulus, std::uint32_t exponent);
Bytes rsa_spki_of_pkcs1(ByteView rsa_public_key);  // RSAPublicKey in DER (RFC 8017, A.1.1)
Bytes ed25519_spki(ByteView raw32);

// Nothing where `der` is not exactly the one encoding of a key of that kind. The numbers are not
// checked here.
std::optional<EcPoint> ec_of_spki(ByteView der);
std::optional<RsaNumbers> rsa_of_spki(ByteView der);
std::optional<Bytes> ed25519_of_spki(ByteView der);

}  // namespace avouch::crypto
