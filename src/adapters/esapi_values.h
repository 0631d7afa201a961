#pragma once

// Between our bytes and tpm2-tss's structures.

#include <tss2/tss2_tpm2_types.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "tpm/types.h"

namespace avouch::adapters {

// TPM2B_PUBLIC, with its size; kRejected for anything else.
Result<TPM2B_PUBLIC> to_tss_public(ByteView bytes);
Result<Bytes> from_tss_public(const TPM2B_PUBLIC& area);

// A TPMT_PUBLIC as an NV index holds it: without a size, and with nothing behind it but padding of
// zeros or ones.
Result<TPM2B_PUBLIC> from_nv_template(ByteView content);

// A TPM2B with `buffer` and `size`, from bytes without a size.
template <typename Sized>
Result<Sized> to_sized(ByteView bytes, std::string_view what) {
  Sized out{};
  if (bytes.size() > sizeof(out.buffer)) {
    return rejected(std::string(what) + ": " + std::to_string(bytes.size()) +
                    " bytes, expected at most " + std::to_string(sizeof(out.buffer)));
  }
  out.size = static_cast<UINT16>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.buffer);
  return out;
}

// The content after a u16 size that must be exactly the rest.
Result<ByteView> unsized(ByteView bytes, std::string_view what);

TPML_PCR_SELECTION to_tss_selection(const tpm::PcrSelection& selection);
std::optional<crypto::HashAlgorithm> bank_of(TPM2_ALG_ID id);

}  // namespace avouch::adapters
