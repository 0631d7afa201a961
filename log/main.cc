// avouch-log: what sites run of the verdict log apart from a cluster. Today: a witness for logs,
// and a monitor of them.

#include <CLI/CLI.hpp>
#include <iostream>

#include "adapters/allocator.h"
#include "adapters/termination.h"
#include "config/monitor_config.h"
#include "config/reader.h"
#include "config/witness_config.h"
#include "log/monitor_wiring.h"
#include "log/witness_key.h"
#include "log/witness_wiring.h"

namespace {

template <typename Config>
using Parse = avouch::Result<Config> (*)(std::string_view text, std::string_view file);

// Runs `then` with the configuration of `file`; the program's exit code.
template <typename Config, typename Then>
int with_config(const std::string& file, Parse<Config> parse, Then then) {
  const auto load = [&]() -> avouch::Result<Config> {
    AVOUCH_TRY(const std::string text, avouch::config::read_config_file(file));
    return parse(text, file);
  };
  const auto config = load();
  if (config.has_value()) return then(*config);
  std::cerr << config.error().message << '\n';
  return 2;
}

int finish(const avouch::Result<void>& outcome) {
  if (outcome.has_value()) return 0;
  std::cerr << "avouch-log: " << outcome.error().message << '\n';
  return 1;
}

int print(const avouch::Result<std::string>& vkey) {
  if (!vkey.has_value()) return finish(vkey.error());
  std::cout << *vkey << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  avouch::adapters::give_freed_memory_back();
  const avouch::adapters::Termination termination;
  CLI::App app{"Transparency logs: a witness for them, and a monitor of them."};
  app.set_version_flag("--version", std::string("avouch-log ") + AVOUCH_VERSION);
  app.require_subcommand(1);

  std::string witness_file = "/etc/avouch-log/witness.yaml";
  CLI::App* witness = app.add_subcommand("witness", "Cosign what the logs of a policy publish");
  witness->add_option("--config", witness_file, "Configuration file (YAML)")->capture_default_str();
  witness->require_subcommand(0, 1);
  const CLI::App* keygen =
      witness->add_subcommand("keygen", "Make key and state of a new witness; print its vkey")
          ->fallthrough();
  const CLI::App* vkey =
      witness->add_subcommand("vkey", "Print the vkey by which others know this witness")
          ->fallthrough();

  std::string monitor_file = "/etc/avouch-log/monitor.yaml";
  CLI::App* monitor =
      app.add_subcommand("monitor", "Follow logs, and prove it where one contradicts itself");
  monitor->add_option("--config", monitor_file, "Configuration file (YAML)")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  if (monitor->parsed()) {
    return with_config<avouch::config::MonitorConfig>(
        monitor_file, avouch::config::parse_monitor_config, [&](const auto& config) {
          return finish(avouch::logprogram::run_monitor(config, termination));
        });
  }
  return with_config<avouch::config::WitnessConfig>(
      witness_file, avouch::config::parse_witness_config, [&](const auto& config) {
        if (keygen->parsed()) return print(avouch::logprogram::make_witness_key(config));
        if (vkey->parsed()) return print(avouch::logprogram::witness_vkey(config));
        return finish(avouch::logprogram::run_witness(config, termination));
      });
} catch (const std::exception& error) {
  std::cerr << "avouch-log: " << error.what() << '\n';
  return 1;
}
