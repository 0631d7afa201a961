#pragma once

// The RFC 6962 Merkle tree (RFC 9162, 2.1): hashes and proofs. Pure functions, thread-safe.
//
// A node is named by its level (0: leaves) and its index in that level; it covers the leaves
// [index << level, (index + 1) << level). Only nodes that cover existing leaves alone are ever
// asked for: they never change while the log grows.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace avouch::tlog {

using Hash = crypto::Sha256;

Hash leaf_hash(ByteView entry);                       // SHA-256(00 || entry)
Hash node_hash(const Hash& left, const Hash& right);  // SHA-256(01 || left || right)
Hash empty_root();                                    // SHA-256("")

struct Node {
  unsigned level = 0;
  std::uint64_t index = 0;
  auto operator<=>(const Node&) const = default;
};

// Where proofs are made from. An error of the source is the caller's error.
using NodeSource = std::function<Result<Hash>(const Node&)>;

// Root of the first `size` leaves; empty_root() for 0.
Result<Hash> make_root(std::uint64_t size, const NodeSource& nodes);

// Inclusion of leaf `index` in the tree of `size` leaves, lowest sibling first.
// kRejected unless index < size.
Result<std::vector<Hash>> make_inclusion_proof(std::uint64_t index, std::uint64_t size,
                                               const NodeSource& nodes);

// Consistency of the trees of `old_size` and `new_size` leaves. Empty when old_size is 0 or equal
// to new_size. kRejected unless old_size <= new_size.
Result<std::vector<Hash>> make_consistency_proof(std::uint64_t old_size, std::uint64_t new_size,
                                                 const NodeSource& nodes);

// The root that `proof` leads to. kRejected for index >= size and for every proof length but the
// one that (index, size) has.
Result<Hash> root_from_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                                 std::span<const Hash> proof);

// kRejected unless `proof` leads from `leaf` to `root`.
Result<void> verify_inclusion(std::uint64_t index, std::uint64_t size, const Hash& leaf,
                              std::span<const Hash> proof, const Hash& root);

// kRejected unless the tree of `new_size` with `new_root` begins with the tree of `old_size` with
// `old_root`. Everything continues the empty tree, which proves nothing: from old_size 0 only
// new_size 0 is accepted (as transparency-dev/merkle decides it; callers treat 0 as no tree).
Result<void> verify_consistency(std::uint64_t old_size, const Hash& old_root,
                                std::uint64_t new_size, const Hash& new_root,
                                std::span<const Hash> proof);

}  // namespace avouch::tlog
