#include "provision/file_digester.h"

#include <gtest/gtest.h>

#include "base/hex.h"

namespace avouch::provision {
namespace {

using crypto::HashAlgorithm;

TEST(FileDigester, HashesEachFileUnderEachAlgorithm) {
  FileDigester digester({HashAlgorithm::kSha256, HashAlgorithm::kSha512}, nullptr);
  ASSERT_TRUE(digester.begin("/abc").has_value());
  ASSERT_TRUE(digester.feed(as_bytes("ab")).has_value());
  ASSERT_TRUE(digester.feed(as_bytes("c")).has_value());
  ASSERT_TRUE(digester.end().has_value());
  ASSERT_TRUE(digester.begin("/empty").has_value());
  ASSERT_TRUE(digester.end().has_value());
  EXPECT_EQ(digester.done().files, 2U);
  EXPECT_EQ(digester.done().bytes, 3U);
  FileList list = digester.take();
  ASSERT_EQ(list.sorted().size(), 4U);
  EXPECT_EQ(list.sorted()[0].path, "/abc");
  // FIPS 180-2, appendix B.1 and C.1.
  EXPECT_EQ(to_hex(list.sorted()[0].digest.view()),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(list.sorted()[1].digest.view()).substr(0, 16), "ddaf35a193617aba");
  EXPECT_EQ(to_hex(list.sorted()[2].digest.view()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(FileDigester, TellsHowFarItIs) {
  std::vector<std::uint64_t> seen;
  FileDigester digester({HashAlgorithm::kSha256},
                        [&](const FilesDone& done) { seen.push_back(done.bytes); });
  ASSERT_TRUE(digester.begin("/large").has_value());
  const Bytes piece(1 << 20);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(digester.feed(piece).has_value());
  ASSERT_TRUE(digester.end().has_value());
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{16 << 20, 32 << 20}));
}

TEST(FileDigester, EndsAsSoonAsThereAreTooManyDigests) {
  FileDigester digester({HashAlgorithm::kSha256}, nullptr, 2);
  const auto add = [&](std::string_view content) {
    EXPECT_TRUE(digester.begin("/a").has_value() && digester.feed(as_bytes(content)).has_value());
    return digester.end();
  };
  for (const char* content : {"a", "b", "a", "b"}) EXPECT_TRUE(add(content).has_value());
  const auto third = add("c");
  ASSERT_FALSE(third.has_value());
  EXPECT_NE(third.error().message.find("more than 2 digests of files"), std::string::npos);
  EXPECT_NE(third.error().message.find("--split"), std::string::npos);
}

TEST(ParseAlgorithms, RefusesSha1AndWhatItDoesNotKnow) {
  EXPECT_EQ(parse_algorithms("sha512,sha256").value(),
            (std::vector{HashAlgorithm::kSha512, HashAlgorithm::kSha256}));
  for (const char* text :
       {"", "sha1", "sha256,sha1", "sha256,", "sha256,sha256", "md5", "SHA256"}) {
    EXPECT_FALSE(parse_algorithms(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace avouch::provision
