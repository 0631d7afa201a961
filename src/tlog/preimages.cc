#include "tlog/preimages.h"

#include <charconv>
#include <map>

#include "crypto/hash.h"
#include "tlog/entry.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

constexpr std::string_view kPreimagesMagic = "avouch-preimage\n";
constexpr std::uint8_t kPresent = 1, kErased = 2;
constexpr std::size_t kBodyDigestBytes = 32;
constexpr std::string_view kErasureId = "erasure/", kPruningId = "pruning/";

Result<PreimageSlot> read_slot(ByteReader& reader) {
  PreimageSlot slot;
  AVOUCH_TRY(const std::uint8_t state, reader.u8("preimages: state"));
  if (state != kPresent && state != kErased) {
    return rejected("preimages: a slot has state " + std::to_string(state) + ", expected 1 or 2");
  }
  slot.erased = state == kErased;
  AVOUCH_TRY(const std::uint16_t id_length, reader.be16("preimages: length of an id"));
  AVOUCH_TRY(const ByteView id, reader.take(id_length, "preimages: id"));
  slot.id = std::string(as_text(id));
  AVOUCH_TRY(const std::uint32_t length, reader.be32("preimages: length"));
  AVOUCH_TRY(const ByteView preimage, reader.take(length, "preimages: preimage"));
  slot.preimage.assign(preimage.begin(), preimage.end());
  if (id_length > kMaxIdBytes || length > kMaxPreimageBytes || (slot.erased && length > 0)) {
    return rejected("preimages: a slot is larger than it may be");
  }
  return slot;
}

}  // namespace

std::string preimages_path(std::uint64_t group) {
  return std::string(kPreimagesPrefix) + index_path(group);
}

Bytes format_preimages(std::uint64_t group, const std::vector<PreimageSlot>& slots) {
  Bytes out = to_bytes(kPreimagesMagic);
  append_be64(out, group);
  append_be16(out, static_cast<std::uint16_t>(slots.size()));
  for (const PreimageSlot& slot : slots) {
    append_u8(out, slot.erased ? kErased : kPresent);
    append_be16(out, static_cast<std::uint16_t>(slot.id.size()));
    append(out, slot.id);
    append_be32(out, static_cast<std::uint32_t>(slot.preimage.size()));
    append(out, slot.preimage);
  }
  const crypto::Sha256 digest = crypto::sha256(out);
  append(out, digest);
  return out;
}

Result<std::vector<PreimageSlot>> parse_preimages(std::uint64_t group, ByteView bytes) {
  if (bytes.size() < kPreimagesMagic.size() + kBodyDigestBytes)
    return rejected("preimages: too short");
  const ByteView body = bytes.first(bytes.size() - kBodyDigestBytes);
  if (!equal(crypto::sha256(body), bytes.last(kBodyDigestBytes))) {
    return rejected("preimages: damaged, the digest at the end does not match");
  }
  ByteReader reader(body);
  AVOUCH_TRY(const ByteView magic, reader.take(kPreimagesMagic.size(), "preimages: magic"));
  if (as_text(magic) != kPreimagesMagic)
    return rejected("preimages: not a preimages object of format 1");
  AVOUCH_TRY(const std::uint64_t stored_group, reader.be64("preimages: group"));
  if (stored_group != group) {
    return rejected("preimages: of group " + std::to_string(stored_group) + ", expected " +
                    std::to_string(group));
  }
  AVOUCH_TRY(const std::uint16_t count, reader.be16("preimages: count"));
  if (count > kTileWidth) return rejected("preimages: more than 256 slots");
  std::vector<PreimageSlot> slots;
  for (unsigned i = 0; i < count; ++i) {
    AVOUCH_TRY(PreimageSlot slot, read_slot(reader));
    slots.push_back(std::move(slot));
  }
  AVOUCH_CHECK(reader.expect_end("preimages"));
  return slots;
}

Result<std::vector<PreimageSlot>> fetch_preimages(TileReader& reader, std::uint64_t group) {
  const std::string path = preimages_path(group);
  AVOUCH_TRY(const std::optional<Bytes> bytes, reader.fetch(path));
  if (!bytes) return rejected(path + ": is missing");
  auto slots = parse_preimages(group, *bytes);
  if (!slots.has_value()) return with_context(std::move(slots).error(), path);
  return slots;
}

void erase_slot(PreimageSlot& slot, std::uint64_t by, ErasedBy kind) {
  const std::string_view prefix = kind == ErasedBy::kErasure ? kErasureId : kPruningId;
  if (!slot.erased) slot = {true, {}, std::string(prefix) + std::to_string(by)};
}

bool is_pruned(const PreimageSlot& slot) { return slot.erased && slot.id.starts_with(kPruningId); }

std::optional<std::uint64_t> erased_by(const PreimageSlot& slot) {
  static_assert(kErasureId.size() == kPruningId.size());
  if (!is_pruned(slot) && !(slot.erased && slot.id.starts_with(kErasureId))) return {};
  std::uint64_t by = 0;
  const char* const end = slot.id.data() + slot.id.size();
  const auto [read, failure] = std::from_chars(slot.id.data() + kErasureId.size(), end, by);
  if (failure != std::errc() || read != end) return {};
  return by;
}

Result<void> erase_preimages(Store& store, std::span<const Erasure> erasures) {
  std::map<std::uint64_t, std::vector<Erasure>> groups;
  for (const Erasure& each : erasures) groups[each.index / kTileWidth].push_back(each);
  for (const auto& [group, all] : groups) {
    const std::string path = preimages_path(group);
    AVOUCH_TRY(const std::optional<Bytes> bytes, store.fetch(path));
    if (!bytes) return fatal("log: " + path + " is missing");
    auto slots = parse_preimages(group, *bytes);
    if (!slots.has_value()) return fatal("log: " + path + ": " + slots.error().message);
    for (const Erasure& each : all) {
      if (slots->size() <= each.index % kTileWidth) return fatal("log: " + path + " is too short");
      erase_slot((*slots)[each.index % kTileWidth], each.by);
    }
    // Where nothing changes too: what was put before an interruption may not be durable.
    const Object object{path, format_preimages(group, *slots), true, true};
    AVOUCH_CHECK(store.put(std::span(&object, 1)));
  }
  return {};
}

}  // namespace avouch::tlog
