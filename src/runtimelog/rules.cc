#include "runtimelog/rules.h"

#include <algorithm>
#include <array>

#include "codec/utf8.h"

namespace avouch::runtimelog {
namespace {

constexpr std::size_t kMaxKernelPath = 4095;  // PATH_MAX without its NUL

// Names that no administrator chose: an expression that takes them takes any.
constexpr std::array<std::string_view, 6> kUnchosen = {
    "/q7vx0kzw", "/q7vx0kzw/m3t9", "/hj", "/B_8/y.d", "/m3t9/q7 vx-0", "/hj/B_8/kzw.so"};

Result<std::vector<codec::Pattern>> compile(const std::vector<std::string>& texts,
                                            const std::string& member) {
  if (texts.size() > kMaxPatterns) {
    return rejected(member + ": " + std::to_string(texts.size()) +
                    " expressions, expected at most " + std::to_string(kMaxPatterns));
  }
  std::vector<codec::Pattern> out;
  for (const std::string& text : texts) {
    auto pattern = codec::Pattern::compile(text);
    const std::string where = member + "[" + std::to_string(out.size()) + "]";
    if (!pattern.has_value()) return with_context(std::move(pattern).error(), where);
    for (const std::string_view unchosen : kUnchosen) {
      if (pattern->matches(unchosen) || pattern->matches(unchosen.substr(1))) {
        return rejected(where + ": " + codec::in_quotes(text) +
                        " accepts any name at all, such as " + codec::in_quotes(unchosen) +
                        ": expected an expression that begins with what it is about, such as "
                        "/var/log/.*");
      }
    }
    out.push_back(std::move(pattern).value());
  }
  return out;
}

bool has(const std::vector<DigestLookup>& sets, crypto::HashAlgorithm algorithm, ByteView digest) {
  return std::any_of(sets.begin(), sets.end(),
                     [&](const DigestLookup& set) { return set(algorithm, digest); });
}

bool matches(const std::vector<codec::Pattern>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const codec::Pattern& pattern) { return pattern.matches(text); });
}

bool has_plain_parts(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view part = path.substr(0, path.find('/'));
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(part.size());
  }
  return true;
}

}  // namespace

bool is_plain_path(std::string_view path) {
  return !path.empty() && path.front() == '/' && path.size() <= kMaxKernelPath &&
         std::none_of(path.begin(), path.end(),
                      [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }) &&
         codec::is_utf8(path) && has_plain_parts(path);
}

Result<Rules> Rules::make(RuleInput input) {
  Rules out;
  AVOUCH_TRY(out.exclude_, compile(input.exclude, "exclude"));
  AVOUCH_TRY(out.buffers_, compile(input.buffers, "buffers"));
  if (input.files == FileRule::kJudge && input.references.empty() && input.keys.empty()) {
    return rejected(
        "rules that accept no file: expected references or keyrings, or that files are not judged");
  }
  out.input_ = std::move(input);
  return out;
}

bool Rules::is_reference(crypto::HashAlgorithm algorithm, ByteView digest) const {
  return has(input_.references, algorithm, digest);
}
bool Rules::is_revoked(crypto::HashAlgorithm algorithm, ByteView digest) const {
  return has(input_.revoked, algorithm, digest);
}
bool Rules::is_excluded(std::string_view path) const {
  return !exclude_.empty() && is_plain_path(path) && matches(exclude_, path);
}
bool Rules::accepts_buffer(std::string_view name) const { return matches(buffers_, name); }

}  // namespace avouch::runtimelog
