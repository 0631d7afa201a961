#include "observe/logging.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <iterator>
#include <mutex>

namespace avouch::observe {
namespace {

constexpr std::size_t kMaxValue = 1024;
constexpr const char* kPattern = "time=%Y-%m-%dT%H:%M:%S.%eZ level=%l component=%n %v";

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

void write_to_stderr(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fputc('\n', stderr);
}

// The one sink behind every logger; it filters, so that a level set later holds for all.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  LineSink()
      : base_sink(std::make_unique<spdlog::pattern_formatter>(
            kPattern, spdlog::pattern_time_type::utc, std::string())),
        write_(write_to_stderr) {
    set_level(spdlog::level::info);
  }

  void redirect(std::function<void(std::string_view)> write) {
    const std::lock_guard lock(mutex_);
    write_ = write ? std::move(write) : write_to_stderr;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    write_(std::string_view(line.data(), line.size()));
  }
  void flush_() override { std::fflush(stderr); }

 private:
  std::function<void(std::string_view)> write_;
};

const std::shared_ptr<LineSink>& line_sink() {
  static const auto sink = std::make_shared<LineSink>();
  return sink;
}

void append_quoted(std::string& out, std::string_view value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  for (const char c : value.substr(0, kMaxValue)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  if (value.size() > kMaxValue) out += "...";
  out += '"';
}

void write(spdlog::logger& logger, spdlog::level::level_enum level, LogMessage message,
           std::initializer_list<LogField> fields) {
  if (!line_sink()->should_log(level)) return;
  std::string text = "msg=";
  append_quoted(text, message.text());
  for (const LogField& field : fields) {
    text += ' ';
    text += field.text();
  }
  logger.log(level, spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "info") return LogLevel::kInfo;
  if (name == "warn") return LogLevel::kWarn;
  if (name == "error") return LogLevel::kError;
  return rejected("\"" + std::string(name.substr(0, 40)) +
                  "\" is not a log level: expected debug, info, warn or error");
}

void init_logging(LogLevel level, std::function<void(std::string_view line)> write) {
  line_sink()->set_level(to_spdlog(level));
  line_sink()->redirect(std::move(write));
}

LogField::LogField(std::string_view key, std::string_view value) : text_(key) {
  text_ += '=';
  append_quoted(text_, value);
}
LogField::LogField(std::string_view key, const char* value)
    : LogField(key, std::string_view(value)) {}
LogField::LogField(std::string_view key, const std::string& value)
    : LogField(key, std::string_view(value)) {}
LogField::LogField(std::string_view key, bool value) : text_(key) {
  text_ += value ? "=true" : "=false";
}
LogField::LogField(std::string_view key, double value) : text_(key) {
  fmt::format_to(std::back_inserter(text_), "={}", value);
}
LogField::LogField(std::string_view key, std::chrono::milliseconds value) : text_(key) {
  fmt::format_to(std::back_inserter(text_), "={}ms", value.count());
}

Logger::Logger(std::string_view component)
    : logger_(std::make_shared<spdlog::logger>(std::string(component), line_sink())) {
  logger_->set_level(spdlog::level::debug);
}

void Logger::debug(LogMessage message, std::initializer_list<LogField> fields) const {
  write(*logger_, spdlog::level::debug, message, fields);
}
void Logger::info(LogMessage message, std::initializer_list<LogField> fields) const {
  write(*logger_, spdlog::level::info, message, fields);
}
void Logger::warn(LogMessage message, std::initializer_list<LogField> fields) const {
  write(*logger_, spdlog::level::warn, message, fields);
}
void Logger::error(LogMessage message, std::initializer_list<LogField> fields) const {
  write(*logger_, spdlog::level::err, message, fields);
}

}  // namespace avouch::observe
