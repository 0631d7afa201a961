#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace avouch::codec {

struct CodePoint {
  std::uint32_t value;
  std::size_t length;  // bytes, 1 to 4
};

// The code point at the front of `text` (RFC 3629: shortest form, no surrogates, at most U+10FFFF);
// nothing if `text` is empty or starts with anything else.
std::optional<CodePoint> first_code_point(std::string_view text);

// Whether it changes how other text looks, and shows nothing itself: control characters (C0, DEL,
// C1), which terminals obey, the controls of writing direction, separators of lines and paragraphs,
// and fillers, selectors, tags and others of no width, by which one name looks like another or
// holds what nobody sees.
bool is_unseen(std::uint32_t code_point);

bool is_utf8(std::string_view text);

// Every byte that belongs to no code point becomes U+FFFD.
std::string to_valid_utf8(std::string_view text);

// UTF-8 in at most so many bytes, "..." with it where it is cut.
std::string shortened(std::string_view text, std::size_t most);

// For messages: in double quotes, unseen characters and invalid bytes as '?', and at most
// `max_bytes` of it followed by "..." where it is longer.
std::string in_quotes(std::string_view text, std::size_t max_bytes = 64);

}  // namespace avouch::codec
