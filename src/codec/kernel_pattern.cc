#include "codec/kernel_pattern.h"

#include <algorithm>

namespace avouch::codec {
namespace {

// An atom grows by "(?:", "|_" and ")".
constexpr std::size_t kMaxFoldedBytes = Pattern::kMaxBytes * 8;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_octal(char c) { return c >= '0' && c <= '7'; }

// Splits an expression into what matches one character each, and what stands between.
class Folding {
 public:
  explicit Folding(std::string_view expression) : rest_(expression) {}

  std::string run() {
    while (!rest_.empty()) {
      if (rest_.starts_with("\\Q")) {
        quoted();
      } else if (rest_.starts_with("(?")) {
        copy(flags_size());
      } else if (rest_.front() == '[') {
        atom(class_size());
      } else if (rest_.starts_with("\\b") || rest_.starts_with("\\B")) {
        rest_.remove_prefix(2);  // of which '-' is an end of a word, and '_' is none
      } else if (rest_.front() == '\\') {
        atom(escape_size());
      } else {
        literal();
      }
    }
    return std::move(out_);
  }

 private:
  void copy(std::size_t size) {
    size = std::min(size, rest_.size());
    out_ += rest_.substr(0, size);
    rest_.remove_prefix(size);
  }
  void literal() {
    out_ += rest_.front() == '-' ? '_' : rest_.front();
    rest_.remove_prefix(1);
  }
  // Up to \E: each character stands for itself.
  void quoted() {
    const std::size_t end = std::min(rest_.find("\\E", 2), rest_.size());
    out_ += "\\Q" + folded_argument(rest_.substr(2, end - 2)) + "\\E";
    rest_.remove_prefix(std::min(end + 2, rest_.size()));
  }
  // What matches '-' must match '_' as well, for which it stands now.
  void atom(std::size_t size) {
    const std::string_view text = rest_.substr(0, size);
    const auto alone = Pattern::compile(text);
    const bool widened = alone.has_value() && alone->matches("-") && !alone->matches("_");
    if (widened) out_ += "(?:";
    copy(size);
    if (widened) out_ += "|_)";
  }
  // "(?flags:", "(?flags)", "(?P<name>": a '-' in there switches flags off.
  std::size_t flags_size() const {
    const std::size_t end = rest_.find_first_of(":)>", 2);
    return end == std::string_view::npos ? rest_.size() : end + 1;
  }
  std::size_t class_size() const {
    std::size_t at = 1;
    if (at < rest_.size() && rest_[at] == '^') ++at;
    if (at < rest_.size() && rest_[at] == ']') ++at;  // in first place it is one of the class
    while (at < rest_.size() && rest_[at] != ']') {
      if (rest_[at] == '\\') {
        at += 2;
      } else if (rest_.substr(at).starts_with("[:") &&
                 rest_.find(":]", at + 2) != std::string_view::npos) {
        at = rest_.find(":]", at + 2) + 2;
      } else {
        ++at;
      }
    }
    return std::min(at + 1, rest_.size());
  }
  std::size_t escape_size() const {
    if (rest_.size() < 2) return rest_.size();
    const char kind = rest_[1];
    const bool in_braces = rest_.size() > 2 && rest_[2] == '{';
    if ((kind == 'x' || kind == 'p' || kind == 'P') && in_braces) {
      return std::min(rest_.find('}'), rest_.size() - 1) + 1;
    }
    if (kind == 'p' || kind == 'P') return std::min<std::size_t>(3, rest_.size());
    std::size_t size = 2;
    if (kind == 'x') {
      while (size < 4 && size < rest_.size() && is_hex(rest_[size])) ++size;
    } else if (is_octal(kind)) {
      while (size < 4 && size < rest_.size() && is_octal(rest_[size])) ++size;
    }
    return size;
  }

  std::string_view rest_;
  std::string out_;
};

}  // namespace

std::string folded_argument(std::string_view argument) {
  std::string out(argument);
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

std::string folded_expression(std::string_view expression) { return Folding(expression).run(); }

Result<KernelPattern> KernelPattern::compile(std::string_view text) {
  AVOUCH_TRY(Pattern written, Pattern::compile(text));
  auto folded = Pattern::compile(folded_expression(text), kMaxFoldedBytes);
  if (!folded.has_value()) {
    return with_context(std::move(folded).error(), "with '_' for '-', as the kernel reads names");
  }
  return KernelPattern(std::move(written), *std::move(folded));
}

bool KernelPattern::matches(std::string_view subject) const {
  return written_.matches(subject) || folded_.matches(folded_argument(subject));
}

}  // namespace avouch::codec
