#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace avouch {

// For messages: the first `most` of `parts` with "; " between them, and "; and N more" where there
// are others.
std::string list_of_some(std::span<const std::string> parts, std::size_t most);

}  // namespace avouch
