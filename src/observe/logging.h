#pragma once

// Structured log lines (spdlog), one event a line, for machines and people:
//
//   time=2026-11-21T09:14:03.123Z level=info component=intake msg="evidence refused"
//   node="worker-2"
//
// The message is a string literal, so that a line can be searched for in the sources; what varies
// goes into fields. Never log a token, nonce, key or whole quote.

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace spdlog {
class logger;
}

namespace avouch::observe {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

Result<LogLevel> parse_log_level(std::string_view name);  // debug, info, warn, error

// Sets where and from which level on lines go, for all loggers, also those made before. Without a
// call: level info, standard error. `write` gets whole lines without their newline; calls of it do
// not overlap. Not thread-safe against itself.
void init_logging(LogLevel level, std::function<void(std::string_view line)> write = {});

// A constant message: only a string literal converts to it.
class LogMessage {
 public:
  template <std::size_t N>
  consteval LogMessage(const char (&text)[N])  // NOLINT(google-explicit-constructor)
      : text_(text, N - 1) {}
  std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

// key=value. Text is quoted and escaped, and cut after 1,024 bytes.
class LogField {
 public:
  LogField(std::string_view key, std::string_view value);
  LogField(std::string_view key, const char* value);
  LogField(std::string_view key, const std::string& value);
  LogField(std::string_view key, bool value);
  LogField(std::string_view key, double value);
  LogField(std::string_view key, std::chrono::milliseconds value);
  LogField(std::string_view key, std::integral auto value) : text_(key) {
    text_ += '=';
    text_ += std::to_string(value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Thread-safe; cheap to copy.
class Logger {
 public:
  explicit Logger(std::string_view component);

  void debug(LogMessage message, std::initializer_list<LogField> fields = {}) const;
  void info(LogMessage message, std::initializer_list<LogField> fields = {}) const;
  void warn(LogMessage message, std::initializer_list<LogField> fields = {}) const;
  void error(LogMessage message, std::initializer_list<LogField> fields = {}) const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace avouch::observe
