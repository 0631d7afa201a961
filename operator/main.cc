// avouch-operator: the verifier of a cluster's nodes, and the hooks around its installation.

#include <CLI/CLI.hpp>
#include <iostream>

#include "adapters/allocator.h"
#include "adapters/registration_policy.h"
#include "adapters/termination.h"
#include "config/controller_config.h"
#include "config/reader.h"
#include "operator/wiring.h"

namespace {

avouch::Result<avouch::config::ControllerConfig> load(const std::string& file) {
  AVOUCH_TRY(const std::string text, avouch::config::read_config_file(file));
  AVOUCH_TRY(avouch::config::ControllerConfig config,
             avouch::config::parse_controller_config(text, file));
  const auto fine = avouch::tlog::check_policy(
      avouch::adapters::registration_policy_of(config.log.registration), config.log.origin);
  if (!fine.has_value()) return with_context(fine.error(), file + ": log.registration");
  return config;
}

int finish(const avouch::Result<void>& outcome) {
  if (outcome.has_value()) return 0;
  std::cerr << "avouch-operator: " << outcome.error().message << '\n';
  return 1;
}

}  // namespace

int main(int argc, char** argv) try {
  avouch::adapters::give_freed_memory_back();
  const avouch::adapters::Termination termination;
  CLI::App app{"Judges the evidence of a cluster's nodes and keeps the verdict log."};
  app.set_version_flag("--version", std::string("avouch-operator ") + AVOUCH_VERSION);
  app.require_subcommand(0, 1);
  app.fallthrough();

  std::string config_file = "/etc/avouch/config.yaml";
  std::string kubeconfig;
  app.add_option("--config", config_file, "Configuration file (YAML) of `run`")
      ->capture_default_str();
  app.add_option("--kubeconfig", kubeconfig, "Kubeconfig file; default: the pod's service account");
  app.add_subcommand("run", "Run the controller (the default)");

  avouch::control::HookOptions hook;
  int seconds = 240;
  const auto add_hook = [&](const std::string& name, const std::string& text) {
    CLI::App* command = app.add_subcommand(name, text);
    command->add_option("--release", hook.names.release, "Full name of the release")->required();
    command->add_option("--namespace", hook.names.ns, "Namespace of the release")->required();
    command->add_option("--exempt-namespace", hook.exempt_namespaces,
                        "Namespace that is not gated; may be repeated");
    command->add_option("--timeout", seconds, "Seconds until it gives up")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    return command;
  };
  const CLI::App* prepare =
      add_hook("prepare", "Label the exempt namespaces (before installation)");
  const CLI::App* cleanup =
      add_hook("cleanup", "Take back webhook configuration, taints, labels and conditions");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  hook.time = std::chrono::seconds(seconds);
  if (prepare->parsed()) {
    return finish(
        avouch::controller::run_hook(avouch::controller::Hook::kPrepare, hook, kubeconfig));
  }
  if (cleanup->parsed()) {
    return finish(
        avouch::controller::run_hook(avouch::controller::Hook::kCleanup, hook, kubeconfig));
  }
  const auto config = load(config_file);
  if (!config.has_value()) {
    std::cerr << config.error().message << '\n';
    return 2;
  }
  return finish(avouch::controller::run(*config, kubeconfig, termination));
} catch (const std::exception& error) {
  std::cerr << "avouch-operator: " << error.what() << '\n';
  return 1;
}
