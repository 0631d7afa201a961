#include "kube/list_split.h"

#include <cstddef>

namespace avouch::kube {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string::npos) {
      ++at_;
    }
  }

  Result<void> expect(char c) {
    skip_space();
    if (peek() != c) return fail(std::string("expected '") + c + "'");
    ++at_;
    return {};
  }

  // A string with its quotes.
  Result<std::string_view> string() {
    skip_space();
    const std::size_t begin = at_;
    AVOUCH_CHECK(expect('"'));
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return fail("a string without an end");
    ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // Any value: brackets are counted, not matched.
  Result<std::string_view> value() {
    skip_space();
    const std::size_t begin = at_;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        AVOUCH_CHECK(string());
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    }
    if (depth != 0) return fail("a value without an end");
    if (at_ == begin) return fail("expected a value");
    return text_.substr(begin, at_ - begin);
  }

  Error fail(const std::string& what) const {
    return rejected("list: offset " + std::to_string(at_) + ": " + what);
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

Result<std::vector<std::string_view>> split_array(Scanner& scanner) {
  std::vector<std::string_view> items;
  AVOUCH_CHECK(scanner.expect('['));
  scanner.skip_space();
  if (scanner.peek() == ']') {
    AVOUCH_CHECK(scanner.expect(']'));
    return items;
  }
  while (true) {
    AVOUCH_TRY(const std::string_view item, scanner.value());
    items.push_back(item);
    scanner.skip_space();
    if (scanner.peek() != ',') break;
    AVOUCH_CHECK(scanner.expect(','));
  }
  AVOUCH_CHECK(scanner.expect(']'));
  return items;
}

}  // namespace

Result<SplitList> split_list(std::string_view text) {
  SplitList out;
  Scanner scanner(text);
  AVOUCH_CHECK(scanner.expect('{'));
  std::size_t kept = 0;  // what is before has been copied
  bool found = false;
  for (scanner.skip_space(); scanner.peek() != '}'; scanner.skip_space()) {
    AVOUCH_TRY(const std::string_view key, scanner.string());
    AVOUCH_CHECK(scanner.expect(':'));
    scanner.skip_space();
    if (key == "\"items\"" && scanner.peek() == '[' && !found) {
      found = true;
      out.envelope += text.substr(kept, scanner.at() - kept);
      AVOUCH_TRY(out.items, split_array(scanner));
      out.envelope += "[]";
      kept = scanner.at();
    } else {
      AVOUCH_CHECK(scanner.value());
    }
    scanner.skip_space();
    if (scanner.peek() != ',') break;
    AVOUCH_CHECK(scanner.expect(','));
  }
  AVOUCH_CHECK(scanner.expect('}'));
  out.envelope += text.substr(kept);
  return out;
}

}  // namespace avouch::kube
