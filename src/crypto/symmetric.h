#pragma once

// What TPM credentials need besides signatures: HMAC over any digest, and AES in CFB mode.

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace avouch::crypto {

Bytes hmac(HashAlgorithm algorithm, ByteView key, ByteView data);

// AES with 128-bit feedback (CFB128), zero IV: only for keys that encrypt one message in their
// life, as those of TPM2_MakeCredential do. `key` has 16 or 32 bytes; kRejected otherwise.
Result<Bytes> aes_cfb_encrypt(ByteView key, ByteView plaintext);
Result<Bytes> aes_cfb_decrypt(ByteView key, ByteView ciphertext);

}  // namespace avouch::crypto
