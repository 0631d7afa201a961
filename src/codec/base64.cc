#include "codec/base64.h"

#include <algorithm>
#include <array>

namespace avouch::codec {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t kNoDigit = 0xff;
using Digits = std::array<std::uint8_t, 256>;

constexpr Digits digits_of(std::string_view alphabet) {
  Digits digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    digits[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}

constexpr Digits kStandardDigits = digits_of(kStandard);
constexpr Digits kUrlDigits = digits_of(kUrl);

std::string encode(ByteView bytes, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k <= count; ++k) out.push_back(alphabet[group >> (18 - 6 * k) & 63]);
    if (padded) out.append(3 - count, '=');
  }
  return out;
}

// `text` without padding.
Result<Bytes> decode(std::string_view text, const Digits& digits, std::string_view form) {
  if (text.size() % 4 == 1) {
    return rejected(std::string(form) +
                    " text has an impossible length: " + std::to_string(text.size()) + " digits");
  }
  Bytes out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint8_t digit = digits[static_cast<std::uint8_t>(text[i])];
    if (digit == kNoDigit) {
      return rejected("not a " + std::string(form) + " digit at position " + std::to_string(i));
    }
    group = group << 6 | digit;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(group >> bits & 0xff));
    }
  }
  if ((group & ((1U << bits) - 1)) != 0) {
    return rejected(std::string(form) + " text ends in bits that belong to no byte: one value " +
                    "has one encoding");
  }
  return out;
}

}  // namespace

std::string to_base64(ByteView bytes) { return encode(bytes, kStandard, true); }

Result<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return rejected("base64 text must be padded to a multiple of 4 characters, has " +
                    std::to_string(text.size()));
  }
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode(text, kStandardDigits, "base64");
}

std::string to_base64url(ByteView bytes) { return encode(bytes, kUrl, false); }

Result<Bytes> from_base64url(std::string_view text) {
  return decode(text, kUrlDigits, "base64url");
}

}  // namespace avouch::codec
