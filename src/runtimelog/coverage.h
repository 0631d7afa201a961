#pragma once

#include <cstddef>
#include <string_view>

namespace avouch::runtimelog {

// What the kernel's own policy has it measure. The log does not say: a file that is not in it was
// not used, or was not measured.
enum class Coverage {
  kUnknown,      // nothing can be said of what ran
  kExecutables,  // all programs, libraries and modules, and what root reads (ima_policy=tcb)
};

// By the kernel command line, which must come from data that the quote proves (the boot log's):
// kExecutables where it has ima_policy with tcb among its parts, or the older ima_tcb. Read as the
// kernel reads it, and nothing is said where it has IMA not run (initcall_blacklist, ima=off) or
// log by a template of its own (ima_template_fmt): double quotes keep spaces, what follows "--" is
// for init. A policy that the node loads later replaces it; under tcb its file is measured as root
// reads it, so it is in the log.
Coverage coverage_of_command_line(std::string_view command_line, std::size_t names = 0);

}  // namespace avouch::runtimelog
