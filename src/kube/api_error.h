#pragma once

// What went wrong with a call to the API server: an Error that keeps the HTTP status and
// Kubernetes' own reason, so that callers can ask is_not_found() instead of reading messages.

#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/http.h"
#include "base/result.h"
#include "codec/json.h"

namespace avouch::kube {

// Kinds: kRetryable for no answer, 401 (a token may be rotated any moment), 408, 429 and 5xx;
// kRejected for every other status (a conflict too: the same resourceVersion never succeeds).
struct ApiError : Error {
  ApiError() = default;
  ApiError(Error error) : Error(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  int code = 0;  // HTTP status; 0 when no answer came or it could not be read
  std::string
      reason;  // metav1.Status reason: "NotFound", "AlreadyExists", "Conflict", "Expired"...
  std::optional<std::chrono::milliseconds> retry_after;  // from the header or status.details

  bool is_unauthorized() const { return code == 401; }
  bool is_forbidden() const { return code == 403; }
  bool is_not_found() const { return code == 404; }
  bool is_already_exists() const { return code == 409 && reason == "AlreadyExists"; }
  bool is_conflict() const { return code == 409 && reason != "AlreadyExists"; }
  bool is_gone() const { return code == 410; }
  bool is_invalid() const { return code == 422; }
  bool is_too_many_requests() const { return code == 429; }
};

// Result<T> with an ApiError. It converts to Result<T>'s error, so AVOUCH_TRY and AVOUCH_CHECK work
// in functions that return either.
template <typename T>
class [[nodiscard]] ApiResult {
  static_assert(!std::is_same_v<T, bool>, "say what true means: use an enum or an optional");

 public:
  using value_type = T;

  ApiResult(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  ApiResult(ApiError error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)
  ApiResult(Error error)                                     // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, ApiError(std::move(error))) {}

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const ApiError& error() const& { return std::get<1>(state_); }
  [[nodiscard]] ApiError&& error() && { return std::get<1>(std::move(state_)); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, ApiError> state_;
};

template <>
class [[nodiscard]] ApiResult<void> {
 public:
  ApiResult() = default;
  ApiResult(ApiError error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)
  ApiResult(Error error)                                   // NOLINT(google-explicit-constructor)
      : error_(ApiError(std::move(error))) {}

  [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
  [[nodiscard]] const ApiError& error() const& { return error_.value(); }
  [[nodiscard]] ApiError&& error() && { return std::move(error_).value(); }

 private:
  std::optional<ApiError> error_;
};

// The error that an answer outside 2xx stands for. `what` names the call ("get nodes/n1"). The body
// is believed to be a metav1.Status only as far as it parses as one.
ApiError api_error_from(const HttpResponse& response, const std::string& what);

// The same for a metav1.Status object inside a watch stream (an ERROR event).
ApiError api_error_from_status(const codec::Json& status, const std::string& what);

}  // namespace avouch::kube
