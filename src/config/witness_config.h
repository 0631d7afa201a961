#pragma once

#include <string>

#include "config/common_config.h"

namespace avouch::config {

// Of `avouch-log witness`. docs/witness.md explains each key.
struct WitnessConfig {
  std::string name;  // of the cosigner's key
  std::string key = "/etc/avouch-log/witness.key";
  std::string state_dir = "/var/lib/avouch-log/witness";
  std::string policy = "/etc/avouch-log/logs.policy";

  std::string listen = "127.0.0.1:8880";
  std::string health = "127.0.0.1:8881";
  std::string prefix;  // of paths: empty, or as in "/witness"
  bool plain_http = false;

  ServingTls tls;

  struct Rate {
    std::size_t burst = 0, per_second = 0;
  };
  struct Limits {
    Rate log{60, 10};     // checkpoints of one log that are cosigned
    Rate network{30, 5};  // requests from one client network
  } limits;

  std::string log_level = "info";
};

// kRejected lists every error, one a line, as file:line: key: what, expected.
Result<WitnessConfig> parse_witness_config(std::string_view text, std::string_view file);

}  // namespace avouch::config
