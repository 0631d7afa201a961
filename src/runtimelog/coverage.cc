#include "runtimelog/coverage.h"

#include <algorithm>

#include "codec/kernel_arguments.h"
#include "codec/kernel_pattern.h"

namespace avouch::runtimelog {
namespace {

bool names_tcb(std::string_view policies) {
  while (!policies.empty()) {
    const std::size_t size = std::min(policies.find_first_of(" |\n"), policies.size());
    if (policies.substr(0, size) == "tcb") return true;
    policies.remove_prefix(std::min(size + 1, policies.size()));
  }
  return false;
}

}  // namespace

Coverage coverage_of_command_line(std::string_view command_line, std::size_t names) {
  constexpr std::string_view kPolicy = "ima_policy=";
  Coverage out = Coverage::kUnknown;
  for (const std::string& argument : codec::kernel_arguments(command_line)) {
    if (argument == "--") break;
    const bool is_name = names > 0;
    if (is_name) --names;
    const std::string folded = codec::folded_argument(argument);
    if (folded.starts_with("initcall_blacklist=") || folded.starts_with("ima_template_fmt=") ||
        argument == "ima=off") {
      return Coverage::kUnknown;  // IMA may not run at all, or log what nobody knows
    }
    const bool tcb = argument.rfind(kPolicy, 0) == 0 &&
                     names_tcb(std::string_view(argument).substr(kPolicy.size()));
    if (!is_name && (argument == "ima_tcb" || tcb)) out = Coverage::kExecutables;
  }
  return out;
}

}  // namespace avouch::runtimelog
