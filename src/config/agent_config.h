#pragma once

#include <chrono>
#include <string>

#include "config/common_config.h"

namespace avouch::config {

struct AgentConfig {
  std::string node_name;  // empty in the file: environment NODE_NAME
  std::string tcti = "device:/dev/tpmrm0";
  std::chrono::milliseconds heartbeat{10'000};  // 1s to 1h
  std::string state_dir = "/var/lib/avouch-agent";
  std::string boot_log = "/sys/kernel/security/tpm0/binary_bios_measurements";
  std::string runtime_log = "/sys/kernel/security/ima/binary_runtime_measurements";
  Release release;
  ControllerAccess controller;
  std::string metrics_listen = "127.0.0.1:9100";
  std::string log_level = "info";
};

// kRejected lists every error, one a line, as file:line: key: what, expected. `node_name_env` is
// the value of NODE_NAME, used where the file names no node.
Result<AgentConfig> parse_agent_config(std::string_view text, std::string_view file,
                                       std::string_view node_name_env);

}  // namespace avouch::config
