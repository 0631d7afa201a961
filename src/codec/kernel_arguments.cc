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

// Split at white space that stands in no pair of double quotes.
std::vector<std::string_view> written_arguments(std::string_view line, bool quotes) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while (true) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size()) return out;
    const std::size_t start = at;
    for (bool quoted = false; at < line.size(); ++at) {
      if (!quoted && is_space(line[at])) break;
      if (quotes && line[at] == '"') quoted = !quoted;
    }
    out.push_back(line.substr(start, at - start));
  }
}

constexpr std::string_view kSpecial = "\"'\\";

std::string without_special(std::string_view word) {
  std::string out(word);
  std::erase_if(out, [](char c) { return kSpecial.find(c) != std::string_view::npos; });
  return out;
}

// What follows a quote that is never closed is one word.
std::vector<std::string> systemd_words(std::string_view line, bool escapes) {
  std::vector<std::string> out;
  bool in_word = false;
  char quote = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (quote == 0 && is_space(c)) {
      in_word = false;
      continue;
    }
    if (!in_word) out.emplace_back();
    in_word = true;
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (c == '\\' && escapes) {
      if (++at < line.size()) out.back() += line[at];
    } else {
      out.back() += c;
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> kernel_arguments(std::string_view command_line) {
  std::vector<std::string> out;
  for (const std::string_view each : written_arguments(command_line, true)) {
    out.push_back(unquoted(each));
  }
  return out;
}

std::vector<std::vector<std::string>> argument_readings(std::string_view command_line) {
  std::vector<std::vector<std::string>> out{kernel_arguments(command_line)};
  if (command_line.find_first_of(kSpecial) == std::string_view::npos) return out;
  const std::vector<std::string_view> words = written_arguments(command_line, false);
  out.emplace_back(words.begin(), words.end());
  std::vector<std::string>& bare = out.emplace_back();
  for (const std::string_view each : words) bare.push_back(without_special(each));
  out.push_back(systemd_words(command_line, false));
  out.push_back(systemd_words(command_line, true));
  return out;
}

}  // namespace avouch::codec
