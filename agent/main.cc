// avouch-agent: the attester of one node.

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "adapters/termination.h"
#include "agent/wiring.h"
#include "config/agent_config.h"
#include "config/reader.h"

namespace {

avouch::Result<avouch::config::AgentConfig> load(const std::string& file) {
  AVOUCH_TRY(const std::string text, avouch::config::read_config_file(file));
  const char* node = std::getenv("NODE_NAME");
  return avouch::config::parse_agent_config(text, file, node == nullptr ? "" : node);
}

}  // namespace

int main(int argc, char** argv) try {
  const avouch::adapters::Termination termination;
  setenv("TSS2_LOG", "all+NONE",
         0);  // its errors are in ours; a person who debugs it sets the variable
  CLI::App app{"Collects this node's TPM evidence and sends it to the Avouch controller."};
  std::string config_file = "/etc/avouch/config.yaml";
  std::string kubeconfig;
  app.add_option("--config", config_file, "Configuration file (YAML)")->capture_default_str();
  app.add_option("--kubeconfig", kubeconfig, "Kubeconfig file; default: the pod's service account");
  app.set_version_flag("--version", std::string("avouch-agent ") + AVOUCH_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  const auto config = load(config_file);
  if (!config.has_value()) {
    std::cerr << config.error().message << '\n';
    return 2;
  }
  const auto done = avouch::agent::run(*config, kubeconfig, termination);
  if (!done.has_value()) {
    std::cerr << "avouch-agent: " << done.error().message << '\n';
    return 1;
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "avouch-agent: " << error.what() << '\n';
  return 1;
}
