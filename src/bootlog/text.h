#pragma once

// Text for people out of bytes that nobody vouches for. Private to bootlog/.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace avouch::bootlog {

std::string hex_number(std::uint64_t value);  // "0x1f"

// At most `limit` characters of printable ASCII; other bytes as \xHH, a cut end as "...".
std::string printable(ByteView bytes, std::size_t limit = 256);
std::string printable(std::string_view text, std::size_t limit = 256);

// UTF-16LE to UTF-8, without a closing NUL. Nothing: odd size, unpaired surrogate, NUL within.
std::optional<std::string> utf16_text(ByteView bytes);
Bytes to_utf16(std::string_view ascii);  // each byte as one unit

// EFI_GUID in its text form, from 16 bytes.
std::string guid_text(ByteView guid);

}  // namespace avouch::bootlog
