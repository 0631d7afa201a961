#pragma once

// Turns sequenced records into the objects that a store holds for them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tlog/edge.h"
#include "tlog/preimages.h"
#include "tlog/retention.h"
#include "tlog/store.h"
#include "tlog/tree.h"

namespace avouch::tlog {

// One owner; not thread-safe. Memory: the right edge, the unfinished bundle and group of preimages,
// and what was finished since the last take_objects().
class Builder {
 public:
  Builder() = default;

  // The builder of the log that `reader` holds at `size` entries, whose root must be `root`. Also
  // checks the last bundle against its leaf hashes. kFatal for anything missing or damaged.
  static Result<Builder> load(std::uint64_t size, const Hash& root, TileReader& reader);

  std::uint64_t size() const { return edge_.size(); }
  Hash root() const { return edge_.root(); }

  // `record.index` must be size(), its entry at most 65,535 bytes, and `leaf` its leaf hash.
  void push(const Record& record, const Hash& leaf);

  // All tiles, bundles and preimages that a log of size() has and one of the size at the last call
  // (or at load()) had not, the partial ones among them.
  std::vector<Object> take_objects();

  // What entries since the last call erase: erase_preimages(), after those objects have been put.
  std::vector<Erasure> take_erasures();

  // Whose log the last entry closes (shard.h); nothing where it closes none.
  const std::optional<std::string>& closes_log() const { return closes_log_; }

  // Entries since the last call that may be about retention.
  std::vector<Record> take_of_retention();

 private:
  RightEdge edge_;
  std::uint64_t taken_size_ = 0;
  Bytes bundle_;
  std::vector<PreimageSlot> preimages_;
  std::vector<Object> full_;
  std::vector<Erasure> erasures_;
  std::vector<Record> of_retention_;
  std::optional<std::string> closes_log_;
};

}  // namespace avouch::tlog
