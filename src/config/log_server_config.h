#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/common_config.h"
#include "config/log_config.h"
#include "crypto/hash.h"

namespace avouch::config {

// Of `avouch-log serve`. docs/log-server.md explains each key.
struct LogServerConfig {
  // Who may send statements. The token itself is in no file of the server's.
  struct Writer {
    std::string name;               // for lines of log
    crypto::Sha256 token_sha256{};  // of the token's characters
  };
  static constexpr std::size_t kMaxWriters = 256;

  std::string origin;  // of the log, for as long as it lives
  std::string key = "/etc/avouch-log/log.key";
  std::string next_key;  // signs beside `key`, as it is to take its place; empty: none
  std::string receipt_key = "/etc/avouch-log/receipt.key";

  LogEngine engine;
  std::string directory = "/var/lib/avouch-log/log";       // with files
  std::string head_file = "/var/lib/avouch-log/log-head";  // with either, outside of `directory`
  std::chrono::milliseconds publish_within{1'000};

  LogRegistration registration;
  std::vector<Writer> writers;
  LogWitnesses witnesses;

  std::string listen = "127.0.0.1:8870";
  std::string health = "127.0.0.1:8871";
  ServingTls tls;
  std::string log_level = "info";
};

// kRejected lists every error, one a line, as file:line: key: what, expected.
Result<LogServerConfig> parse_log_server_config(std::string_view text, std::string_view file);

}  // namespace avouch::config
