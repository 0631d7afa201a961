// avouch-webhook: decides which pods may go to which nodes.

#include <CLI/CLI.hpp>
#include <iostream>

#include "adapters/allocator.h"
#include "adapters/termination.h"
#include "config/reader.h"
#include "config/webhook_config.h"
#include "webhook/wiring.h"

namespace {

avouch::Result<avouch::config::WebhookConfig> load(const std::string& file) {
  AVOUCH_TRY(const std::string text, avouch::config::read_config_file(file));
  return avouch::config::parse_webhook_config(text, file);
}

}  // namespace

int main(int argc, char** argv) try {
  avouch::adapters::give_freed_memory_back();
  const avouch::adapters::Termination termination;
  CLI::App app{"Admits pods only to nodes with a fresh passing verdict."};
  std::string config_file = "/etc/avouch/config.yaml";
  std::string kubeconfig;
  app.add_option("--config", config_file, "Configuration file (YAML)")->capture_default_str();
  app.add_option("--kubeconfig", kubeconfig, "Kubeconfig file; default: the pod's service account");
  app.set_version_flag("--version", std::string("avouch-webhook ") + AVOUCH_VERSION);
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
  const auto done = avouch::webhook::run(*config, kubeconfig, termination);
  if (!done.has_value()) {
    std::cerr << "avouch-webhook: " << done.error().message << '\n';
    return 1;
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "avouch-webhook: " << error.what() << '\n';
  return 1;
}
