#pragma once

// What GRUB says that it does: the texts that it measures into PCR 8.

#include <cstddef>
#include <limits>
#include <optional>
#include <string_view>

namespace avouch::bootlog {

// A text all of whose words may be names: it shows no argument.
inline constexpr std::size_t kOnlyNames = std::numeric_limits<std::size_t>::max();

struct GrubText {
  // What a kernel may be given: of a command that loads one what follows the command; of any other
  // text that is no command of GRUB's known to load nothing, such as `set`, the whole text. That
  // may be GRUB's copy of the arguments: nobody vouches for which of the two a text is.
  std::optional<std::string_view> kernels;
  // Words at its beginning that are no arguments: the file's name, which the kernel gets as
  // BOOT_IMAGE=NAME, and GRUB's own options before it. kOnlyNames of what `chainloader` starts: a
  // file's name may have blanks, and GRUB shows no copy of such arguments.
  std::size_t names = 0;
  // The kernel's file has the name of a command.
  bool is_ambiguous = false;
  // A command after which nothing that the boot loader measured is sure.
  bool unproves = false;
};

// `text` outlives the result.
GrubText read_grub_text(std::string_view text);

}  // namespace avouch::bootlog
