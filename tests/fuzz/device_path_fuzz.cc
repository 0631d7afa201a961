// EFI device paths, and image load events around them: printable, bounded text or an error.

#include <cstdint>
#include <cstdlib>

#include "bootlog/device_path.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace bootlog = avouch::bootlog;
  const avouch::ByteView bytes(data, size);
  const auto check = [&](const std::string& text) {
    for (const char c : text) {
      if (c < 0x20 || c > 0x7e) std::abort();
    }
    if (text.size() > bootlog::kMaxPathNodes * 600) std::abort();
  };
  const auto text = bootlog::device_path_text(bytes);
  if (text.has_value()) check(*text);
  if (const auto image = bootlog::parse_image_load(bytes)) check(image->path);
  return 0;
}
