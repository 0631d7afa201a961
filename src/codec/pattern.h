#pragma once

// Regular expressions of policies: RE2 syntax (github.com/google/re2/wiki/Syntax), always matched
// against the whole text, in time linear in the text and memory bounded at compilation. Texts are
// bytes (Latin-1 to RE2): what a node measured need not be UTF-8.

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace avouch::codec {

// Immutable; copies share the compiled form. Thread-safe.
class Pattern {
 public:
  static constexpr std::size_t kMaxBytes = 1024;

  // kRejected says what is wrong and where: longer than max_bytes, not RE2 syntax, or too large
  // once compiled. ^ and $ are allowed and change nothing at the ends.
  static Result<Pattern> compile(std::string_view text, std::size_t max_bytes = kMaxBytes);

  // Whether all of `subject` matches; never a part of it.
  bool matches(std::string_view subject) const;
  // Whether some run of characters within `subject` matches.
  bool found_in(std::string_view subject) const;

  const std::string& text() const;

  bool operator==(const Pattern& other) const { return text() == other.text(); }

 private:
  struct Compiled;
  explicit Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

// The expression that matches `text` alone: a backslash before what means something to RE2.
std::string escaped(std::string_view text);

}  // namespace avouch::codec
