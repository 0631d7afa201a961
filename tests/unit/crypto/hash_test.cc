#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/unit/crypto/vectors.h"

namespace avouch::crypto {
namespace {

struct KnownDigest {
  HashAlgorithm algorithm;
  std::string message;
  std::string digest;
};

// FIPS 180-4 examples and the empty message.
const KnownDigest kKnownDigests[] = {
    {HashAlgorithm::kSha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {HashAlgorithm::kSha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {HashAlgorithm::kSha256, "",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {HashAlgorithm::kSha256, "abc",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {HashAlgorithm::kSha256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {HashAlgorithm::kSha256, std::string(1'000'000, 'a'),
     "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {HashAlgorithm::kSha384, "abc",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"},
    {HashAlgorithm::kSha512, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

TEST(Hash, GivesTheKnownDigests) {
  for (const KnownDigest& known : kKnownDigests) {
    EXPECT_EQ(to_hex(hash(known.algorithm, as_bytes(known.message))), known.digest);
  }
}

TEST(Hash, OfSha256IsTheSameByEveryWay) {
  const std::string message = "abc";
  const Bytes expected = hash(HashAlgorithm::kSha256, as_bytes(message));
  EXPECT_EQ(to_hex(sha256(message)), to_hex(expected));
  EXPECT_EQ(to_hex(sha256(as_bytes(message))), to_hex(expected));
  EXPECT_EQ(to_hex(sha256_of_two('a', as_bytes("b"), as_bytes("c"))), to_hex(expected));
  EXPECT_EQ(to_hex(sha256_of_two('a', {}, as_bytes("bc"))), to_hex(expected));
}

TEST(Hash, NamesRoundTripAndSizesFit) {
  for (const auto algorithm : {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384,
                               HashAlgorithm::kSha512}) {
    EXPECT_EQ(*parse_hash_name(hash_name(algorithm)), algorithm);
    EXPECT_EQ(hash(algorithm, {}).size(), digest_size(algorithm));
  }
}

TEST(Hash, RefusesEveryOtherName) {
  for (const std::string_view name : {"", "SHA256", "sha-256", "sha256 ", "md5", "sha2"}) {
    const auto parsed = parse_hash_name(name);
    ASSERT_FALSE(parsed.has_value()) << name;
    EXPECT_EQ(parsed.error().kind, ErrorKind::kRejected);
    EXPECT_NE(parsed.error().message.find("sha1, sha256, sha384 or sha512"), std::string::npos);
  }
}

TEST(Hash, IsTheSameInEveryThread) {
  const std::string message(1000, 'x');
  const Sha256 expected = sha256(message);
  std::vector<std::thread> threads;
  std::array<int, 4> wrong{};
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) count += sha256(message) == expected ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : wrong) EXPECT_EQ(count, 0);
}

TEST(Hasher, GivesTheSameForEverySplitOfTheMessage) {
  Bytes message;
  for (int i = 0; i < 200; ++i) message.push_back(static_cast<std::uint8_t>(i));
  for (const auto algorithm : {HashAlgorithm::kSha1, HashAlgorithm::kSha384}) {
    Hasher hasher(algorithm);
    for (std::size_t cut = 0; cut <= message.size(); ++cut) {
      hasher.update(ByteView(message).first(cut));
      hasher.update(ByteView(message).subspan(cut));
      EXPECT_EQ(hasher.finish(), hash(algorithm, message)) << cut;  // and starts anew
    }
  }
}

TEST(Hasher, CanBeMovedInTheMiddleOfAMessage) {
  Hasher first(HashAlgorithm::kSha256);
  first.update(as_bytes("ab"));
  Hasher second = std::move(first);
  second.update(as_bytes("c"));
  EXPECT_EQ(second.finish(), hash(HashAlgorithm::kSha256, as_bytes("abc")));
}

struct KnownMac {
  std::string key, data, mac;
};

// RFC 4231, test cases 1 to 4, 6 and 7.
const KnownMac kKnownMacs[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
     "dddddddddddddddddddddddddddddddddddd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {"0102030405060708090a0b0c0d0e0f10111213141516171819",
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
     "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {std::string(262, 'a'),
     "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
     "65204b6579202d2048617368204b6579204669727374",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {std::string(262, 'a'),
     "5468697320697320612074657374207573696e672061206c6172676572207468"
     "616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
     "68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
     "647320746f20626520686173686564206265666f7265206265696e6720757365"
     "642062792074686520484d414320616c676f726974686d2e",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

TEST(Hmac, GivesTheKnownAnswersOfRfc4231) {
  for (const KnownMac& known : kKnownMacs) {
    EXPECT_EQ(to_hex(hmac_sha256(unhex(known.key), unhex(known.data))), known.mac);
  }
}

TEST(Hmac, TakesAnEmptyKeyAndAnEmptyMessage) {
  EXPECT_EQ(to_hex(hmac_sha256({}, {})),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(ConstantTimeEqual, IsEquality) {
  const Bytes a = unhex("00010203");
  EXPECT_TRUE(constant_time_equal(a, unhex("00010203")));
  EXPECT_TRUE(constant_time_equal({}, {}));
  EXPECT_FALSE(constant_time_equal(a, unhex("000102")));
  EXPECT_FALSE(constant_time_equal(a, unhex("0001020300")));
  for (std::size_t i = 0; i < a.size() * 8; ++i) {
    Bytes b = a;
    b[i / 8] = static_cast<std::uint8_t>(b[i / 8] ^ 1U << i % 8);
    EXPECT_FALSE(constant_time_equal(a, b)) << "bit " << i;
  }
}

TEST(HashInto, IsTheDigestOfThePartsInOrderEvenOverOneOfThem) {
  for (const auto algorithm : {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384,
                               HashAlgorithm::kSha512}) {
    Bytes register_value(digest_size(algorithm), 3);
    const Bytes more = {1, 2, 3};
    Bytes whole = register_value;
    append(whole, more);
    hash_into(algorithm, {register_value, more}, register_value);
    EXPECT_EQ(register_value, hash(algorithm, whole)) << hash_name(algorithm);
  }
}

}  // namespace
}  // namespace avouch::crypto
