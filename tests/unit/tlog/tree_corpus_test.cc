// The proof vectors of transparency-dev, where the shared folder lies beside the checkout.

#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>

#include "codec/base64.h"
#include "tests/support/paths.h"
#include "tlog/tree.h"

namespace avouch::tlog {
namespace {

// The value of a member in one line of JSON whose shape is known.
std::string member(const std::string& line, const std::string& name) {
  const std::string key = "\"" + name + "\": ";
  const auto begin = line.find(key);
  if (begin == std::string::npos) return "";
  const auto value = begin + key.size();
  const char close = line[value] == '[' ? ']' : line[value] == '"' ? '"' : ',';
  const auto end = line.find_first_of(close == ',' ? ",}" : std::string(1, close), value + 1);
  const std::size_t skip = close == ',' ? 0 : 1;
  return line.substr(value + skip, end - value - skip);
}

// Nothing if it is no 32-byte hash.
std::optional<Hash> to_hash(const std::string& base64) {
  const auto bytes = codec::from_base64(base64);
  Hash hash{};
  if (!bytes.has_value() || bytes->size() != hash.size()) return {};
  std::copy(bytes->begin(), bytes->end(), hash.begin());
  return hash;
}

// Roots of other lengths stand for "whatever": only whether two are equal counts.
Hash to_root(const std::string& base64) {
  return to_hash(base64).value_or(leaf_hash(as_bytes(base64)));
}

std::optional<std::vector<Hash>> to_proof(const std::string& list) {
  std::vector<Hash> proof;
  for (auto begin = list.find('"'); begin != std::string::npos;) {
    const auto end = list.find('"', begin + 1);
    const auto hash = to_hash(list.substr(begin + 1, end - begin - 1));
    if (!hash) return {};
    proof.push_back(*hash);
    begin = list.find('"', end + 1);
  }
  return proof;
}

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream in(testing::shared_dir() / "vectors/merkle" / file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// One test a line of the file; none where the file is not there.
class TransparencyDevInclusion : public ::testing::TestWithParam<std::string> {};
class TransparencyDevConsistency : public ::testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransparencyDevInclusion);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransparencyDevConsistency);

TEST_P(TransparencyDevInclusion, ProofIsJudgedAlike) {
  const std::string& line = GetParam();
  const auto root = to_hash(member(line, "root")), leaf = to_hash(member(line, "leafHash"));
  const auto proof = to_proof(member(line, "proof"));
  const bool holds = root && leaf && proof &&
                     verify_inclusion(std::stoull(member(line, "leafIdx")),
                                      std::stoull(member(line, "treeSize")), *leaf, *proof, *root)
                         .has_value();
  EXPECT_EQ(holds, member(line, "wantErr") == "false");
}

TEST_P(TransparencyDevConsistency, ProofIsJudgedAlike) {
  const std::string& line = GetParam();
  const Hash root1 = to_root(member(line, "root1")), root2 = to_root(member(line, "root2"));
  const auto proof = to_proof(member(line, "proof"));
  const bool holds = proof && verify_consistency(std::stoull(member(line, "size1")), root1,
                                                 std::stoull(member(line, "size2")), root2, *proof)
                                  .has_value();
  EXPECT_EQ(holds, member(line, "wantErr") == "false");
}

INSTANTIATE_TEST_SUITE_P(Line, TransparencyDevInclusion,
                         ::testing::ValuesIn(lines_of("inclusion.jsonl")));
INSTANTIATE_TEST_SUITE_P(Line, TransparencyDevConsistency,
                         ::testing::ValuesIn(lines_of("consistency.jsonl")));

}  // namespace
}  // namespace avouch::tlog
