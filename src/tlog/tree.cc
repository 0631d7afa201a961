#include "tlog/tree.h"

#include <bit>
#include <string>
#include <utility>

namespace avouch::tlog {
namespace {

// Largest power of two below n, for n >= 2.
std::uint64_t split_point(std::uint64_t n) { return std::bit_floor(n - 1); }

Result<Hash> range_hash(std::uint64_t begin, std::uint64_t end, const NodeSource& nodes) {
  const std::uint64_t count = end - begin;
  if (std::has_single_bit(count)) {
    const auto level = static_cast<unsigned>(std::countr_zero(count));
    return nodes(Node{level, begin >> level});
  }
  const std::uint64_t middle = begin + split_point(count);
  AVOUCH_TRY(const Hash left, range_hash(begin, middle, nodes));
  AVOUCH_TRY(const Hash right, range_hash(middle, end, nodes));
  return node_hash(left, right);
}

// RFC 9162, 2.1.3.1: PATH(index, D[begin:end]).
Result<void> inclusion_path(std::uint64_t index, std::uint64_t begin, std::uint64_t end,
                            const NodeSource& nodes, std::vector<Hash>& path) {
  if (end - begin == 1) return {};
  const std::uint64_t middle = begin + split_point(end - begin);
  if (index < middle) {
    AVOUCH_CHECK(inclusion_path(index, begin, middle, nodes, path));
    AVOUCH_TRY(const Hash sibling, range_hash(middle, end, nodes));
    path.push_back(sibling);
  } else {
    AVOUCH_CHECK(inclusion_path(index, middle, end, nodes, path));
    AVOUCH_TRY(const Hash sibling, range_hash(begin, middle, nodes));
    path.push_back(sibling);
  }
  return {};
}

// RFC 9162, 2.1.4.1: SUBPROOF(old_end, D[begin:end], old_is_whole).
Result<void> consistency_path(std::uint64_t old_end, std::uint64_t begin, std::uint64_t end,
                              bool old_is_whole, const NodeSource& nodes, std::vector<Hash>& path) {
  if (old_end == end) {
    if (!old_is_whole) {
      AVOUCH_TRY(const Hash hash, range_hash(begin, end, nodes));
      path.push_back(hash);
    }
    return {};
  }
  const std::uint64_t middle = begin + split_point(end - begin);
  if (old_end <= middle) {
    AVOUCH_CHECK(consistency_path(old_end, begin, middle, old_is_whole, nodes, path));
    AVOUCH_TRY(const Hash sibling, range_hash(middle, end, nodes));
    path.push_back(sibling);
  } else {
    AVOUCH_CHECK(consistency_path(old_end, middle, end, false, nodes, path));
    AVOUCH_TRY(const Hash sibling, range_hash(begin, middle, nodes));
    path.push_back(sibling);
  }
  return {};
}

// How a path from a leaf to the root goes: `inner` steps on which the sibling may be on either
// side, then `border` steps up the right edge, where it is on the left.
struct PathShape {
  unsigned inner = 0;
  unsigned border = 0;
};

PathShape shape_of(std::uint64_t index, std::uint64_t size) {
  const auto inner = static_cast<unsigned>(std::bit_width(index ^ (size - 1)));
  const auto border = inner >= 64 ? 0U : static_cast<unsigned>(std::popcount(index >> inner));
  return {inner, border};
}

Hash climb_inner(Hash hash, std::span<const Hash> siblings, std::uint64_t index) {
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    hash = ((index >> i) & 1U) == 0 ? node_hash(hash, siblings[i]) : node_hash(siblings[i], hash);
  }
  return hash;
}

Hash climb_inner_left_only(Hash hash, std::span<const Hash> siblings, std::uint64_t index) {
  for (std::size_t i = 0; i < siblings.size(); ++i) {
    if (((index >> i) & 1U) == 1) hash = node_hash(siblings[i], hash);
  }
  return hash;
}

Hash climb_border(Hash hash, std::span<const Hash> siblings) {
  for (const Hash& sibling : siblings) hash = node_hash(sibling, hash);
  return hash;
}

Error wrong_length(std::size_t have, std::size_t want) {
  return rejected("proof has " + std::to_string(have) + " hashes, expected " +
                  std::to_string(want));
}

}  // namespace

Hash leaf_hash(ByteView entry) { return crypto::sha256_of_two(0, entry, {}); }

Hash node_hash(const Hash& left, const Hash& right) {
  return crypto::sha256_of_two(1, left, right);
}

Hash empty_root() { return crypto::sha256(ByteView{}); }

Result<Hash> make_root(std::uint64_t size, const NodeSource& nodes) {
  if (size == 0) return empty_root();
  return range_hash(0, size, nodes);
}

Result<std::vector<Hash>> make_inclusion_proof(std::uint64_t index, std::uint64_t size,
                                               const NodeSource& nodes) {
  if (index >= size) {
    return rejected("index " + std::to_string(index) + " is not in a tree of size " +
                    std::to_string(size));
  }
  std::vector<Hash> path;
  AVOUCH_CHECK(inclusion_path(index, 0, size, nodes, path));
  return path;
}

Result<std::vector<Hash>> make_consistency_proof(std::uint64_t old_size, std::uint64_t new_size,
                                                 const NodeSource& nodes) {
  if (old_size > new_size) {
    return rejected("no tree of size " + std::to_string(new_size) + " continues one of size " +
                    std::to_string(old_size));
  }
  std::vector<Hash> path;
  if (old_size == 0) return path;
  AVOUCH_CHECK(consistency_path(old_size, 0, new_size, true, nodes, path));
  return path;
}

Result<Hash> root_from_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                                 std::span<const Hash> proof) {
  if (index >= size) {
    return rejected("index " + std::to_string(index) + " is not in a tree of size " +
                    std::to_string(size));
  }
  const PathShape shape = shape_of(index, size);
  if (proof.size() != shape.inner + shape.border) {
    return wrong_length(proof.size(), shape.inner + shape.border);
  }
  const Hash inner = climb_inner(leaf, proof.first(shape.inner), index);
  return climb_border(inner, proof.subspan(shape.inner));
}

Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                              std::span<const Hash> proof, const Hash& root) {
  AVOUCH_TRY(const Hash reached, root_from_inclusion(index, size, leaf, proof));
  if (reached != root) return rejected("inclusion proof does not lead to the root");
  return {};
}

Result<void> verify_consistency(std::uint64_t old_size, const Hash& old_root,
                                std::uint64_t new_size, const Hash& new_root,
                                std::span<const Hash> proof) {
  if (old_size > new_size) return rejected("the older tree is larger than the newer one");
  if (old_size == new_size) {
    if (!proof.empty()) return wrong_length(proof.size(), 0);
    if (old_root != new_root) return rejected("two trees of one size have different roots");
    if (old_size == 0 && old_root != empty_root()) {
      return rejected("the empty tree has another root");
    }
    return {};
  }
  if (old_size == 0) return rejected("consistency with the empty tree proves nothing");

  // The old tree's last complete subtree is where both paths start; if it is the whole old tree,
  // its hash is known and not in the proof.
  const auto shift = static_cast<unsigned>(std::countr_zero(old_size));
  PathShape shape = shape_of(old_size - 1, new_size);
  shape.inner -= shift;
  const bool starts_at_root = std::has_single_bit(old_size);
  const std::size_t want = (starts_at_root ? 0U : 1U) + shape.inner + shape.border;
  if (proof.size() != want) return wrong_length(proof.size(), want);

  const Hash seed = starts_at_root ? old_root : proof.front();
  if (!starts_at_root) proof = proof.subspan(1);
  const std::span<const Hash> inner = proof.first(shape.inner);
  const std::span<const Hash> border = proof.subspan(shape.inner);
  const std::uint64_t turns = (old_size - 1) >> shift;

  if (climb_border(climb_inner_left_only(seed, inner, turns), border) != old_root) {
    return rejected("consistency proof does not lead to the older root");
  }
  if (climb_border(climb_inner(seed, inner, turns), border) != new_root) {
    return rejected("consistency proof does not lead to the newer root");
  }
  return {};
}

}  // namespace avouch::tlog
