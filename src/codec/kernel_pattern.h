#pragma once

// Expressions of kernel arguments that must not be there. In a parameter's name the kernel takes
// '-' and '_' for the same (kernel/params.c, parameq), and so does systemd: who forbids
// ima_appraise=off forbids ima-appraise=off.

#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/pattern.h"

namespace avouch::codec {

// Immutable, thread-safe. In values too '-' and '_' are the same here: it forbids a little more.
class KernelPattern {
 public:
  // kRejected as Pattern::compile().
  static Result<KernelPattern> compile(std::string_view text);

  // `subject` is an argument, or a whole line: matched as it is written, and without regard to
  // which of the two characters stands in it.
  bool matches(std::string_view subject) const;
  const std::string& text() const { return written_.text(); }

 private:
  KernelPattern(Pattern written, Pattern folded)
      : written_(std::move(written)), folded_(std::move(folded)) {}
  Pattern written_, folded_;
};

// With '_' wherever '-' stands.
std::string folded_argument(std::string_view argument);
// The expression of which a folded text is a match if, and only if, `expression` matches some text
// that folds to it; a correct one of RE2's syntax, for others nothing is promised.
std::string folded_expression(std::string_view expression);

}  // namespace avouch::codec
