#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace avouch::codec {

// The arguments of a kernel command line as Linux reads them (lib/cmdline.c, next_arg): separated
// by white space, but not within double quotes, which are then left out: `a="b c" "d=e"` is `a=b c`
// and `d=e`. "--" and what follows it (for init) are arguments like others.
std::vector<std::string> kernel_arguments(std::string_view command_line);
// The same arguments with their quotes.
std::vector<std::string_view> written_arguments(std::string_view command_line);

}  // namespace avouch::codec
