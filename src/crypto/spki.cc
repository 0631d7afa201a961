#include "crypto/spki.h"

#include <array>

namespace avouch::crypto {
namespace {

constexpr std::array<std::uint8_t, 27> kP256 = {
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
    0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
constexpr std::array<std::uint8_t, 24> kP384 = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                                0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                                0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};
constexpr std::array<std::uint8_t, 12> kEd25519 = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                   0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
constexpr std::array<std::uint8_t, 15> kRsaAlgorithm = {
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

constexpr std::uint8_t kInteger = 0x02;
constexpr std::uint8_t kBitString = 0x03;
constexpr std::uint8_t kSequence = 0x30;

bool starts_with(ByteView bytes, ByteView prefix) {
  return bytes.size() >= prefix.size() && equal(bytes.first(prefix.size()), prefix);
}

// Of less than 64 KiB.
void append_tlv(Bytes& out, std::uint8_t tag, ByteView value) {
  append_u8(out, tag);
  if (value.size() < 0x80) {
    append_u8(out, static_cast<std::uint8_t>(value.size()));
  } else if (value.size() < 0x100) {
    append_u8(out, 0x81);
    append_u8(out, static_cast<std::uint8_t>(value.size()));
  } else {
    append_u8(out, 0x82);
    append_be16(out, static_cast<std::uint16_t>(value.size()));
  }
  append(out, value);
}

void append_unsigned(Bytes& out, ByteView number) {
  Bytes value(number.begin(), number.end());
  if (value.empty() || (value[0] & 0x80) != 0) value.insert(value.begin(), 0);
  append_tlv(out, kInteger, value);
}

ByteView without_leading_zeros(ByteView number) {
  while (!number.empty() && number[0] == 0) number = number.subspan(1);
  return number;
}

// The value of the element at the front of `reader`. Lenient about lengths in longer forms than
// needed: the caller encodes again and compares.
Result<ByteView> read_tlv(ByteReader& reader, std::uint8_t tag) {
  AVOUCH_TRY(const std::uint8_t found, reader.u8("tag"));
  AVOUCH_TRY(const std::uint8_t first, reader.u8("length"));
  std::size_t length = first;
  if (first == 0x81) {
    AVOUCH_TRY(length, reader.u8("length"));
  } else if (first == 0x82) {
    AVOUCH_TRY(length, reader.be16("length"));
  } else if (first >= 0x80) {
    return rejected("unsupported length");
  }
  if (found != tag) return rejected("unexpected tag");
  return reader.take(length, "value");
}

Result<RsaNumbers> read_rsa(ByteView der) {
  ByteReader outer(der);
  AVOUCH_TRY(const ByteView info, read_tlv(outer, kSequence));
  if (!starts_with(info, kRsaAlgorithm)) return rejected("not rsaEncryption");
  ByteReader rest(info.subspan(kRsaAlgorithm.size()));
  AVOUCH_TRY(const ByteView bits, read_tlv(rest, kBitString));
  ByteReader key(bits);
  AVOUCH_CHECK(key.u8("unused bits"));
  AVOUCH_TRY(const ByteView numbers, read_tlv(key, kSequence));
  ByteReader reader(numbers);
  AVOUCH_TRY(const ByteView modulus, read_tlv(reader, kInteger));
  AVOUCH_TRY(const ByteView exponent, read_tlv(reader, kInteger));
  const ByteView short_modulus = without_leading_zeros(modulus);
  const ByteView short_exponent = without_leading_zeros(exponent);
  if (short_exponent.size() > 4) return rejected("exponent over 32 bits");
  RsaNumbers out{Bytes(short_modulus.begin(), short_modulus.end()), 0};
  for (const std::uint8_t byte : short_exponent) out.exponent = out.exponent << 8 | byte;
  return out;
}

}  // namespace

Bytes ec_spki(KeyType curve, ByteView x, ByteView y) {
  Bytes out;
  append(out, curve == KeyType::kEcP256 ? ByteView(kP256) : ByteView(kP384));
  append(out, x);
  append(out, y);
  return out;
}

Bytes rsa_spki_of_pkcs1(ByteView rsa_public_key) {
  Bytes bits = {0};  // no unused bits
  append(bits, rsa_public_key);
  Bytes info(kRsaAlgorithm.begin(), kRsaAlgorithm.end());
  append_tlv(info, kBitString, bits);
  Bytes out;
  append_tlv(out, kSequence, info);
  return out;
}

Bytes rsa_spki(ByteView modulus, std::uint32_t exponent) {
  Bytes exponent_be;
  append_be32(exponent_be, exponent);
  Bytes numbers;
  append_unsigned(numbers, without_leading_zeros(modulus));
  append_unsigned(numbers, without_leading_zeros(exponent_be));
  Bytes key;
  append_tlv(key, kSequence, numbers);
  return rsa_spki_of_pkcs1(key);
}

Bytes ed25519_spki(ByteView raw32) {
  Bytes out(kEd25519.begin(), kEd25519.end());
  append(out, raw32);
  return out;
}

std::optional<EcPoint> ec_of_spki(ByteView der) {
  const auto point = [&](KeyType curve, ByteView prefix, std::size_t size) {
    const ByteView x = der.subspan(prefix.size(), size);
    const ByteView y = der.last(size);
    return EcPoint{curve, Bytes(x.begin(), x.end()), Bytes(y.begin(), y.end())};
  };
  if (der.size() == kP256.size() + 64 && starts_with(der, kP256)) {
    return point(KeyType::kEcP256, kP256, 32);
  }
  if (der.size() == kP384.size() + 96 && starts_with(der, kP384)) {
    return point(KeyType::kEcP384, kP384, 48);
  }
  return std::nullopt;
}

std::optional<RsaNumbers> rsa_of_spki(ByteView der) {
  auto numbers = read_rsa(der);
  if (!numbers.has_value() || !equal(rsa_spki(numbers->modulus, numbers->exponent), der)) {
    return std::nullopt;
  }
  return std::move(numbers).value();
}

std::optional<Bytes> ed25519_of_spki(ByteView der) {
  if (der.size() != kEd25519.size() + 32 || !starts_with(der, kEd25519)) return std::nullopt;
  const ByteView raw = der.last(32);
  return Bytes(raw.begin(), raw.end());
}

}  // namespace avouch::crypto
