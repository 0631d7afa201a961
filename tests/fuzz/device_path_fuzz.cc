// EFI device paths, and image load events around them: printable, bounded text or an error.

#include <cstdint>
#include <cstdlib>

#include "bootlog/device_path.h"
#include "fuzz/fuzz_target.h"

namespace avouch::fuzzing::device_path_target {

AVOUCH_FUZZ_TARGET("device_path_fuzz") {
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

}  // namespace avouch::fuzzing::device_path_target
