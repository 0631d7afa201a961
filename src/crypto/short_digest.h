#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace avouch::crypto {

// The first 16 bytes of the text's SHA-256: for tables whose keys are long names.
std::array<std::uint8_t, 16> short_digest(std::string_view text);

}  // namespace avouch::crypto
