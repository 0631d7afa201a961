#pragma once

// Entry bundles of C2SP tlog-tiles: (u16be length || entry)*, 256 entries when full.

#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::tlog {

inline constexpr std::size_t kMaxEntryBytes = 65'535;

// kRejected if `entry` is larger than kMaxEntryBytes; nothing is appended then.
Result<void> append_to_bundle(Bytes& bundle, ByteView entry);

// Exactly `width` entries and no trailing bytes, else kRejected with the offset.
Result<std::vector<Bytes>> parse_bundle(ByteView bundle, unsigned width);

// The first `width` entries of a bundle that has at least as many.
Result<Bytes> bundle_prefix(ByteView bundle, unsigned width);

}  // namespace avouch::tlog
