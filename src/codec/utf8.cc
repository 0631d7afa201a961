#include "codec/utf8.h"

#include <algorithm>
#include <array>

namespace avouch::codec {
namespace {

struct Range {
  std::uint32_t first, last;
};
// Control characters, separators of lines and paragraphs, interlinear annotations, and what
// Unicode calls Default_Ignorable_Code_Point.
constexpr std::array kUnseen = {
    Range{0, 0x1f},          Range{0x7f, 0x9f}, Range{0xad, 0xad},  // soft hyphen
    Range{0x34f, 0x34f},                                            // grapheme joiner
    Range{0x61c, 0x61c},                                            // writing direction
    Range{0x115f, 0x1160},                                          // Hangul fillers
    Range{0x17b4, 0x17b5},                                          // Khmer inherent vowels
    Range{0x180b, 0x180f},    // Mongolian variation selectors, vowel separator
    Range{0x200b, 0x200f},    // no width, writing direction
    Range{0x2028, 0x202e},    // separators, writing direction
    Range{0x2060, 0x206f},    // no width, writing direction
    Range{0x3164, 0x3164},    // Hangul filler
    Range{0xfe00, 0xfe0f},    // variation selectors
    Range{0xfeff, 0xfeff},    // byte order mark
    Range{0xffa0, 0xffa0},    // Hangul filler of half width
    Range{0xfff0, 0xfffb},    // annotations
    Range{0x1bca0, 0x1bca3},  // shorthand format controls
    Range{0x1d173, 0x1d17a},  // musical format controls
    Range{0xe0000, 0xe0fff},  // tags, variation selectors
};

}  // namespace

std::optional<CodePoint> first_code_point(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80) return CodePoint{lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return std::nullopt;
  std::uint32_t value = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if ((byte & 0xc0) != 0x80) return std::nullopt;
    value = value << 6 | (byte & 0x3fU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (overlong || surrogate || value > 0x10ffff) return std::nullopt;
  return CodePoint{value, length};
}

bool is_unseen(std::uint32_t code_point) {
  return std::any_of(kUnseen.begin(), kUnseen.end(), [&](const Range& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto point = first_code_point(text);
    if (!point) return false;
    text.remove_prefix(point->length);
  }
  return true;
}

std::string to_valid_utf8(std::string_view text) {
  if (is_utf8(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const auto point = first_code_point(text);
    out += point ? text.substr(0, point->length) : "\xEF\xBF\xBD";
    text.remove_prefix(point ? point->length : 1);
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t most) {
  constexpr std::string_view kCut = "...";
  if (text.size() <= most) return std::string(text);
  std::string_view kept = text.substr(0, most - std::min(most, kCut.size()));
  while (!is_utf8(kept)) kept.remove_suffix(1);
  return std::string(kept) + std::string(kCut.substr(0, most));
}

std::string in_quotes(std::string_view text, std::size_t max_bytes) {
  std::string out = "\"";
  std::size_t used = 0;
  while (used < text.size()) {
    const auto point = first_code_point(text.substr(used));
    const std::size_t length = point ? point->length : 1;
    if (used + length > max_bytes) return out + "...\"";
    const bool shown = point && !is_unseen(point->value);
    out += shown ? text.substr(used, length) : "?";
    used += length;
  }
  return out + "\"";
}

}  // namespace avouch::codec
