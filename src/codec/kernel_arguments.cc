#include "codec/kernel_arguments.h"

namespace avouch::codec {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Without a quote at the front, and then without one at the end; the same for the value.
std::string unquoted(std::string_view argument) {
  bool opened = false;
  if (!argument.empty() && argument.front() == '"') {
    argument.remove_prefix(1);
    opened = true;
  }
  const std::size_t equals = argument.find('=');
  std::string out(argument.substr(0, equals));
  if (equals == std::string_view::npos) {
    if (opened && !out.empty() && out.back() == '"') out.pop_back();
    return out;
  }
  std::string_view value = argument.substr(equals + 1);
  if (!value.empty() && value.front() == '"') {
    value.remove_prefix(1);
    opened = true;
  }
  if (opened && !value.empty() && value.back() == '"') value.remove_suffix(1);
  return out + "=" + std::string(value);
}

}  // namespace

std::vector<std::string> kernel_arguments(std::string_view command_line) {
  std::vector<std::string> out;
  for (const std::string_view each : written_arguments(command_line)) out.push_back(unquoted(each));
  return out;
}

std::vector<std::string_view> written_arguments(std::string_view command_line) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while (true) {
    while (at < command_line.size() && is_space(command_line[at])) ++at;
    if (at == command_line.size()) return out;
    const std::size_t start = at;
    for (bool quoted = false; at < command_line.size(); ++at) {
      if (!quoted && is_space(command_line[at])) break;
      if (command_line[at] == '"') quoted = !quoted;
    }
    out.push_back(command_line.substr(start, at - start));
  }
}

}  // namespace avouch::codec
