#include "tlog/log_proof.h"

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "support/plain_tree.h"
#include "tlog/checkpoint.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using testing::PlainTree;

class LogProofTest : public ::testing::Test {
 protected:
  LogProofTest() {
    for (std::uint64_t i = 0; i < 40; ++i) tree_.push_entry(entry(i));
  }

  static Bytes entry(std::uint64_t index) { return to_bytes("entry " + std::to_string(index)); }

  LogProof proof(std::uint64_t index, std::uint64_t size) const {
    const std::string text = format_checkpoint({kOrigin, size, tree_.root(size), {}}).value();
    LogProof made{entry(index), index, make_inclusion_proof(index, size, tree_.source()).value(),
                  sign_note(text, std::span(&log_, 1)).value()};
    made.note += witness_.cosign(text, 77).value();
    return made;
  }

  auto verify(const LogProof& proof, const LogPolicy* policy = nullptr) const {
    return verify_log_proof(proof, leaf_hash(proof.extra.value_or(Bytes())),
                            std::span(&log_.verifier(), 1), kOrigin, policy);
  }

  static crypto::PrivateKey any_key() {
    return crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  }

  NoteSigner log_ = NoteSigner::make(kOrigin, any_key()).value();
  Cosigner witness_ = Cosigner::make("witness.example", any_key()).value();
  PlainTree tree_;
};

TEST_F(LogProofTest, OfEveryEntryOfEverySizeTo40Verifies) {
  for (std::uint64_t size = 1; size <= 40; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const LogProof made = proof(index, size);
      const auto read = parse_log_proof(format_log_proof(made));
      ASSERT_TRUE(read.has_value()) << read.error().message;
      EXPECT_EQ(*read, made);
      ASSERT_TRUE(verify(*read).has_value());
      EXPECT_EQ(verify(*read)->checkpoint.size(), size);
    }
  }
}

TEST_F(LogProofTest, HasTheFormOfTheSpecification) {
  LogProof made = proof(1, 2);
  made.extra = to_bytes("x");
  EXPECT_EQ(format_log_proof(made), "c2sp.org/tlog-proof@v1\nextra eA==\nindex 1\n" +
                                        codec::to_base64(made.path[0]) + "\n\n" + made.note);
  made.extra.reset();
  EXPECT_TRUE(format_log_proof(made).starts_with("c2sp.org/tlog-proof@v1\nindex 1\n"));
  EXPECT_EQ(parse_log_proof(format_log_proof(made)).value(), made);
}

TEST_F(LogProofTest, OfAnotherEntryPlaceLogOrKeyFails) {
  const LogProof good = proof(5, 33);
  LogProof changed = good;
  changed.extra = entry(6);
  EXPECT_FALSE(verify(changed).has_value());
  changed = good;
  changed.index = 6;
  EXPECT_FALSE(verify(changed).has_value());
  changed = good;
  changed.index = 33;
  EXPECT_FALSE(verify(changed).has_value());
  for (std::size_t i = 0; i < good.path.size(); ++i) {
    changed = good;
    changed.path[i][31] ^= 1;
    EXPECT_FALSE(verify(changed).has_value()) << i;
  }
  changed = good;
  changed.path.pop_back();
  EXPECT_FALSE(verify(changed).has_value());
  const Hash leaf = leaf_hash(*good.extra);
  EXPECT_FALSE(
      verify_log_proof(good, leaf, std::span(&log_.verifier(), 1), "other", nullptr).has_value());
  const NoteVerifier other = make_verifier(kOrigin, any_key().public_key()).value();
  EXPECT_FALSE(verify_log_proof(good, leaf, std::span(&other, 1), kOrigin, nullptr).has_value());
}

TEST_F(LogProofTest, NeedsTheQuorumThatThePolicyAsksFor) {
  const LogProof good = proof(5, 33);
  const std::string ours = "witness w " + format_cosigner_vkey(witness_.key()) + "\nquorum w\n";
  const LogPolicy policy = LogPolicy::parse(ours).value();
  const auto verified = verify(good, &policy);
  ASSERT_TRUE(verified.has_value()) << verified.error().message;
  ASSERT_EQ(verified->cosignatures.size(), 1U);
  EXPECT_EQ(verified->cosignatures[0].seconds, 77U);

  const CosignerKey other = make_cosigner_key("witness.example", any_key().public_key()).value();
  const LogPolicy another =
      LogPolicy::parse("witness w " + format_cosigner_vkey(other) + "\nquorum w\n").value();
  EXPECT_FALSE(verify(good, &another).has_value());
  EXPECT_TRUE(verify(good).has_value());
}

TEST_F(LogProofTest, RefusesWhatIsMalformedWithItsLine) {
  const std::string note = proof(0, 1).note;
  const std::string hash = codec::to_base64(Hash{});
  const std::string magic = "c2sp.org/tlog-proof@v1\n";
  std::string many = magic + "index 0\n";
  for (int i = 0; i < 64; ++i) many += hash + "\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "line 1 is missing"},
      {"c2sp.org/tlog-proof@v2\nindex 0\n\n" + note, "line 1 is not"},
      {magic, "line 2 is missing"},
      {magic + "index 00\n\n" + note, "line 2 is not \"index N\""},
      {magic + "index\n\n" + note, "line 2 is not \"index N\""},
      {magic + "index 18446744073709551616\n\n" + note, "line 2 is not \"index N\""},
      {magic + "Index 0\n\n" + note, "line 2 is not \"index N\""},
      {magic + "extra =\nindex 0\n\n" + note, "line 2 extra:"},
      {magic + "extra eA==\nextra eA==\nindex 0\n\n" + note, "line 3 is not \"index N\""},
      {magic + "index 0\nAAAA\n\n" + note, "line 3 is not a hash"},
      {magic + "index 0\n" + note, "is not a hash"},
      {many + "\n" + note, "line 66 is the 64th hash"},
      {magic + "index 0\n\n", "checkpoint: note has no empty line"},
      {std::string(2'000'000, 'a'), "at most"},
  };
  for (const auto& [text, message] : cases) {
    const auto parsed = parse_log_proof(text);
    ASSERT_FALSE(parsed.has_value()) << text.substr(0, 80);
    EXPECT_NE(parsed.error().message.find(message), std::string::npos) << parsed.error().message;
  }
}

TEST_F(LogProofTest, RefusesEveryTruncationAndEveryChangedByte) {
  const std::string good = format_log_proof(proof(5, 33));
  const std::string note = proof(5, 33).note;
  const std::size_t log_line = good.size() - note.size() + note.find("\n\n") + 2;
  const std::size_t witness_line = good.find('\n', log_line) + 1;
  // A line of a witness that nobody asks for may be cut or changed.
  for (std::size_t length = 0; length < witness_line; ++length) {
    const auto read = parse_log_proof(good.substr(0, length));
    EXPECT_FALSE(read.has_value() && verify(*read).has_value()) << length;
  }
  for (std::size_t i = 0; i < witness_line; ++i) {
    std::string changed = good;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto read = parse_log_proof(changed);
    EXPECT_FALSE(read.has_value() && verify(*read).has_value()) << i;
  }
}

}  // namespace
}  // namespace avouch::tlog
