#include "reference/digest_set.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "reference/digest_list.h"

namespace avouch::reference {
namespace {

using crypto::HashAlgorithm;

constexpr std::array kAll = {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384,
                             HashAlgorithm::kSha512};

Bytes number(HashAlgorithm algorithm, std::size_t n) {
  return crypto::hash(algorithm, as_bytes(std::to_string(n)));
}

std::shared_ptr<const DigestSet> set_of(const std::vector<Digest>& digests) {
  DigestSetBuilder builder;
  for (const Digest& digest : digests) EXPECT_TRUE(builder.add(digest).has_value());
  return std::move(builder).finish();
}

TEST(DigestSet, HasExactlyWhatWasAddedOfEveryAlgorithm) {
  for (const HashAlgorithm algorithm : kAll) {
    for (const std::size_t n : {0U, 1U, 2U, 3U, 17U, 1000U, 20'000U}) {
      DigestSetBuilder builder;
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_TRUE(builder.add(algorithm, number(algorithm, i)).has_value());
      }
      const auto set = std::move(builder).finish();
      EXPECT_EQ(set->size(), n);
      for (std::size_t i = 0; i < 2 * n + 10; ++i) {
        EXPECT_EQ(set->contains(algorithm, number(algorithm, i)), i < n) << i;
      }
      for (const HashAlgorithm other : kAll) {
        EXPECT_FALSE(other != algorithm && set->contains(other, number(other, 0)));
      }
    }
  }
}

// An attacker's list need not look like hashes: all digests in one bucket, at its ends, in runs.
TEST(DigestSet, FindsDigestsHoweverUnevenlyTheyAreSpread) {
  const auto made = [](std::uint32_t value, std::uint8_t fill) {
    Bytes out;
    append_u8(out, 7);
    append_be32(out, value);
    out.resize(32, fill);
    return out;
  };
  for (const std::uint32_t start : {0U, 0x7fffff00U, 0xfffffe00U}) {
    for (const std::uint32_t count : {1U, 2U, 3U, 200U}) {
      DigestSetBuilder builder;
      for (std::uint32_t i = 0; i < count; ++i) {
        ASSERT_TRUE(builder.add(HashAlgorithm::kSha256, made(start + 2 * i, 1)).has_value());
      }
      const auto set = std::move(builder).finish();
      for (std::uint32_t i = 0; i < 2 * count; ++i) {
        EXPECT_EQ(set->contains(HashAlgorithm::kSha256, made(start + i, 1)), i % 2 == 0);
        EXPECT_FALSE(set->contains(HashAlgorithm::kSha256, made(start + i, 0)));
        EXPECT_FALSE(set->contains(HashAlgorithm::kSha256, made(start + i, 2)));
      }
      EXPECT_FALSE(set->contains(HashAlgorithm::kSha256, made(0, 0)));
      EXPECT_FALSE(set->contains(HashAlgorithm::kSha256, made(0xffffffff, 255)));
    }
  }
}

TEST(DigestSet, CountsDuplicatesOnce) {
  const Digest digest = make_digest(crypto::sha256("x"));
  EXPECT_EQ(set_of({digest, digest, digest})->size(), 1U);
}

TEST(DigestSet, NeverHasADigestOfAnotherSize) {
  const auto set = set_of({make_digest(crypto::sha256("x"))});
  const Bytes digest = crypto::hash(HashAlgorithm::kSha256, as_bytes("x"));
  EXPECT_TRUE(set->contains(HashAlgorithm::kSha256, digest));
  for (std::size_t size = 0; size < 32; ++size) {
    EXPECT_FALSE(set->contains(HashAlgorithm::kSha256, ByteView(digest).first(size)));
  }
  Bytes longer = digest;
  longer.push_back(0);
  EXPECT_FALSE(set->contains(HashAlgorithm::kSha256, longer));
}

TEST(DigestSet, ListsItsDigestsInOrder) {
  std::vector<Digest> digests;
  for (const HashAlgorithm algorithm : kAll) {
    for (std::size_t i = 0; i < 100; ++i) {
      digests.push_back(make_digest(algorithm, number(algorithm, i)).value());
    }
  }
  const auto set = set_of({digests.rbegin(), digests.rend()});
  std::sort(digests.begin(), digests.end());
  EXPECT_EQ(set->list(), digests);
}

TEST(DigestSet, OfAMillionTakesAtMost40Megabytes) {
  DigestSetBuilder builder;
  crypto::Sha256 digest = crypto::sha256("seed");
  for (int i = 0; i < 1'000'000; ++i) {
    // Cheaper than a hash each, and as evenly spread.
    if (i % 16 == 0) digest = crypto::sha256(ByteView(digest));
    digest[0] = static_cast<std::uint8_t>(digest[0] + 17);
    digest[31] = static_cast<std::uint8_t>(i % 16);
    ASSERT_TRUE(builder.add(HashAlgorithm::kSha256, digest).has_value());
  }
  const auto set = std::move(builder).finish();
  EXPECT_EQ(set->size(), 1'000'000U);
  EXPECT_LE(set->memory_bytes(), 40U * 1000 * 1000);
}

TEST(DigestSetBuilder, RefusesOneMoreThanTheLimitAndAnotherSize) {
  DigestSetBuilder builder(2);
  EXPECT_TRUE(builder.add(make_digest(crypto::sha256("1"))).has_value());
  EXPECT_FALSE(builder.add(HashAlgorithm::kSha256, Bytes(31)).has_value());
  EXPECT_FALSE(builder.add(HashAlgorithm::kSha256, Bytes(33)).has_value());
  EXPECT_TRUE(builder.add(make_digest(crypto::sha256("2"))).has_value());
  EXPECT_FALSE(builder.add(make_digest(crypto::sha256("3"))).has_value());
  EXPECT_EQ(std::move(builder).finish()->size(), 2U);
}

TEST(ParseDigest, ReadsItsOwnTextAndNothingElse) {
  for (const HashAlgorithm algorithm :
       {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    const Digest digest = make_digest(algorithm, number(algorithm, 1)).value();
    const std::string text = digest_text(digest);
    EXPECT_EQ(parse_digest(text).value(), digest);
    for (std::size_t cut = 0; cut < text.size(); ++cut) {
      EXPECT_FALSE(parse_digest(text.substr(0, cut)).has_value()) << cut;
    }
    for (const std::string& wrong : {text + "0", " " + text, "SHA" + text.substr(3)}) {
      EXPECT_FALSE(parse_digest(wrong).has_value()) << wrong;
    }
  }
  EXPECT_FALSE(parse_digest("sha1:" + std::string(40, 'a')).has_value());
  EXPECT_FALSE(parse_digest("sha256:" + std::string(64, 'A')).has_value());
  EXPECT_FALSE(parse_digest("sha256:" + std::string(64, 'g')).has_value());
}

}  // namespace
}  // namespace avouch::reference
