#include "tlog/checkpoint.h"

#include <gtest/gtest.h>

#include "support/log_vectors.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using testing::LogVectors;

constexpr const char* kRoot = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

const LogVectors& checkpoint_vectors() {
  static const LogVectors all("note.txt");
  return all;
}
std::vector<NoteVerifier> keys() {
  return {parse_vkey(checkpoint_vectors().text("log-vkey")).value()};
}

TEST(Checkpoint, OfAnIndependentSignerVerifies) {
  const auto checkpoint = verify_checkpoint(checkpoint_vectors().decoded_text("checkpoint-note"),
                                            keys(), kAvouchOrigin);
  ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->size(), 20'852'163U);
  EXPECT_EQ(checkpoint->root(), checkpoint_vectors().hash("checkpoint-root"));
  EXPECT_EQ(checkpoint->note(), checkpoint_vectors().decoded_text("checkpoint-note"));
}

TEST(Checkpoint, MayHaveExtensionLines) {
  const auto checkpoint =
      verify_checkpoint(checkpoint_vectors().decoded_text("extended-note"), keys(), kAvouchOrigin);
  ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->checkpoint().extensions,
            (std::vector<std::string>{"an extension line", "and another"}));
}

TEST(Checkpoint, IsWrittenAsItIsRead) {
  Checkpoint checkpoint{kAvouchOrigin, 42, empty_root(), {}};
  const std::string text = format_checkpoint(checkpoint).value();
  EXPECT_EQ(text, std::string(kAvouchOrigin) + "\n42\n" + kRoot + "\n");
  EXPECT_EQ(parse_checkpoint_unverified(text).value(), checkpoint);
  checkpoint.extensions = {"x"};
  checkpoint.size = ~0ULL;
  EXPECT_EQ(parse_checkpoint_unverified(format_checkpoint(checkpoint).value()).value(), checkpoint);
}

TEST(Checkpoint, OfAnotherOriginIsRefused) {
  const std::string note = checkpoint_vectors().decoded_text("checkpoint-note");
  EXPECT_FALSE(verify_checkpoint(note, keys(), "log.example.org/avouc").has_value());
  EXPECT_FALSE(verify_checkpoint(note, keys(), "").has_value());
}

TEST(Checkpoint, OfNothingMustHaveTheRootOfNothing) {
  const auto key = crypto::PrivateKey::from_pem(checkpoint_vectors().decoded_text("log-key-pem"));
  const std::vector signers{NoteSigner::make(kAvouchOrigin, key.value()).value()};
  const auto judge = [&](const Hash& root) {
    const std::string text = format_checkpoint({kAvouchOrigin, 0, root, {}}).value();
    return verify_checkpoint(sign_note(text, signers).value(), keys(), kAvouchOrigin).has_value();
  };
  EXPECT_TRUE(judge(empty_root()));
  EXPECT_FALSE(judge(leaf_hash({})));
}

TEST(Checkpoint, RefusesEveryOtherSpelling) {
  const std::string root = std::string(kRoot) + "\n";
  ASSERT_TRUE(parse_checkpoint_unverified("o\n0\n" + root).has_value());
  ASSERT_TRUE(parse_checkpoint_unverified("o\n18446744073709551615\n" + root).has_value());
  for (const std::string& text :
       {std::string(),
        std::string("o\n"),
        std::string("o\n1\n"),
        "\n1\n" + root,
        "o\n\n" + root,
        "o\n01\n" + root,
        "o\n00\n" + root,
        "o\n+1\n" + root,
        "o\n-1\n" + root,
        "o\n1 \n" + root,
        "o\n 1\n" + root,
        "o\n1a\n" + root,
        "o\n0x1\n" + root,
        "o\n1.0\n" + root,
        "o\n18446744073709551616\n" + root,
        "o\n1\n" + std::string(kRoot),
        "o\n1\n" + root + "\n",
        "o\n1\n" + root + "ext",
        "o\n1\n" + root + "ext\n\n",
        "o\r\n1\n" + root,
        "o\n1\n" + std::string(kRoot).substr(1) + "\n",
        "o\n1\nAAAA" + root,
        "o\n1\n" + std::string(kRoot).substr(0, 43) + "\n",
        std::string("o\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n"),
        "o\n1\n \n" + root}) {
    EXPECT_FALSE(parse_checkpoint_unverified(text).has_value()) << text;
  }
}

TEST(Checkpoint, IsNotWrittenWithLinesThatCannotBeRead) {
  for (const char* origin : {"", "a\nb", "a\tb", "\xFF"}) {
    EXPECT_FALSE(format_checkpoint({origin, 1, empty_root(), {}}).has_value()) << origin;
    EXPECT_FALSE(format_checkpoint({"o", 1, empty_root(), {origin}}).has_value()) << origin;
  }
}

}  // namespace
}  // namespace avouch::tlog
