#include "runtimelog/coverage.h"

#include <algorithm>

namespace avouch::runtimelog {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Without a quote at its front, and then without one at its end.
std::string_view unquoted(std::string_view text) {
  if (text.empty() || text.front() != '"') return text;
  text.remove_prefix(1);
  if (!text.empty() && text.back() == '"') text.remove_suffix(1);
  return text;
}

// The next argument; `rest` begins behind it.
std::string_view next_argument(std::string_view& rest) {
  while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  std::size_t size = 0;
  for (bool quoted = false; size < rest.size() && (quoted || !is_space(rest[size])); ++size) {
    if (rest[size] == '"') quoted = !quoted;
  }
  const std::string_view out = rest.substr(0, size);
  rest.remove_prefix(size);
  return unquoted(out);
}

bool names_tcb(std::string_view policies) {
  while (!policies.empty()) {
    const std::size_t size = std::min(policies.find_first_of(" |\n"), policies.size());
    if (policies.substr(0, size) == "tcb") return true;
    policies.remove_prefix(std::min(size + 1, policies.size()));
  }
  return false;
}

}  // namespace

Coverage coverage_of_command_line(std::string_view command_line) {
  Coverage out = Coverage::kUnknown;
  while (!command_line.empty()) {
    const std::string_view argument = next_argument(command_line);
    constexpr std::string_view kPolicy = "ima_policy=";
    if (argument == "--") break;
    if (argument == "ima_tcb") out = Coverage::kExecutables;
    if (argument.rfind(kPolicy, 0) == 0 && names_tcb(unquoted(argument.substr(kPolicy.size())))) {
      out = Coverage::kExecutables;
    }
  }
  return out;
}

}  // namespace avouch::runtimelog
