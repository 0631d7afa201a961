#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace avouch::codec {

// The arguments of a kernel command line as Linux reads them (lib/cmdline.c, next_arg): separated
// by white space, but not within double quotes, which are then left out: `a="b c" "d=e"` is `a=b c`
// and `d=e`. "--" and what follows it (for init) are arguments like others.
std::vector<std::string> kernel_arguments(std::string_view command_line);

// The words of the line as each of those splits it who act on one: the kernel first; then what goes
// by white space alone, whatever is quoted (shells of initrds, x86's cmdline_find_option), once
// with quotes and backslashes in the words and once without them; systemd (extract_first_word), to
// which ' and " quote anywhere in a word, with backslashes kept (since 250), and escaping. Only the
// kernel's where the line has none of these characters: all agree then.
std::vector<std::vector<std::string>> argument_readings(std::string_view command_line);

}  // namespace avouch::codec
