#include "tlog/tree.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/hex.h"
#include "support/log_vectors.h"
#include "support/plain_tree.h"

namespace avouch::tlog {
namespace {

using testing::LogVectors;
using testing::number_tree;
using testing::PlainTree;

const LogVectors& tree_vectors() {
  static const LogVectors all("tree.txt");
  return all;
}

PlainTree ct_tree() {
  PlainTree tree;
  for (const char* hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                          "606162636465666768696a6b6c6d6e6f"}) {
    tree.push_entry(from_hex(hex).value());
  }
  return tree;
}

struct Name {
  std::string what;
  std::uint64_t first = 0, second = 0;
};
Name split(const std::string& name) {
  std::istringstream in(name);
  Name out;
  in >> out.what >> out.first >> out.second;
  return out;
}

TEST(Tree, HasTheRootOfNothingThatTheRfcNames) {
  EXPECT_EQ(to_hex(empty_root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Tree, AgreesWithAnIndependentComputation) {
  const PlainTree ct = ct_tree();
  const PlainTree numbers = number_tree(70'000);
  std::size_t checked = 0;
  for (const auto& [name, value] : tree_vectors().all()) {
    const auto [what, first, second] = split(name);
    const PlainTree& tree = what.starts_with("ct-") ? ct : numbers;
    if (what.ends_with("root")) {
      EXPECT_EQ(tree.root(first), LogVectors::to_hash(value)) << name;
    } else if (what.ends_with("inclusion")) {
      EXPECT_EQ(make_inclusion_proof(first, second, tree.source()).value(),
                LogVectors::to_hashes(value))
          << name;
    } else {
      ASSERT_TRUE(what.ends_with("consistency")) << name;
      EXPECT_EQ(make_consistency_proof(first, second, tree.source()).value(),
                LogVectors::to_hashes(value))
          << name;
    }
    ++checked;
  }
  EXPECT_EQ(checked, 9U + 36U + 36U + 12U + 6U + 5U);
}

TEST(InclusionProof, HoldsForEveryLeafOfEveryTreeToSize64) {
  const PlainTree tree = number_tree(64);
  for (std::uint64_t size = 1; size <= 64; ++size) {
    const Hash root = tree.root(size);
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto proof = make_inclusion_proof(index, size, tree.source()).value();
      EXPECT_TRUE(verify_inclusion(index, size, tree.leaf(index), proof, root).has_value())
          << index << " " << size;
      // At every other index and in every other tree it leads elsewhere or has a wrong length.
      for (std::uint64_t other = 0; other < size; ++other) {
        if (other == index) continue;
        EXPECT_FALSE(verify_inclusion(other, size, tree.leaf(index), proof, root).has_value());
        EXPECT_FALSE(verify_inclusion(index, size, tree.leaf(other), proof, root).has_value());
      }
    }
  }
}

TEST(InclusionProof, RefusesEveryWrongLength) {
  const PlainTree tree = number_tree(64);
  for (std::uint64_t size = 1; size <= 64; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto right = make_inclusion_proof(index, size, tree.source()).value();
      for (std::size_t length = 0; length <= right.size() + 2; ++length) {
        std::vector<Hash> proof = right;
        proof.resize(length);
        EXPECT_EQ(root_from_inclusion(index, size, tree.leaf(index), proof).has_value(),
                  length == right.size())
            << index << " " << size << " " << length;
      }
    }
  }
}

TEST(InclusionProof, RefusesEveryFlippedBit) {
  const PlainTree tree = number_tree(13);
  for (std::uint64_t index = 0; index < 13; ++index) {
    const auto right = make_inclusion_proof(index, 13, tree.source()).value();
    for (std::size_t hash = 0; hash < right.size(); ++hash) {
      for (std::size_t bit = 0; bit < 256; ++bit) {
        std::vector<Hash> proof = right;
        proof[hash][bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        EXPECT_FALSE(
            verify_inclusion(index, 13, tree.leaf(index), proof, tree.root(13)).has_value());
      }
    }
  }
}

TEST(InclusionProof, RefusesAnIndexOutsideTheTree) {
  const PlainTree tree = number_tree(4);
  for (const std::uint64_t index : {4ULL, 5ULL, ~0ULL}) {
    EXPECT_FALSE(make_inclusion_proof(index, 4, tree.source()).has_value());
    EXPECT_FALSE(verify_inclusion(index, 4, tree.leaf(0), {}, tree.root(4)).has_value());
  }
  EXPECT_FALSE(verify_inclusion(0, 0, tree.leaf(0), {}, empty_root()).has_value());
}

TEST(InclusionProof, IsDefinedForTheLargestTree) {
  const Hash leaf = leaf_hash({});
  const std::uint64_t size = ~0ULL;
  for (const std::uint64_t index : {std::uint64_t{0}, size / 2, size - 1}) {
    std::size_t accepted = 0;
    for (std::size_t length = 0; length <= 65; ++length) {
      const std::vector<Hash> proof(length, leaf);
      if (root_from_inclusion(index, size, leaf, proof).has_value()) ++accepted;
    }
    EXPECT_EQ(accepted, 1U) << index;
  }
}

TEST(ConsistencyProof, HoldsForEveryPairOfTreesToSize64) {
  const PlainTree tree = number_tree(64);
  for (std::uint64_t newer = 0; newer <= 64; ++newer) {
    for (std::uint64_t older = 0; older <= newer; ++older) {
      const auto proof = make_consistency_proof(older, newer, tree.source()).value();
      EXPECT_EQ(
          verify_consistency(older, tree.root(older), newer, tree.root(newer), proof).has_value(),
          older > 0 || newer == 0)
          << older << " " << newer;
      EXPECT_TRUE(proof.empty() || (older > 0 && older < newer));
    }
  }
}

TEST(ConsistencyProof, RefusesEveryWrongLengthAndEveryWrongRoot) {
  const PlainTree tree = number_tree(64);
  const Hash wrong = leaf_hash(as_bytes("wrong"));
  for (std::uint64_t newer = 0; newer <= 64; ++newer) {
    for (std::uint64_t older = 0; older <= newer; ++older) {
      const auto right = make_consistency_proof(older, newer, tree.source()).value();
      const Hash old_root = tree.root(older), new_root = tree.root(newer);
      for (std::size_t length = 0; length <= right.size() + 2; ++length) {
        if (length == right.size()) continue;
        std::vector<Hash> proof = right;
        proof.resize(length);
        EXPECT_FALSE(verify_consistency(older, old_root, newer, new_root, proof).has_value())
            << older << " " << newer << " " << length;
      }
      EXPECT_FALSE(verify_consistency(older, wrong, newer, new_root, right).has_value());
      EXPECT_FALSE(verify_consistency(older, old_root, newer, wrong, right).has_value());
    }
  }
}

TEST(ConsistencyProof, RefusesAnotherOlderSize) {
  const PlainTree tree = number_tree(64);
  for (std::uint64_t newer = 2; newer <= 64; ++newer) {
    for (std::uint64_t older = 1; older < newer; ++older) {
      const auto proof = make_consistency_proof(older, newer, tree.source()).value();
      for (std::uint64_t other = 0; other <= newer; ++other) {
        if (other == older) continue;
        EXPECT_FALSE(
            verify_consistency(other, tree.root(older), newer, tree.root(newer), proof).has_value())
            << older << " " << other << " " << newer;
      }
    }
  }
}

TEST(ConsistencyProof, RefusesATreeThatShrank) {
  const PlainTree tree = number_tree(8);
  EXPECT_FALSE(make_consistency_proof(8, 7, tree.source()).has_value());
  EXPECT_FALSE(verify_consistency(8, tree.root(8), 7, tree.root(7), {}).has_value());
}

TEST(Proofs, PassOnTheErrorOfTheirSource) {
  const NodeSource broken = [](const Node&) -> Result<Hash> { return retryable("no disk"); };
  EXPECT_EQ(make_root(3, broken).error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(make_inclusion_proof(1, 3, broken).error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(make_consistency_proof(1, 3, broken).error().kind, ErrorKind::kRetryable);
}

}  // namespace
}  // namespace avouch::tlog
