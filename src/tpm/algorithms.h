#pragma once

// TPM_ALG_ID to and from our enumerations. Private to tpm/.

#include <tss2/tss2_tpm2_types.h>

#include <optional>

#include "crypto/hash.h"
#include "tpm/types.h"

namespace avouch::tpm {

std::optional<crypto::HashAlgorithm> hash_of(TPM2_ALG_ID id);
std::string hex_id(unsigned value);  // "0x000b"

}  // namespace avouch::tpm
