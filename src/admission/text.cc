#include "admission/text.h"

#include "codec/utf8.h"

namespace avouch::admission {

std::string clip(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return std::string(text);
  constexpr std::string_view kDots = "...";
  std::size_t end = max_bytes < kDots.size() ? 0 : max_bytes - kDots.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + std::string(kDots);
}

std::string quote(std::string_view name) { return codec::in_quotes(name, 253); }

}  // namespace avouch::admission
