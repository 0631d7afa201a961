#pragma once

// What notes need of Unicode.

#include <cstdint>
#include <string_view>

#include "codec/utf8.h"

namespace avouch::tlog {

// Whether `text` is valid UTF-8 and `accept` takes each of its code points.
template <typename Accept>
bool all_code_points(std::string_view text, Accept accept) {
  while (!text.empty()) {
    const auto point = codec::first_code_point(text);
    if (!point || !accept(point->value)) return false;
    text.remove_prefix(point->length);
  }
  return true;
}

inline bool is_control(std::uint32_t point) { return point < 0x20; }

// Unicode's White_Space.
inline bool is_space(std::uint32_t point) {
  return (point >= 0x09 && point <= 0x0D) || point == 0x20 || point == 0x85 || point == 0xA0 ||
         point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
         point == 0x2029 || point == 0x202F || point == 0x205F || point == 0x3000;
}

// Valid UTF-8 without control characters and not empty.
inline bool is_line(std::string_view text) {
  return !text.empty() &&
         all_code_points(text, [](std::uint32_t point) { return !is_control(point); });
}

}  // namespace avouch::tlog
