#include "tpm/algorithms.h"

#include <cstdlib>

#include "base/hex.h"
#include "tpm/marshal.h"

namespace avouch::tpm {

std::optional<crypto::HashAlgorithm> hash_of(TPM2_ALG_ID id) {
  switch (id) {
    case TPM2_ALG_SHA1:
      return crypto::HashAlgorithm::kSha1;
    case TPM2_ALG_SHA256:
      return crypto::HashAlgorithm::kSha256;
    case TPM2_ALG_SHA384:
      return crypto::HashAlgorithm::kSha384;
    case TPM2_ALG_SHA512:
      return crypto::HashAlgorithm::kSha512;
    default:
      return std::nullopt;
  }
}

std::uint16_t algorithm_id(crypto::HashAlgorithm hash) {
  switch (hash) {
    case crypto::HashAlgorithm::kSha1:
      return TPM2_ALG_SHA1;
    case crypto::HashAlgorithm::kSha256:
      return TPM2_ALG_SHA256;
    case crypto::HashAlgorithm::kSha384:
      return TPM2_ALG_SHA384;
    case crypto::HashAlgorithm::kSha512:
      return TPM2_ALG_SHA512;
  }
  return TPM2_ALG_ERROR;
}

void silence_tss2_log() { setenv("TSS2_LOG", "all+NONE", 0); }

std::string hex_id(unsigned value) {
  Bytes bytes;
  append_be16(bytes, static_cast<std::uint16_t>(value));
  return "0x" + to_hex(bytes);
}

}  // namespace avouch::tpm
