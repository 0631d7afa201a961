#include "kube/api_error.h"

#include <algorithm>
#include <charconv>

#include "codec/utf8.h"

namespace avouch::kube {
namespace {

using codec::Json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kMaxRetryAfterSeconds = 300;
constexpr std::size_t kMaxQuotedBytes = 2048;

ErrorKind kind_of(int code) {
  const bool passing = code == 401 || code == 408 || code == 429 || code >= 500 || code == 0;
  return passing ? ErrorKind::kRetryable : ErrorKind::kRejected;
}

std::string_view remedy(int code) {
  switch (code) {
    case 401:
      return " (the server does not accept the credentials: check token or client certificate)";
    case 403:
      return " (grant it to this user by RBAC)";
    default:
      return "";
  }
}

// Text for people: cut, and without control characters.
std::string printable(std::string_view text) {
  std::string out = codec::to_valid_utf8(text.substr(0, kMaxQuotedBytes));
  std::replace_if(
      out.begin(), out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

std::optional<milliseconds> retry_after(std::int64_t value) {
  if (value < 0) return std::nullopt;
  return seconds(std::min(value, kMaxRetryAfterSeconds));
}

// What a metav1.Status says goes into `error`. False for anything else.
bool read_status(const Json& status, ApiError& error, std::string& message) {
  if (status.text({"kind"}) != "Status") return false;
  error.reason = printable(status.text({"reason"}));
  message = printable(status.text({"message"}));
  if (const Json* after = status.find_path({"details", "retryAfterSeconds"});
      after != nullptr && after->as_int() != nullptr && *after->as_int() > 0) {
    error.retry_after = retry_after(*after->as_int());
  }
  return true;
}

void finish(ApiError& error, const std::string& what, const std::string& message) {
  error.kind = kind_of(error.code);
  error.message = what + ": " + (error.code == 0 ? "no status" : std::to_string(error.code));
  if (!error.reason.empty()) error.message += " " + error.reason;
  if (!message.empty()) error.message += ": " + message;
  error.message += remedy(error.code);
}

}  // namespace

ApiError api_error_from(const HttpResponse& response, const std::string& what) {
  ApiError error;
  error.code = response.status;
  std::string message;
  const auto status = codec::parse_json(response.body, {.bytes = 1024 * 1024, .depth = 32});
  if (!status.has_value() || !read_status(*status, error, message)) {
    message = printable(std::string_view(response.body).substr(0, 256));
  }
  if (const auto header = response.headers.find("Retry-After")) {
    std::int64_t value = -1;
    const auto [end, code] =
        std::from_chars(header->data(), header->data() + header->size(), value);
    if (code == std::errc() && end == header->data() + header->size()) {
      error.retry_after = retry_after(value);
    }
  }
  finish(error, what, message);
  return error;
}

ApiError api_error_from_status(const Json& status, const std::string& what) {
  ApiError error;
  std::string message;
  if (!read_status(status, error, message)) message = "an error without a status";
  if (const Json* code = status.find("code"); code != nullptr && code->as_int() != nullptr) {
    const std::int64_t value = *code->as_int();
    if (value >= 100 && value <= 599) error.code = static_cast<int>(value);
  }
  finish(error, what, message);
  return error;
}

}  // namespace avouch::kube
