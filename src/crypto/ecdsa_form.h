#pragma once

// ECDSA signatures between r || s (COSE, TPM) and DER (OpenSSL). Private to crypto/.

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::crypto {

// `raw` must be exactly 2 * `size` bytes; `size` at most 60, so that DER lengths are one byte.
Result<Bytes> ecdsa_raw_to_der(ByteView raw, std::size_t size);

// Strict DER of two INTEGERs that are positive and fit `size` bytes.
Result<Bytes> ecdsa_der_to_raw(ByteView der, std::size_t size);

}  // namespace avouch::crypto
