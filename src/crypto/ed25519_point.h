#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::crypto {

// Refuses 32 bytes that are no sound Ed25519 public key: not the canonical encoding of a point on
// the curve (RFC 8032, 5.1.3), or a point of order 1, 2, 4 or 8, under which some signatures hold
// for any message. OpenSSL 3.0 checks the length only.
Result<void> check_ed25519_point(ByteView raw32);

}  // namespace avouch::crypto
