#include "base/listing.h"

#include <algorithm>

namespace avouch {

std::string list_of_some(std::span<const std::string> parts, std::size_t most) {
  std::string out;
  for (const std::string& part : parts.first(std::min(most, parts.size()))) {
    if (!out.empty()) out += "; ";
    out += part;
  }
  if (parts.size() > most) out += "; and " + std::to_string(parts.size() - most) + " more";
  return out;
}

}  // namespace avouch
