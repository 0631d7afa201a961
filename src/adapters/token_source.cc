#include "adapters/token_source.h"

#include <algorithm>
#include <utility>

#include "adapters/files.h"
#include "base/bytes.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kMaxTokenBytes = 16 * 1024;
constexpr std::chrono::milliseconds kReadAgainAfter{1'000};

bool is_visible_ascii(char c) { return c > 0x20 && c < 0x7f; }

}  // namespace

Result<std::string> checked_token(const std::string& text, const std::string& where) {
  constexpr const char* kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  const std::string token = begin == std::string::npos
                                ? ""
                                : text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
  if (token.empty() || token.size() > kMaxTokenBytes ||
      !std::all_of(token.begin(), token.end(), is_visible_ascii)) {
    return rejected(where + ": is no bearer token: expected 1 to 16384 visible ASCII characters");
  }
  return token;
}

TokenSource::TokenSource(std::string text, std::string file, Clock& clock)
    : file_(std::move(file)), clock_(clock), token_(std::move(text)) {}

Result<std::string> TokenSource::token() {
  const std::lock_guard guard(mutex_);
  if (file_.empty()) return token_;
  const SteadyTime now = clock_.steady_now();
  if (read_at_ && now - *read_at_ < kReadAgainAfter && !token_.empty()) return token_;
  const std::string where = "token file " + file_;
  auto content = read_file(file_, kMaxTokenBytes + 64);
  read_at_ = now;
  if (content.has_value() && content->has_value()) {
    auto token = checked_token(std::string(as_text(**content)), where);
    if (token.has_value()) {
      token_ = std::move(token).value();
    } else if (token_.empty()) {
      return std::move(token).error();
    }
  } else if (token_.empty()) {
    return retryable(where + ": " +
                     (content.has_value() ? "does not exist" : content.error().message) +
                     ": expected a file with a bearer token");
  }
  return token_;
}

}  // namespace avouch::adapters
