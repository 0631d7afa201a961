#pragma once

// Result<T>: a value, or the reason why there is none. std::expected's names
// (C++23), with three kinds of error and no conversion to bool, so that
// `if (verify(q))` does not compile. A negative verdict is a value, not an error.

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace avouch {

enum class ErrorKind {
  kRejected,   // the input is at fault: never retry with the same input
  kRetryable,  // a passing fault outside: the same call may succeed later
  kFatal,      // state can no longer be trusted: stop and recover
};

// `message` is for people: what was wrong, where (field, line, event number),
// what was expected, what to do. Never a secret.
struct Error {
  ErrorKind kind = ErrorKind::kFatal;
  std::string message;
};

inline Error rejected(std::string message) { return {ErrorKind::kRejected, std::move(message)}; }
inline Error retryable(std::string message) { return {ErrorKind::kRetryable, std::move(message)}; }
inline Error fatal(std::string message) { return {ErrorKind::kFatal, std::move(message)}; }

// The same error with `context: ` in front of its message.
inline Error with_context(Error error, const std::string& context) {
  error.message = context + ": " + error.message;
  return error;
}

// Reading the value of an error, or the error of a value, throws
// std::bad_variant_access: a programming mistake that the last catch turns into a denial.
template <typename T>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<T, bool>, "say what true means: use an enum or an optional");
  static_assert(!std::is_same_v<T, Error>);

 public:
  using value_type = T;

  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Result(Error error)
      : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const noexcept { return state_.index() == 0; }

  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] const Error& error() const& { return std::get<1>(state_); }
  [[nodiscard]] Error&& error() && { return std::get<1>(std::move(state_)); }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
  [[nodiscard]] const Error& error() const& { return error_.value(); }
  [[nodiscard]] Error&& error() && { return std::move(error_).value(); }

 private:
  std::optional<Error> error_;
};

#define AVOUCH_CONCAT_INNER(a, b) a##b
#define AVOUCH_CONCAT(a, b) AVOUCH_CONCAT_INNER(a, b)

// AVOUCH_TRY(auto x, f()): x is f's value, or the enclosing function returns f's error.
#define AVOUCH_TRY_IMPL(temp, declaration, ...)          \
  auto temp = (__VA_ARGS__);                             \
  if (!temp.has_value()) return std::move(temp).error(); \
  declaration = std::move(temp).value()
#define AVOUCH_TRY(declaration, ...) \
  AVOUCH_TRY_IMPL(AVOUCH_CONCAT(avouch_result_, __COUNTER__), declaration, __VA_ARGS__)

// AVOUCH_CHECK(f()): the enclosing function returns f's error, if it has one.
#define AVOUCH_CHECK(...)                                                 \
  do {                                                                    \
    if (auto avouch_checked = (__VA_ARGS__); !avouch_checked.has_value()) \
      return std::move(avouch_checked).error();                           \
  } while (false)

}  // namespace avouch
