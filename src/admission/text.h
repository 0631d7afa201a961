#pragma once

#include <string>
#include <string_view>

namespace avouch::admission {

// At most `max_bytes` of UTF-8 text, cut between characters, with "..." where something is missing.
std::string clip(std::string_view text, std::size_t max_bytes);

// In double quotes, control characters replaced, at most 253 bytes: for names in messages.
std::string quote(std::string_view name);

}  // namespace avouch::admission
