#include "bootlog/text.h"

#include <array>
#include <charconv>

namespace avouch::bootlog {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

void put_hex(std::string& out, std::uint8_t byte) {
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

void put_utf8(std::string& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | (point >> 6));
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3f));
    put(0x80 | ((point >> 6) & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

}  // namespace

std::string hex_number(std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return "0x" + std::string(digits.data(), end.ptr);
}

std::string printable(ByteView bytes, std::size_t limit) {
  std::string out;
  for (const std::uint8_t byte : bytes) {
    if (out.size() >= limit) return out + "...";
    if (byte >= 0x20 && byte < 0x7f && byte != '\\') {
      out += static_cast<char>(byte);
    } else {
      out += "\\x";
      put_hex(out, byte);
    }
  }
  return out;
}

std::string printable(std::string_view text, std::size_t limit) {
  return printable(as_bytes(text), limit);
}

std::optional<std::string> utf16_text(ByteView bytes) {
  if (bytes.size() % 2 != 0) return std::nullopt;
  const auto unit = [&](std::size_t at) {
    return static_cast<std::uint32_t>(bytes[at] | (bytes[at + 1] << 8));
  };
  std::size_t end = bytes.size();
  if (end >= 2 && unit(end - 2) == 0) end -= 2;
  std::string out;
  for (std::size_t at = 0; at < end; at += 2) {
    std::uint32_t point = unit(at);
    if (point == 0) return std::nullopt;
    if (point >= 0xd800 && point < 0xe000) {
      if (point >= 0xdc00 || at + 4 > end) return std::nullopt;
      const std::uint32_t low = unit(at + 2);
      if (low < 0xdc00 || low >= 0xe000) return std::nullopt;
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
      at += 2;
    }
    put_utf8(out, point);
  }
  return out;
}

Bytes to_utf16(std::string_view ascii) {
  Bytes out;
  out.reserve(ascii.size() * 2);
  for (const char c : ascii) {
    out.push_back(static_cast<std::uint8_t>(c));
    out.push_back(0);
  }
  return out;
}

std::string guid_text(ByteView guid) {
  if (guid.size() != 16) return "?";
  constexpr std::array<std::uint8_t, 16> kOrder = {3, 2, 1,  0,  5,  4,  7,  6,
                                                   8, 9, 10, 11, 12, 13, 14, 15};
  std::string out;
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    put_hex(out, guid[kOrder[i]]);
  }
  return out;
}

}  // namespace avouch::bootlog
