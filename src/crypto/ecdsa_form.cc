#include "crypto/ecdsa_form.h"

namespace avouch::crypto {
namespace {

constexpr std::uint8_t kSequenceTag = 0x30;
constexpr std::uint8_t kIntegerTag = 0x02;

void append_integer(Bytes& out, ByteView unsigned_be) {
  while (unsigned_be.size() > 1 && unsigned_be[0] == 0) unsigned_be = unsigned_be.subspan(1);
  const bool pad = (unsigned_be[0] & 0x80) != 0;
  append_u8(out, kIntegerTag);
  append_u8(out, static_cast<std::uint8_t>(unsigned_be.size() + (pad ? 1 : 0)));
  if (pad) append_u8(out, 0);
  append(out, unsigned_be);
}

Result<void> read_integer(ByteReader& reader, std::size_t size, Bytes& out) {
  AVOUCH_TRY(const std::uint8_t tag, reader.u8("INTEGER tag"));
  AVOUCH_TRY(const std::uint8_t length, reader.u8("INTEGER length"));
  AVOUCH_TRY(ByteView value, reader.take(length, "INTEGER"));
  const bool has_pad = value.size() > 1 && value[0] == 0;
  if (tag != kIntegerTag || value.empty() || (value[0] & 0x80) != 0 ||
      (has_pad && (value[1] & 0x80) == 0)) {
    return rejected("ECDSA signature: not the DER of a positive INTEGER");
  }
  if (has_pad) value = value.subspan(1);
  if (value.size() > size) return rejected("ECDSA signature: an INTEGER is too long for the curve");
  out.insert(out.end(), size - value.size(), 0);
  append(out, value);
  return {};
}

}  // namespace

Result<Bytes> ecdsa_raw_to_der(ByteView raw, std::size_t size) {
  if (size == 0 || size > 60 || raw.size() != 2 * size) {
    return rejected("ECDSA signature has " + std::to_string(raw.size()) + " bytes, expected " +
                    std::to_string(2 * size) + " (r || s)");
  }
  Bytes out;
  out.reserve(2 * size + 8);
  append_u8(out, kSequenceTag);
  append_u8(out, 0);
  append_integer(out, raw.first(size));
  append_integer(out, raw.last(size));
  out[1] = static_cast<std::uint8_t>(out.size() - 2);
  return out;
}

Result<Bytes> ecdsa_der_to_raw(ByteView der, std::size_t size) {
  ByteReader reader(der);
  AVOUCH_TRY(const std::uint8_t tag, reader.u8("SEQUENCE tag"));
  AVOUCH_TRY(const std::uint8_t length, reader.u8("SEQUENCE length"));
  if (tag != kSequenceTag || length >= 0x80 || length != reader.remaining()) {
    return rejected("ECDSA signature: not a DER SEQUENCE of the right length");
  }
  Bytes out;
  out.reserve(2 * size);
  AVOUCH_CHECK(read_integer(reader, size, out));
  AVOUCH_CHECK(read_integer(reader, size, out));
  AVOUCH_CHECK(reader.expect_end("ECDSA signature"));
  return out;
}

}  // namespace avouch::crypto
