#pragma once

// The bearer token of outgoing requests.

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace avouch::adapters {

// Thread-safe. A file is read again when it is asked for and the last reading is a second old: a
// rotated token is used within a second. While the file cannot be read the last token stays in use;
// the server judges it.
class TokenSource {
 public:
  // `text` is used where `file` is empty; with both empty there is no token.
  TokenSource(std::string text, std::string file, Clock& clock);

  // "" where there is no token. kRetryable when the file was never readable; kRejected when it
  // holds anything but 1 to 16,384 visible ASCII characters (white space around them is dropped).
  Result<std::string> token();

 private:
  const std::string file_;
  Clock& clock_;
  std::mutex mutex_;
  std::string token_;
  std::optional<SteadyTime> read_at_;
};

// The rule that token() applies, for texts from elsewhere.
Result<std::string> checked_token(const std::string& text, const std::string& where);

}  // namespace avouch::adapters
