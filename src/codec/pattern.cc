#include "codec/pattern.h"

#include <re2/re2.h>

#include "codec/utf8.h"

namespace avouch::codec {
namespace {

constexpr std::int64_t kMaxCompiledBytes = 1 << 20;

re2::RE2::Options options() {
  re2::RE2::Options out;
  out.set_encoding(re2::RE2::Options::EncodingLatin1);
  out.set_log_errors(false);
  out.set_max_mem(kMaxCompiledBytes);
  out.set_dot_nl(true);
  return out;
}

}  // namespace

struct Pattern::Compiled {
  explicit Compiled(std::string_view pattern)
      : text(pattern), expression(re2::StringPiece(text.data(), text.size()), options()) {}
  std::string text;
  re2::RE2 expression;
};

Result<Pattern> Pattern::compile(std::string_view text, std::size_t max_bytes) {
  if (text.empty()) {
    return rejected("the expression is empty: expected an RE2 regular expression");
  }
  if (text.size() > max_bytes) {
    return rejected("the expression has " + std::to_string(text.size()) +
                    " bytes: expected at most " + std::to_string(max_bytes));
  }
  auto compiled = std::make_shared<const Compiled>(text);
  if (!compiled->expression.ok()) {
    return rejected(in_quotes(text) + " is no regular expression of RE2's syntax: " +
                    to_valid_utf8(compiled->expression.error()));
  }
  return Pattern(std::move(compiled));
}

bool Pattern::matches(std::string_view subject) const {
  return re2::RE2::FullMatch(re2::StringPiece(subject.data(), subject.size()),
                             compiled_->expression);
}

bool Pattern::found_in(std::string_view subject) const {
  return re2::RE2::PartialMatch(re2::StringPiece(subject.data(), subject.size()),
                                compiled_->expression);
}

const std::string& Pattern::text() const { return compiled_->text; }

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace avouch::codec
