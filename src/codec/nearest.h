#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace avouch::codec {

// The name that somebody who typed `typed` most likely meant: equal but for case, or at most a
// third of its letters (and at most 3) inserted, removed or replaced. Nothing if none is that near.
std::optional<std::string> nearest_name(std::string_view typed,
                                        const std::vector<std::string>& names);

}  // namespace avouch::codec
