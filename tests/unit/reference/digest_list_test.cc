#include "reference/digest_list.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "support/contains.h"

namespace avouch::reference {
namespace {

using crypto::HashAlgorithm;
using testing::contains;

std::string hex_of(HashAlgorithm algorithm, const std::string& text) {
  return to_hex(crypto::hash(algorithm, as_bytes(text)));
}
std::string hex_sha256(const std::string& text) { return hex_of(HashAlgorithm::kSha256, text); }

std::string error_of(std::string_view list, const DigestListLimits& limits = {}) {
  const auto read = read_digest_list(as_bytes(list), limits);
  return read.has_value() ? "" : read.error().message;
}

std::vector<Digest> digests_of(std::string_view list) {
  const auto read = read_digest_list(as_bytes(list));
  EXPECT_TRUE(read.has_value()) << read.error().message;
  return read.has_value() ? read->set->list() : std::vector<Digest>{};
}

TEST(DigestList, ReadsWhatTheSumProgramsPrint) {
  const std::string list = "# a comment\n\n" + hex_sha256("a") + "  /bin/a\n" + hex_sha256("b") +
                           " */bin/b\n\\" + hex_sha256("c") + "  /bin/\\n\n" + hex_sha256("d") +
                           "\r\nsha256:" + hex_sha256("e") + "\n" +
                           hex_of(HashAlgorithm::kSha384, "f") +
                           "  f\nsha512:" + hex_of(HashAlgorithm::kSha512, "g") + "  g";
  const auto read = read_digest_list(as_bytes(list));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->content, crypto::sha256(list));
  EXPECT_EQ(read->set->size(), 7U);
  EXPECT_EQ(read->set->size(HashAlgorithm::kSha256), 5U);
  for (const char* text : {"a", "b", "c", "d", "e"}) {
    EXPECT_TRUE(read->set->contains(make_digest(crypto::sha256(std::string_view(text))))) << text;
  }
  EXPECT_TRUE(read->set->contains(HashAlgorithm::kSha384,
                                  crypto::hash(HashAlgorithm::kSha384, as_bytes("f"))));
  EXPECT_TRUE(read->set->contains(HashAlgorithm::kSha512,
                                  crypto::hash(HashAlgorithm::kSha512, as_bytes("g"))));
}

TEST(DigestList, AcceptsUpperCaseDigits) {
  std::string upper = hex_sha256("a");
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(digests_of(upper + "\n"), digests_of(hex_sha256("a")));
}

TEST(DigestList, NamesTheLineOfAMistake) {
  const std::string good = hex_sha256("a") + "  a\n";
  for (const std::string& bad :
       {std::string("x"), hex_sha256("a").substr(1) + "  a", hex_sha256("a") + "0  a",
        hex_sha256("a") + " a", hex_sha256("a") + "  ", hex_sha256("a") + "\ta",
        "sha384:" + hex_sha256("a") + "  a", "md5:" + hex_sha256("a"), " " + hex_sha256("a"),
        "\\\\" + hex_sha256("a"), std::string("sha256:")}) {
    for (const std::string& end : {std::string(), std::string("\n"), "\n" + good}) {
      const std::string error = error_of(good + "\n# x\n" + bad + end);
      EXPECT_TRUE(error.starts_with("line 4: ")) << bad << ": " << error;
    }
    EXPECT_TRUE(error_of(bad).starts_with("line 1: ")) << bad;
  }
}

// As `sha256sum -z` prints them: all but the first would be taken for its path.
TEST(DigestList, RefusesLinesThatANulEnds) {
  const std::string nul(1, '\0');
  EXPECT_TRUE(contains(error_of(hex_sha256("a") + "  a" + nul + hex_sha256("b") + "  b" + nul),
                       "line 1: has a NUL"));
}

TEST(DigestList, SaysWhySha1IsRefused) {
  EXPECT_TRUE(contains(error_of(hex_of(HashAlgorithm::kSha1, "a") + "  a\n"), "SHA-1"));
}

TEST(DigestList, RefusesAListOfNothing) {
  for (const char* empty : {"", "\n", "# only this", "# only this\n\n", "\r\n", "a\n"}) {
    EXPECT_NE(error_of(empty), "") << empty;
  }
  EXPECT_NE(error_of(kDigestListMagic), "");
}

TEST(DigestList, BoundsBytesLinesAndDigests) {
  const std::string list = hex_sha256("a") + "  a\n" + hex_sha256("b") + "  b\n";
  EXPECT_EQ(error_of(list, {.bytes = list.size()}), "");
  EXPECT_TRUE(contains(error_of(list, {.bytes = list.size() - 1}), "bytes"));
  EXPECT_EQ(error_of(list, {.digests = 2}), "");
  EXPECT_TRUE(error_of(list, {.digests = 1}).starts_with("line 2: more than 1 digests"));
  const std::string path(1000, 'p');
  EXPECT_EQ(error_of(hex_sha256("a") + "  " + path, {.line_bytes = 1066}), "");
  EXPECT_TRUE(
      error_of(hex_sha256("a") + "  " + path, {.line_bytes = 1065}).starts_with("line 1: "));
  EXPECT_TRUE(error_of(list + hex_sha256("a") + "  " + path + "\n", {.line_bytes = 1065})
                  .starts_with("line 3: "));
}

std::string binary_list() {
  DigestSetBuilder builder;
  for (const HashAlgorithm algorithm :
       {HashAlgorithm::kSha512, HashAlgorithm::kSha256, HashAlgorithm::kSha384}) {
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(
          builder.add(algorithm, crypto::hash(algorithm, as_bytes(std::to_string(i)))).has_value());
    }
  }
  return std::string(as_text(std::move(builder).finish()->to_binary()));
}

TEST(DigestList, ReadsTheBinaryFormOfASet) {
  const std::string binary = binary_list();
  const auto read = read_digest_list(as_bytes(binary));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->set->size(), 15U);
  EXPECT_EQ(as_text(read->set->to_binary()), binary);
  EXPECT_EQ(read->content, crypto::sha256(binary));
}

TEST(DigestList, RefusesEveryTruncationOfTheBinaryForm) {
  const std::string binary = binary_list();
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < binary.size(); ++size) {
    if (error_of(std::string_view(binary).substr(0, size)).empty()) ++accepted;
  }
  EXPECT_EQ(accepted, 2U);  // after the first section and after the second
}

TEST(DigestList, RefusesABinaryFormThatIsNotTheOnlyOne) {
  const std::string magic(kDigestListMagic);
  const std::string one("\x00\x0b\x00\x00\x00\x01", 6);
  const std::string two("\x00\x0b\x00\x00\x00\x02", 6);
  const std::string a(32, 'a');
  const std::string b(32, 'b');
  EXPECT_EQ(error_of(magic + two + a + b), "");
  EXPECT_TRUE(contains(error_of(magic + two + b + a), "ascending"));
  EXPECT_TRUE(contains(error_of(magic + two + a + a), "ascending"));
  EXPECT_TRUE(contains(error_of(magic + one + a + one + b), "ascending order"));
  EXPECT_TRUE(contains(error_of(magic + std::string("\x00\x0b\x00\x00\x00\x00", 6)), "0 digests"));
  EXPECT_TRUE(contains(error_of(magic + std::string("\x00\x0b\xff\xff\xff\xff", 6)), "digests"));
  EXPECT_TRUE(
      contains(error_of(magic + std::string("\x00\x04\x00\x00\x00\x01", 6) + a), "algorithm 4"));
}

// However the pieces fall, the answer and the error are the same.
TEST(DigestList, DoesNotDependOnHowItIsCutIntoPieces) {
  const std::string text = "# x\n" + hex_sha256("a") + "  /a\n\n" + hex_sha256("b") + "\n";
  for (const std::string& list :
       {text, text + "bad\n", text + "bad", binary_list(), binary_list() + "x",
        std::string(kDigestListMagic.substr(0, 7)), hex_sha256("c"), std::string("a")}) {
    const std::string whole = error_of(list);
    for (std::size_t size = 1; size <= list.size(); ++size) {
      DigestListReader reader;
      for (std::size_t at = 0; at < list.size(); at += size) {
        (void)reader.feed(as_bytes(std::string_view(list).substr(at, size)));
      }
      const auto read = std::move(reader).finish();
      EXPECT_EQ(read.has_value() ? "" : read.error().message, whole) << size;
      EXPECT_TRUE(!read.has_value() || read->content == crypto::sha256(list)) << size;
    }
  }
}

}  // namespace
}  // namespace avouch::reference
