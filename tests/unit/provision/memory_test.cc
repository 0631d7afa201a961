// What a CoRIM costs in memory while it is read.

#include <gtest/gtest.h>

#include <filesystem>

#include "base/hex.h"
#include "codec/cbor.h"
#include "provision/corim.h"
#include "support/vectors.h"
#include "tests/support/counted_memory.h"

namespace avouch::provision {
namespace {

using testing::expect_bounded;

// A tree is larger than its bytes: files of the usual shape take 20 times their size, and whatever
// a file holds at most 130 times. People import them; no evidence of a node is one.
constexpr std::size_t kUsual = 20, kWorst = 130;

void expect_bounded_corim(const std::string& name, ByteView file, std::size_t times) {
  const auto read = [&] { (void)read_corim(file, CorimDigests::kIma, nullptr); };
  expect_bounded(name, file.size(), read, times);
}

// One reference triple with a digest in each of `count` measurements.
Bytes corim_of(std::size_t count) {
  using codec::Cbor;
  const auto key = [](std::int64_t value) { return Cbor::integer(value); };
  Cbor::Array measurements;
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes digest = crypto::hash(crypto::HashAlgorithm::kSha256, as_bytes(std::to_string(i)));
    measurements.push_back(Cbor::map(
        {{key(1), Cbor::map({{key(2), Cbor::array({Cbor::array({key(1), Cbor::bytes(digest)})})},
                             {key(11), Cbor::text("file " + std::to_string(i))}})}}));
  }
  const Cbor environment = Cbor::map({{key(0), Cbor::map({{key(1), Cbor::text("maker")}})}});
  const Cbor triples =
      Cbor::map({{key(0), Cbor::array({Cbor::array({environment, Cbor::array(measurements)})})}});
  const Cbor comid =
      Cbor::map({{key(1), Cbor::map({{key(0), Cbor::text("id")}})}, {key(4), triples}});
  const Cbor corim =
      Cbor::map({{key(0), Cbor::text("id")},
                 {key(1), Cbor::array({Cbor::tagged(506, Cbor::bytes(codec::to_cbor(comid)))})}});
  return codec::to_cbor(Cbor::tagged(501, corim));
}

TEST(Memory, OfAnyCorimIsBoundedByItsSize) {
  for (const auto& each : std::filesystem::directory_iterator(testing::vectors_dir() / "corim")) {
    const std::string name = each.path().filename();
    if (each.path().extension() == ".cbor")
      expect_bounded_corim(name, testing::read_vector("corim/" + name), kUsual);
  }
  for (const std::size_t count : {1U, 100U, 3'000U}) {
    const Bytes file = corim_of(count);
    const auto read = read_corim(file, CorimDigests::kFile, nullptr);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    ASSERT_EQ(read->draft.boot_components.size(), count);
    expect_bounded_corim("digests", file, kUsual);
  }
  for (const std::size_t size : {1'000U, 20'000U, 66'000U}) {
    // Tag 501, a map of one member: an array of `size` values of one byte.
    Bytes ones = from_hex("d901f5a1019a").value();
    append_be32(ones, static_cast<std::uint32_t>(size));
    for (const std::uint8_t value : Bytes{0x01, 0x40, 0x60, 0x80, 0xa0, 0xf6}) {
      Bytes all = ones;
      all.resize(ones.size() + size, value);
      expect_bounded_corim("an array", all, kWorst);
    }
    expect_bounded_corim("depth", Bytes(size, 0x81), kUsual);
    expect_bounded_corim("anything", Bytes(size, 0xff), kUsual);
    Bytes text = from_hex("d901f5a1007a").value();
    append_be32(text, static_cast<std::uint32_t>(size));
    text.resize(text.size() + size, 'a');
    expect_bounded_corim("a text", text, kUsual);
  }
}

}  // namespace
}  // namespace avouch::provision
