#pragma once

// Reading a log without trusting who serves it: checkpoint, entries and their proofs, through a
// TileReader. Every result has been verified up to a checkpoint that a known key signed.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/retention.h"
#include "tlog/store.h"
#include "tlog/tile.h"
#include "tlog/tree.h"

namespace avouch::tlog {

// Nodes of the tree of `size` leaves from tiles. Keeps the tiles that it has read: for one proof or
// a few, not for a walk over the log. `reader` outlives it. Not verified by themselves: verify what
// is made from them against a root.
NodeSource tile_nodes(TileReader& reader, std::uint64_t size);

// The bytes of a resource, or nothing if it is not there. A partial tile or bundle that is gone is
// cut from the full one. kRejected if that is malformed.
Result<std::optional<Bytes>> find_resource(TileReader& reader, const Resource& resource);

// kRetryable if the log has no checkpoint; kRejected as verify_checkpoint.
Result<VerifiedCheckpoint> fetch_checkpoint(TileReader& reader,
                                            std::span<const NoteVerifier> log_keys,
                                            std::string_view origin);

struct IncludedEntry {
  std::uint64_t index = 0;
  Bytes entry;
  Hash leaf{};
  std::vector<Hash> proof;  // verified: leads from `leaf` to the checkpoint's root
};

// Entry `index` and its inclusion in `checkpoint`. kRejected: index >= size; tiles or bundle that
// do not lead to the root.
Result<IncludedEntry> fetch_entry(TileReader& reader, const VerifiedCheckpoint& checkpoint,
                                  std::uint64_t index);

// Proof that `leaf` is entry `index` of `checkpoint`, for an entry that was had by other means:
// needs no bundle. kRejected as fetch_entry.
Result<std::vector<Hash>> fetch_inclusion(TileReader& reader, const VerifiedCheckpoint& checkpoint,
                                          std::uint64_t index, const Hash& leaf);

// Proof that `newer` continues `older`; empty for an empty older log, which all logs continue.
// kRejected if it does not: keep both notes, they prove it.
Result<std::vector<Hash>> fetch_consistency(TileReader& reader, const Checkpoint& older,
                                            const VerifiedCheckpoint& newer);

// Why that proof cannot be had from a tree of `size` on: what the log says of its retention, where
// it denies tiles of that tree's right edge; nothing where it denies none. Errors as of
// load_retention().
Result<std::optional<Retention>> find_denial(TileReader& reader, const VerifiedCheckpoint& newest,
                                             std::uint64_t size);

}  // namespace avouch::tlog
