#pragma once

// Preimages and ids of 256 entries in one object, apart from the tree: "preimages/x001/x234/067".
// Byte layout in FORMAT.md. Erasing one changes no other and nothing of the tree.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::tlog {

// Where they are, apart from what is served.
inline constexpr std::string_view kPreimagesPrefix = "preimages/";

// Of one stored object: above any bundle or group of preimages.
inline constexpr std::size_t kMaxStoredObjectBytes = 32 * 1024 * 1024;

inline constexpr std::size_t kMaxIdBytes = 128;

struct PreimageSlot {
  bool erased = false;
  Bytes preimage;  // empty if erased
  std::string id;
  bool operator==(const PreimageSlot&) const = default;
};

std::string preimages_path(std::uint64_t group);  // group = index / 256

// At most 256 slots.
Bytes format_preimages(std::uint64_t group, const std::vector<PreimageSlot>& slots);

// kRejected: damaged (its digest), another group, or too many slots.
Result<std::vector<PreimageSlot>> parse_preimages(std::uint64_t group, ByteView bytes);

}  // namespace avouch::tlog
