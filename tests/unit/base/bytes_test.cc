#include "base/bytes.h"

#include <gtest/gtest.h>

namespace avouch {
namespace {

TEST(Append, WritesBigEndian) {
  Bytes out;
  append_u8(out, 0x01);
  append_be16(out, 0x0203);
  append_be32(out, 0x04050607);
  append_be64(out, 0x08090a0b0c0d0e0f);
  append(out, std::string_view("\x10"));
  append(out, ByteView(Bytes{0x11}));
  Bytes expected;
  for (int i = 1; i <= 0x11; ++i) expected.push_back(static_cast<std::uint8_t>(i));
  EXPECT_EQ(out, expected);
}

TEST(Text, IsTheSameBytesBothWays) {
  const std::string text("a\0\xff", 3);
  EXPECT_EQ(as_text(as_bytes(text)), text);
  EXPECT_EQ(to_bytes(text), (Bytes{'a', 0, 0xff}));
}

TEST(Equal, ComparesLengthAndContent) {
  EXPECT_TRUE(equal({}, {}));
  EXPECT_TRUE(equal(Bytes{1, 2}, Bytes{1, 2}));
  EXPECT_FALSE(equal(Bytes{1, 2}, Bytes{1, 3}));
  EXPECT_FALSE(equal(Bytes{1, 2}, Bytes{1}));
  EXPECT_FALSE(equal(Bytes{1}, Bytes{1, 2}));
}

Bytes counting(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i + 1);
  return out;
}

TEST(ByteReader, ReadsBothByteOrders) {
  const Bytes input = counting(15);
  ByteReader big(input);
  EXPECT_EQ(big.u8("a").value(), 0x01);
  EXPECT_EQ(big.be16("b").value(), 0x0203);
  EXPECT_EQ(big.be32("c").value(), 0x04050607U);
  EXPECT_EQ(big.be64("d").value(), 0x08090a0b0c0d0e0fULL);
  EXPECT_TRUE(big.at_end());
  ByteReader little(input);
  EXPECT_EQ(little.u8("a").value(), 0x01);
  EXPECT_EQ(little.le16("b").value(), 0x0302);
  EXPECT_EQ(little.le32("c").value(), 0x07060504U);
  EXPECT_EQ(little.le64("d").value(), 0x0f0e0d0c0b0a0908ULL);
  EXPECT_TRUE(little.expect_end("e").has_value());
}

// Whatever is read at whatever length: all of it or nothing, and the place is named.
template <typename Read>
void refuses_every_truncation(std::size_t needed, Read read) {
  for (std::size_t size = 0; size <= needed + 1; ++size) {
    const Bytes input = counting(size);
    ByteReader reader(input);
    const auto result = read(reader);
    EXPECT_EQ(result.has_value(), size >= needed) << size;
    EXPECT_EQ(reader.offset(), size >= needed ? needed : 0) << size;
    if (result.has_value()) continue;
    EXPECT_EQ(result.error().kind, ErrorKind::kRejected);
    EXPECT_EQ(result.error().message, "the field: needs " + std::to_string(needed) +
                                          " bytes at offset 0, only " + std::to_string(size) +
                                          " are left");
  }
}

TEST(ByteReader, RefusesEveryTruncation) {
  const char* const what = "the field";
  refuses_every_truncation(1, [&](ByteReader& reader) { return reader.u8(what); });
  refuses_every_truncation(2, [&](ByteReader& reader) { return reader.be16(what); });
  refuses_every_truncation(2, [&](ByteReader& reader) { return reader.le16(what); });
  refuses_every_truncation(4, [&](ByteReader& reader) { return reader.be32(what); });
  refuses_every_truncation(4, [&](ByteReader& reader) { return reader.le32(what); });
  refuses_every_truncation(8, [&](ByteReader& reader) { return reader.be64(what); });
  refuses_every_truncation(8, [&](ByteReader& reader) { return reader.le64(what); });
  refuses_every_truncation(5, [&](ByteReader& reader) { return reader.take(5, what); });
}

TEST(ByteReader, IsNotFooledByAHugeCount) {
  const Bytes input = counting(8);
  ByteReader reader(input);
  ASSERT_TRUE(reader.u8("first").has_value());
  EXPECT_FALSE(reader.take(SIZE_MAX, "all").has_value());
  EXPECT_FALSE(reader.take(SIZE_MAX - 1, "all").has_value());
  EXPECT_EQ(reader.remaining(), 7U);
  EXPECT_EQ(reader.take(7, "rest")->size(), 7U);
  EXPECT_TRUE(reader.take(0, "nothing").has_value());
}

TEST(ByteReader, RefusesTrailingBytes) {
  const Bytes input = counting(3);
  ByteReader reader(input);
  ASSERT_TRUE(reader.u8("first").has_value());
  const auto end = reader.expect_end("the message");
  ASSERT_FALSE(end.has_value());
  EXPECT_EQ(end.error().message, "the message: 2 bytes too many after offset 1");
}

}  // namespace
}  // namespace avouch
