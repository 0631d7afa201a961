#pragma once

// Reads a whole log and holds all of it against one checkpoint: entries against the leaf hashes of
// their tiles, every tile against the one above it, the top against the root. What passes is, bit
// for bit, what the checkpoint's signer committed to; what does not is named where it lies.

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/retention.h"
#include "tlog/store.h"

namespace avouch::tlog {

struct Damage {
  std::string path;         // of the object, e.g. "tile/entries/x001/067"
  std::string what;         // with the index of the entry or hash, and what is at odds with it
  bool is_of_lost = false;  // FsckReport::lost
};

struct FsckOptions {
  // Also the preimages that lie beside the log: each of the log's own entries must have the one
  // that it commits to, unless an entry says that it was erased or pruned: then it must have none.
  // Clients over the network have none.
  bool preimages = false;
  // The reader has what is served: the walk begins at the minimum index, which an entry under the
  // checkpoint must say. A store has all of it.
  bool served = false;
  // The log is in use: what its store says was erased or pruned by an entry beyond the checkpoint
  // is no loss.
  bool in_use = false;
  std::size_t max_damages = 100;                       // more are only counted
  std::function<void(std::uint64_t entries)> checked;  // after each bundle; may be empty
  std::stop_token stop;                                // ends with kRetryable
};

struct FsckReport {
  std::uint64_t entries = 0, tiles = 0, bundles = 0, bytes = 0;  // read
  std::uint64_t preimages = 0;                                   // checked
  std::uint64_t erased = 0, pruned = 0;  // preimages that are gone, as an entry says
  // Preimages that are never pruned, and are gone where content was: the group of 256 that had them
  // could not be read by then, or was damaged since. One Damage for each such group.
  std::uint64_t lost = 0, groups_with_lost = 0;
  std::uint64_t minimum_index = 0;  // entries below were not read: they are not served
  // What all entries come to, where a store was read with its preimages: authoritative, whatever
  // the object of that name says.
  Retention retention{};
  std::uint64_t damage_count = 0;
  std::vector<Damage> damages;  // the first ones

  bool is_whole() const { return damage_count == 0; }
};

// Every object is read once, in order, but for what says where prunings are; memory: one tile a
// level, one bundle, and the indexes of what was erased. A missing, damaged or unreadable object is
// a Damage and does not end the walk, so that one report names all of them; the error of a reader
// that only failed for now (kRetryable) ends it and is returned.
Result<FsckReport> check_log(TileReader& reader, const VerifiedCheckpoint& checkpoint,
                             const FsckOptions& options);

}  // namespace avouch::tlog
