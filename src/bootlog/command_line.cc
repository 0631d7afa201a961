#include "bootlog/command_line.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bootlog/grub_text.h"
#include "bootlog/text.h"
#include "codec/kernel_arguments.h"

namespace avouch::bootlog {
namespace {

using attest::Claim;

struct Unproving {
  std::string_view name, why;
  bool anywhere;  // found in the middle of a word too
};
// Linux: drivers/firmware/efi/libstub/{file,efi-stub-helper}.c, which know no words; init/main.c;
// init/do_mounts_initrd.c.
constexpr std::array<Unproving, 4> kUnprovingArguments = {
    {{"initrd=", "the kernel's EFI stub loads that file, and many kernels do not measure it", true},
     {"dtb=", "the kernel's EFI stub loads that device tree, which nothing measures", true},
     {"initrdmem=", "the kernel unpacks what is in memory there, which nothing measures", false},
     {"initcall_blacklist=", "that function of the kernel's does not run, IMA's own if it names it",
      false}}};

// A word with blanks in it may read as a whole line: it satisfies nothing.
bool satisfies(const codec::Pattern& pattern, std::span<const std::string> words) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& each) {
    return each.find_first_of(" \t\n\v\f\r") == std::string::npos && pattern.matches(each);
  });
}

// What is not for init.
std::span<const std::string> kernels_part(const std::vector<std::string>& words) {
  return {words.begin(), std::find(words.begin(), words.end(), "--")};
}

std::string joined(std::span<const std::string> arguments) {
  std::string out;
  for (const std::string& each : arguments) out += (out.empty() ? "" : " ") + each;
  return out;
}

// What an expression writes as it is: a blank for what bounds its parts, NUL for whatever else
// stands for more than itself.
std::string literals_of(std::string_view expression) {
  std::string out;
  bool quoted = false, in_class = false;  // between \Q and \E; between [ and ]
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const char c = expression[i];
    const char next = i + 1 < expression.size() ? expression[i + 1] : '\0';
    if (quoted && c == '\\' && next == 'E') {
      quoted = false;
      ++i;
    } else if (quoted) {
      out += c;
    } else if (c == '\\') {
      quoted = next == 'Q';
      const bool is_itself = std::isalnum(static_cast<unsigned char>(next)) == 0 && !in_class;
      if (!quoted) out += is_itself ? next : '\0';
      ++i;
    } else if (in_class || c == '[') {
      in_class = c != ']';
      out += '\0';
    } else if (std::string_view("()|^$").find(c) != std::string_view::npos) {
      out += ' ';
      if (expression.substr(i).starts_with("(?:")) i += 2;
    } else {
      out += std::string_view(".*+?{}]").find(c) != std::string_view::npos ? '\0' : c;
    }
  }
  return out;
}

// A backslash is a quote where it stands before a blank, before a quote or at the end.
bool is_quote(std::string_view line, std::size_t at) {
  const char next = at + 1 < line.size() ? line[at + 1] : ' ';
  return line[at] == '"' || line[at] == '\'' ||
         (line[at] == '\\' && (next == ' ' || next == '"' || next == '\''));
}

// From the first word with a quote to the last one.
std::string_view quoted_part(std::string_view line) {
  std::size_t first = line.size(), last = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (!is_quote(line, i)) continue;
    first = std::min(first, i);
    last = i;
  }
  if (first == line.size()) return {};
  const std::size_t before = line.rfind(' ', first);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  return line.substr(begin, std::min(line.find(' ', last), line.size()) - begin);
}

// Whether what follows is outside of quotes, to the kernel, which knows only ", and to those who
// know ' too, with backslashes (systemd, shells) or without (systemd since 250).
bool is_closed(std::string_view text) {
  const auto ends_open = [text](bool escapes) {
    char open = '\0';
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (escapes && c == '\\' && open != '\'') {
        if (++i == text.size()) return true;
      } else if (open == '\0' && (c == '"' || c == '\'')) {
        open = c;
      } else if (c == open) {
        open = '\0';
      }
    }
    return open != '\0';
  };
  return std::count(text.begin(), text.end(), '"') % 2 == 0 && !ends_open(true) &&
         !ends_open(false);
}

// Whole words, outside of quotes where they begin.
bool has_words(std::string_view text, std::string_view words) {
  for (std::size_t at = text.find(words); at != std::string_view::npos;
       at = text.find(words, at + 1)) {
    const std::size_t end = at + words.size();
    if ((at == 0 || text[at - 1] == ' ') && (end == text.size() || text[end] == ' ') &&
        is_closed(text.substr(0, at))) {
      return true;
    }
  }
  return false;
}

// From the word "--" on.
std::string_view part_for_init(std::string_view line) {
  for (std::size_t at = 0; at < line.size();
       at = std::min(line.find(' ', at), line.size() - 1) + 1) {
    const std::string_view rest = line.substr(at);
    if (rest == "--" || rest.starts_with("-- ")) return rest;
  }
  return {};
}

// A line, split once.
class Line {
 public:
  explicit Line(const CommandLine& line)
      : line_(line), readings_(codec::argument_readings(line.text)), words_{line.text} {
    for (const auto& each : readings_) words_.insert(words_.end(), each.begin(), each.end());
    std::sort(words_.begin(), words_.end());
    words_.erase(std::unique(words_.begin(), words_.end()), words_.end());
    const std::vector<std::string>& arguments = readings_.front();
    const std::span<const std::string> of_kernel = kernels_part(arguments);
    if (of_kernel.size() < arguments.size()) before_ = joined(of_kernel);
  }

  const std::string& text() const { return line_.text; }
  // It, and every word of any reading, each once.
  std::span<const std::string> words() const { return words_; }

  // For every reader.
  bool has(const codec::Pattern& pattern) const {
    return std::all_of(readings_.begin(), readings_.end(), [&](const auto& reading) {
      const std::span<const std::string> part = kernels_part(reading);
      return satisfies(pattern, part.subspan(std::min(line_.names, part.size())));
    });
  }

  // What is for init must not be what satisfies an expression of the whole line, nor pass unseen:
  // the part before it must match alone, or that part be written in the expression. What lies
  // between quotes must be written too, as one quote more in what is free turns all of them round;
  // and no name of a file may read as an argument.
  bool is(const codec::Pattern& pattern) const {
    if (line_.names == kOnlyNames) return false;
    if (line_.names > 0 && !line_.text.starts_with('/') && !line_.text.starts_with('(')) {
      return false;
    }
    if (!pattern.matches(line_.text)) return false;
    const std::string_view quoted = quoted_part(line_.text), for_init = part_for_init(line_.text);
    const std::string written = literals_of(pattern.text());
    const bool is_written =
        has_words(written, line_.text) || (is_closed(quoted) && has_words(written, quoted));
    if (!quoted.empty() && !is_written) return false;
    return !before_ || pattern.matches(*before_) ||
           (!for_init.empty() && has_words(written, for_init));
  }

 private:
  const CommandLine& line_;
  std::vector<std::vector<std::string>> readings_;
  std::vector<std::string> words_;
  std::optional<std::string> before_;  // the part before "--", where there is one
};

std::string folded(std::string text) {
  std::replace(text.begin(), text.end(), '-', '_');
  return text;
}

class Rules {
 public:
  Rules(const CommandLine& line, const attest::BootLogSpec& policy, Findings& out)
      : event_(line.event), line_(line), policy_(policy), out_(out) {}

  void run() {
    for (const Unproving& each : kUnprovingArguments) {
      if (!has(each) || is_known_with(each.name)) continue;
      refuse("\"" + std::string(each.name) + "\": " + std::string(each.why) +
                 ". A policy that puts up with it requires the whole line",
             true);
    }
    for (const codec::Pattern& pattern : policy_.command_line_required) {
      if (line_.has(pattern) || line_.is(pattern)) continue;
      refuse("\"" + printable(pattern.text(), 128) + "\", which the policy requires", false);
    }
    for (const codec::KernelPattern& pattern : policy_.command_line_forbidden) {
      const auto words = line_.words();
      if (std::any_of(words.begin(), words.end(),
                      [&](const std::string& each) { return pattern.matches(each); })) {
        refuse("\"" + printable(pattern.text(), 128) + "\", which the policy forbids", true);
      }
    }
  }

 private:
  bool has(const Unproving& what) const {
    if (what.anywhere) return line_.text().find(what.name) != std::string::npos;
    const auto words = line_.words();
    return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
      return codec::folded_argument(word).starts_with(what.name);
    });
  }
  bool is_known_with(std::string_view name) const {
    const auto& required = policy_.command_line_required;
    return std::any_of(required.begin(), required.end(), [&](const codec::Pattern& pattern) {
      return folded(pattern.text()).find(name) != std::string::npos && line_.is(pattern) &&
             is_meant(pattern, name);
    });
  }
  // Every time that the line has it: what is left free takes anything else as well.
  bool is_meant(const codec::Pattern& pattern, std::string_view name) const {
    const std::string text = folded(line_.text());
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
      std::string other = line_.text();
      other[at] = 'q';
      if (pattern.matches(other)) return false;
    }
    return true;
  }
  void refuse(const std::string& what, bool is_there) {
    out_.add(Claim::kConfiguration, event_, code::kCommandLine,
             std::string("the kernel's command line has ") + (is_there ? "an" : "no") +
                 " argument " + what + ": \"" + printable(line_.text(), 256) + "\"");
  }

  std::size_t event_;
  Line line_;
  const attest::BootLogSpec& policy_;
  Findings& out_;
};

}  // namespace

void judge_command_line(const CommandLine& line, const attest::BootLogSpec& policy, Findings& out) {
  Rules(line, policy, out).run();
}

}  // namespace avouch::bootlog
