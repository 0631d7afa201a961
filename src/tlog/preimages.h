#pragma once

// Preimages and ids of 256 entries in one object, apart from the tree: "preimages/x001/x234/067".
// Byte layout in FORMAT.md. Erasing one changes no other and nothing of the tree.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tlog/store.h"

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

// As they are stored. kRejected, with the path: as parse_preimages(), or missing. Errors of the
// reader.
Result<std::vector<PreimageSlot>> fetch_preimages(TileReader& reader, std::uint64_t group);

// That the entry of index `by` erases the content of another.
struct Erasure {
  std::uint64_t index = 0, by = 0;
};

// What the entry is by which a slot was erased.
enum class ErasedBy { kErasure, kPruning };

// Leaves nothing of the slot but that it was erased, and by which entry: its id too may have been
// made from the content. A slot that was erased before stays as it is.
void erase_slot(PreimageSlot& slot, std::uint64_t by, ErasedBy kind = ErasedBy::kErasure);

// The entry that erased the slot; nothing where it is not erased, or does not say.
std::optional<std::uint64_t> erased_by(const PreimageSlot& slot);
// Whether that entry is a pruning (retention.h).
bool is_pruned(const PreimageSlot& slot);

// Erases what the store holds, durably. All of it has been put. Doing it again is harmless. Errors
// as of Store::put(); kFatal too where a group is missing, damaged or too short.
Result<void> erase_preimages(Store& store, std::span<const Erasure> erasures);

}  // namespace avouch::tlog
