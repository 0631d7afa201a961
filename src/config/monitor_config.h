#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/common_config.h"

namespace avouch::config {

// Of `avouch-log monitor`. docs/monitor.md explains each key.
struct MonitorConfig {
  // Where it says that a log contradicted itself; nowhere without a URL.
  struct Disputes {
    std::string url;          // of the controller whose log takes them
    std::string origin;       // of that log
    std::string token_file;   // of a service account that may create disputes
    std::string authorities;  // as below, of this server alone; empty: the same
  };

  std::vector<std::string> policies;  // tlog-policy files: which logs, by which URL, which quorum
  std::string authorities;            // PEM file: of the servers' certificates; empty: the system's
  std::string state_dir = "/var/lib/avouch-log/monitor";
  std::string health = "127.0.0.1:8891";
  std::chrono::milliseconds interval{10'000};
  std::chrono::milliseconds shown_within{300'000};  // 0: not looked at
  std::chrono::milliseconds growth_within{0};       // 0: not looked at
  std::chrono::milliseconds quorum_within{0};       // 0: not looked at
  Disputes disputes;
  std::string log_level = "info";
};

// kRejected lists every error, one a line, as file:line: key: what, expected.
Result<MonitorConfig> parse_monitor_config(std::string_view text, std::string_view file);

}  // namespace avouch::config
