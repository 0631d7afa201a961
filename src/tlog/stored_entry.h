#pragma once

// One entry of a stored log with what is kept beside it.

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/retention.h"
#include "tlog/store.h"

namespace avouch::tlog {

struct StoredEntry {
  std::uint64_t index = 0;
  Bytes entry;
  Bytes preimage;  // empty if there was none, or it was erased
  std::string id;
  std::optional<std::uint64_t> erased_by;  // the entry by which preimage and id were erased
  bool is_pruned = false;                  // that entry is a pruning
};

// Entry `index`, below the size of `at`, whose root it is held against. kFatal for damage.
Result<StoredEntry> read_stored_entry(TileReader& store, const VerifiedCheckpoint& at,
                                      const Retention& retention, std::uint64_t index);

}  // namespace avouch::tlog
