#pragma once

// What GRUB says that it does: the texts that it measures into PCR 8.

#include <optional>
#include <string_view>

namespace avouch::bootlog {

struct GrubText {
  // What a kernel may be given: of a command that loads one what follows the command; of any other
  // text that is no command of GRUB's known to load nothing, such as `set`, the whole text. That
  // may be GRUB's copy of the arguments: nobody vouches for which of the two a text is.
  std::optional<std::string_view> kernels;
  // The kernel's file has the name of a command.
  bool is_ambiguous = false;
  // A command after which nothing that the boot loader measured is sure.
  bool unproves = false;
};

// `text` outlives the result.
GrubText read_grub_text(std::string_view text);

}  // namespace avouch::bootlog
