// avouch-log: what sites run of the verdict log apart from a cluster: a witness for logs, a monitor
// of them, and a log of their own.

#include <CLI/CLI.hpp>
#include <iostream>

#include "adapters/allocator.h"
#include "adapters/registration_policy.h"
#include "adapters/termination.h"
#include "config/log_server_config.h"
#include "config/monitor_config.h"
#include "config/reader.h"
#include "config/witness_config.h"
#include "log/monitor_wiring.h"
#include "log/server_key.h"
#include "log/server_wiring.h"
#include "log/witness_key.h"
#include "log/witness_wiring.h"
#include "tlog/registration.h"

namespace {

avouch::Result<avouch::config::LogServerConfig> parse_server_config(std::string_view text,
                                                                    std::string_view file) {
  AVOUCH_TRY(auto config, avouch::config::parse_log_server_config(text, file));
  const auto fine = avouch::tlog::check_policy(
      avouch::adapters::registration_policy_of(config.registration), config.origin);
  if (!fine.has_value()) return with_context(fine.error(), std::string(file) + ": registration");
  return config;
}

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
  CLI::App app{"Transparency logs: a witness for them, a monitor of them, and a log of one's own."};
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

  std::string serve_file = "/etc/avouch-log/serve.yaml";
  CLI::App* serve = app.add_subcommand("serve", "Keep a log: take statements, serve its entries");
  serve->add_option("--config", serve_file, "Configuration file (YAML)")->capture_default_str();
  serve->require_subcommand(0, 1);
  const CLI::App* serve_keygen =
      serve->add_subcommand("keygen", "Make the keys of a new log; print its vkey")->fallthrough();
  const CLI::App* serve_vkey =
      serve->add_subcommand("vkey", "Print the vkey by which others know this log")->fallthrough();
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
  if (serve->parsed()) {
    return with_config<avouch::config::LogServerConfig>(
        serve_file, &parse_server_config, [&](const auto& config) {
          if (serve_keygen->parsed()) return print(avouch::logprogram::make_server_keys(config));
          if (serve_vkey->parsed()) return print(avouch::logprogram::server_vkey(config));
          return finish(avouch::logprogram::run_log_server(config, termination));
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
