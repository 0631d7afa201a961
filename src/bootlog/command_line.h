#pragma once

// The rules for a kernel's command line. Private to bootlog/.

#include "bootlog/findings.h"
#include "bootlog/meaning.h"

namespace avouch::bootlog {

// One text that may have been it: what is required must be there for whoever reads the line, what
// is forbidden for none of them; and nothing by which the rest of a boot is sure no more, unless a
// required expression of the whole line names it.
void judge_command_line(const CommandLine& line, const attest::BootLogSpec& policy, Findings& out);

}  // namespace avouch::bootlog
