#include "config/agent_config.h"

namespace avouch::config {

Result<AgentConfig> parse_agent_config(std::string_view text, std::string_view file,
                                       std::string_view node_name_env) {
  using namespace std::chrono_literals;
  AVOUCH_TRY(const YamlNode document, parse_config(text, file));
  ConfigErrors errors{std::string(file)};
  Section root(document, errors);
  AgentConfig config;
  root.string("nodeName", config.node_name, 0, 253);
  if (config.node_name.empty()) config.node_name = node_name_env;
  if (config.node_name.empty()) {
    root.error("nodeName", "expected a node's name here or in the environment as NODE_NAME");
  }
  root.string("tcti", config.tcti);
  root.duration("heartbeat", config.heartbeat, 1s, 1h);
  root.absolute_path("stateDir", config.state_dir);
  root.absolute_path("bootLog", config.boot_log);
  root.absolute_path("runtimeLog", config.runtime_log);
  read_release(root.section("release"), config.release);
  read_controller_access(root.section("controller"), config.controller);
  Section metrics = root.section("metrics");
  metrics.listen_address("listen", config.metrics_listen);
  metrics.finish();
  read_log_level(root, config.log_level);
  AVOUCH_CHECK(finish_config(root, errors));
  return config;
}

}  // namespace avouch::config
