// avouch-log: what sites run of the verdict log apart from a cluster. Today: a witness for logs.

#include <CLI/CLI.hpp>
#include <iostream>

#include "adapters/allocator.h"
#include "adapters/termination.h"
#include "config/reader.h"
#include "config/witness_config.h"
#include "log/witness_key.h"
#include "log/witness_wiring.h"

namespace {

using avouch::config::WitnessConfig;

avouch::Result<WitnessConfig> load(const std::string& file) {
  AVOUCH_TRY(const std::string text, avouch::config::read_config_file(file));
  return avouch::config::parse_witness_config(text, file);
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
  CLI::App app{"Transparency logs: a witness for them."};
  app.set_version_flag("--version", std::string("avouch-log ") + AVOUCH_VERSION);
  app.require_subcommand(1);

  std::string config_file = "/etc/avouch-log/witness.yaml";
  CLI::App* witness = app.add_subcommand("witness", "Cosign what the logs of a policy publish");
  witness->add_option("--config", config_file, "Configuration file (YAML)")->capture_default_str();
  witness->require_subcommand(0, 1);
  const CLI::App* keygen =
      witness->add_subcommand("keygen", "Make key and state of a new witness; print its vkey")
          ->fallthrough();
  const CLI::App* vkey =
      witness->add_subcommand("vkey", "Print the vkey by which others know this witness")
          ->fallthrough();
  CLI11_PARSE(app, argc, argv);

  const auto config = load(config_file);
  if (!config.has_value()) {
    std::cerr << config.error().message << '\n';
    return 2;
  }
  if (keygen->parsed()) return print(avouch::logprogram::make_witness_key(*config));
  if (vkey->parsed()) return print(avouch::logprogram::witness_vkey(*config));
  return finish(avouch::logprogram::run_witness(*config, termination));
} catch (const std::exception& error) {
  std::cerr << "avouch-log: " << error.what() << '\n';
  return 1;
}
