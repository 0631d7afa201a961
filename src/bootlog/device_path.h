#pragma once

// EFI device paths (UEFI 2.10, chapter 10) and image load events, as text for people: nothing in
// them is covered by a digest.

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::bootlog {

inline constexpr std::size_t kMaxPathNodes = 64;

// "PciRoot(0x0)/Pci(0x1f,0x2)/HD(1,GPT,...)/\EFI\debian\shimx64.efi". kRejected: a node shorter
// than its head or longer than what is left, no end node, bytes after it, more than kMaxPathNodes.
Result<std::string> device_path_text(ByteView path);

// UEFI_IMAGE_LOAD_EVENT (TCG PFP 1.06, 10.2.3). Nothing where the sizes do not add up.
struct ImageLoad {
  std::uint64_t location = 0, size = 0;
  std::string path;  // of the device, or what is wrong with it
};
std::optional<ImageLoad> parse_image_load(ByteView data);

}  // namespace avouch::bootlog
