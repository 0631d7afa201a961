#pragma once

// A Merkle tree in memory, computed level by level: a second way to the same hashes.

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "tlog/tree.h"

namespace avouch::testing {

class PlainTree {
 public:
  void push(const tlog::Hash& leaf) {
    tlog::Hash hash = leaf;
    for (std::size_t level = 0;; ++level) {
      if (level == levels_.size()) levels_.emplace_back();
      levels_[level].push_back(hash);
      const std::size_t count = levels_[level].size();
      if (count % 2 != 0) return;
      hash = tlog::node_hash(levels_[level][count - 2], levels_[level][count - 1]);
    }
  }
  void push_entry(ByteView entry) { push(tlog::leaf_hash(entry)); }

  std::uint64_t size() const { return levels_.empty() ? 0 : levels_[0].size(); }
  const tlog::Hash& leaf(std::uint64_t index) const { return levels_[0][index]; }
  const tlog::Hash& node(unsigned level, std::uint64_t index) const {
    return levels_.at(level).at(index);
  }

  tlog::NodeSource source() const {
    return [this](const tlog::Node& node) -> Result<tlog::Hash> {
      if (node.level >= levels_.size() || node.index >= levels_[node.level].size()) {
        return rejected("no such node");
      }
      return levels_[node.level][node.index];
    };
  }
  tlog::Hash root(std::uint64_t size) const { return tlog::make_root(size, source()).value(); }

 private:
  std::vector<std::vector<tlog::Hash>> levels_;
};

// A tree of `size` leaves; leaf i is the big-endian 32-bit number i.
inline PlainTree number_tree(std::uint64_t size) {
  PlainTree tree;
  for (std::uint64_t i = 0; i < size; ++i) {
    Bytes entry;
    append_be32(entry, static_cast<std::uint32_t>(i));
    tree.push_entry(entry);
  }
  return tree;
}

}  // namespace avouch::testing
