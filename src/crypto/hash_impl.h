#pragma once

// OpenSSL's digest objects, fetched once. Private to crypto/.

#include <openssl/evp.h>

#include "crypto/hash.h"

namespace avouch::crypto {

// Never null; lives until the process ends.
const EVP_MD* digest_method(HashAlgorithm algorithm);

}  // namespace avouch::crypto
