#pragma once

#include <cstdint>
#include <optional>

#include "adapters/esapi_connection.h"
#include "base/bytes.h"

namespace avouch::adapters {

// The content of an NV index, or nothing where it is not defined or nobody may read it without a
// password. At most 16 KiB; a larger one is kRejected.
Result<std::optional<Bytes>> read_nv(const EsapiConnection& tpm, std::uint32_t index);

// The lowest NV indices in [first, last] that are defined, at most 64.
Result<std::vector<std::uint32_t>> nv_indices(const EsapiConnection& tpm, std::uint32_t first,
                                              std::uint32_t last);

}  // namespace avouch::adapters
