#include "base/bytes.h"

#include <algorithm>

namespace avouch {
namespace {

template <typename Integer>
void append_be(Bytes& out, Integer value) {
  for (std::size_t i = sizeof(Integer); i-- > 0;) {
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
}

template <typename Integer>
Result<Integer> read_be(ByteReader& reader, std::string_view what) {
  AVOUCH_TRY(const ByteView bytes, reader.take(sizeof(Integer), what));
  Integer value = 0;
  for (const std::uint8_t byte : bytes) value = static_cast<Integer>((value << 8) | byte);
  return value;
}

template <typename Integer>
Result<Integer> read_le(ByteReader& reader, std::string_view what) {
  AVOUCH_TRY(const ByteView bytes, reader.take(sizeof(Integer), what));
  Integer value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = static_cast<Integer>((value << 8) | bytes[i]);
  return value;
}

}  // namespace

ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes to_bytes(std::string_view text) { return {text.begin(), text.end()}; }

void append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }
void append(Bytes& out, std::string_view more) { append(out, as_bytes(more)); }
void append_u8(Bytes& out, std::uint8_t value) { out.push_back(value); }
void append_be16(Bytes& out, std::uint16_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value & 0xff));
}
void append_be32(Bytes& out, std::uint32_t value) { append_be(out, value); }
void append_be64(Bytes& out, std::uint64_t value) { append_be(out, value); }

bool equal(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

Result<ByteView> ByteReader::take(std::size_t count, std::string_view what) {
  if (count > remaining()) {
    return rejected(std::string(what) + ": needs " + std::to_string(count) + " bytes at offset " +
                    std::to_string(offset_) + ", only " + std::to_string(remaining()) +
                    " are left");
  }
  const ByteView taken = input_.subspan(offset_, count);
  offset_ += count;
  return taken;
}

Result<std::uint8_t> ByteReader::u8(std::string_view what) {
  return read_be<std::uint8_t>(*this, what);
}
Result<std::uint16_t> ByteReader::be16(std::string_view what) {
  return read_be<std::uint16_t>(*this, what);
}
Result<std::uint32_t> ByteReader::be32(std::string_view what) {
  return read_be<std::uint32_t>(*this, what);
}
Result<std::uint64_t> ByteReader::be64(std::string_view what) {
  return read_be<std::uint64_t>(*this, what);
}
Result<std::uint16_t> ByteReader::le16(std::string_view what) {
  return read_le<std::uint16_t>(*this, what);
}
Result<std::uint32_t> ByteReader::le32(std::string_view what) {
  return read_le<std::uint32_t>(*this, what);
}
Result<std::uint64_t> ByteReader::le64(std::string_view what) {
  return read_le<std::uint64_t>(*this, what);
}

Result<void> ByteReader::expect_end(std::string_view what) const {
  if (at_end()) return {};
  return rejected(std::string(what) + ": " + std::to_string(remaining()) +
                  " bytes too many after offset " + std::to_string(offset_));
}

}  // namespace avouch
