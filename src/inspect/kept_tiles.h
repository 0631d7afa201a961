#pragma once

// Tiles of hashes that the proofs of many entries share, asked for once.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tlog/store.h"

namespace avouch::inspect {

// For one run against a log that only grows. Keeps tiles, and that a part of one is gone (the whole
// tile is asked for then); checkpoints and bundles pass through. Nothing is verified here. Not
// thread-safe. The log must outlive it.
class KeptTiles final : public tlog::TileReader {
 public:
  static constexpr std::size_t kMost = 1'024;  // of 8 KiB at most; the oldest goes first

  explicit KeptTiles(tlog::TileReader& log) : log_(log) {}

  Result<std::optional<Bytes>> fetch(std::string_view path) override;

 private:
  tlog::TileReader& log_;
  std::map<std::string, std::optional<Bytes>, std::less<>> kept_;
  std::deque<std::string> order_;
};

}  // namespace avouch::inspect
