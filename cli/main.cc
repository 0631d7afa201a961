// kubectl avouch: shows, explains and proves what Avouch decided. A kubectl plugin.

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "adapters/kubectl_proxy.h"
#include "adapters/system_clock.h"
#include "cli/commands.h"

namespace {

using avouch::Clock;
using avouch::Result;
using avouch::cli::Common;
using avouch::cli::Exit;
using avouch::cli::Format;
using avouch::kube::Transport;

constexpr int kUsage = 2;
constexpr int kFailed = 3;

using Command = std::function<Result<Exit>(Transport&, Clock&)>;

int run(const Command& command, const avouch::adapters::KubectlOptions& kubectl) {
  avouch::adapters::SystemClock clock;
  const auto transport = avouch::adapters::KubectlProxy::start(kubectl);
  if (!transport.has_value()) {
    std::cerr << "kubectl avouch: " << transport.error().message << '\n';
    return kFailed;
  }
  const auto done = command(**transport, clock);
  if (!done.has_value()) {
    std::cerr << "kubectl avouch: " << done.error().message << '\n';
    return kFailed;
  }
  return static_cast<int>(*done);
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app{"Shows, explains and proves what Avouch decided about nodes and pods."};
  app.name("kubectl avouch");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("kubectl-avouch ") + AVOUCH_VERSION);

  Common common;
  avouch::adapters::KubectlOptions kubectl;
  std::string ns = "default";
  std::string name;
  std::string output = "text";
  Command command;

  app.add_option("--kubeconfig", kubectl.kubeconfig, "Kubeconfig file, as for kubectl");
  app.add_option("--context", kubectl.context, "Context of the kubeconfig, as for kubectl");
  app.add_option("--release", common.release.name, "Name of the Avouch release")
      ->capture_default_str();
  app.add_option("--release-namespace", common.release.ns, "Its namespace")->capture_default_str();
  app.add_option("--verifier-keys", common.verifier_keys_file,
                 "PEM file of the verifier's public keys; default: the release's own");
  app.add_option("--vkey", common.log_vkey_file,
                 "File with the log's verifier key (C2SP note vkey)");
  app.add_option("--origin", common.origin, "The log's origin, with --vkey");
  const auto with_output = [&](CLI::App* sub) {
    sub->add_option("-o,--output", output, "text or json")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    return sub;
  };
  const auto with_name = [&](CLI::App* sub, const char* what) {
    sub->add_option("name", name, what)->required();
    return with_output(sub);
  };
  const auto with_namespace = [&](CLI::App* sub) {
    sub->add_option("-n,--namespace", ns, "Namespace of the pod")->capture_default_str();
    return sub;
  };

  with_output(app.add_subcommand("status", "Nodes, their phases, ages and reasons"))->callback([&] {
    command = [&](Transport& transport, Clock& clock) {
      return avouch::cli::status(transport, clock, common);
    };
  });

  CLI::App* explain = app.add_subcommand("explain", "Why a node or a pod was judged as it was");
  explain->require_subcommand(1);
  with_name(explain->add_subcommand("node", "A node"), "Name of the node")->callback([&] {
    command = [&](Transport& transport, Clock& clock) {
      return avouch::cli::explain_node(transport, clock, common, name);
    };
  });
  with_namespace(with_name(explain->add_subcommand("pod", "A pod"), "Name of the pod"))
      ->callback([&] {
        command = [&](Transport& transport, Clock& clock) {
          return avouch::cli::explain_pod(transport, clock, common, ns, name);
        };
      });

  CLI::App* verify = app.add_subcommand(
      "verify", "Proves a verdict: token signature, inclusion in the log, checkpoint signature");
  verify->require_subcommand(1);
  with_name(verify->add_subcommand("node", "The verdict of a node"), "Name of the node")
      ->callback([&] {
        command = [&](Transport& transport, Clock& clock) {
          return avouch::cli::verify_node(transport, clock, common, name);
        };
      });
  with_namespace(with_name(verify->add_subcommand("pod", "The newest admission verdict of a pod"),
                           "Name of the pod"))
      ->callback([&] {
        command = [&](Transport& transport, Clock& clock) {
          return avouch::cli::verify_pod(transport, clock, common, ns, name);
        };
      });

  int limit = 20;
  std::string node;
  std::uint64_t index = 0;
  CLI::App* log =
      with_output(app.add_subcommand("log", "Entries of the verdict log, newest first"));
  log->add_option("--limit", limit, "How many")->check(CLI::Range(1, 100))->capture_default_str();
  log->add_option("--node", node, "Only verdicts of this node");
  log->require_subcommand(0, 1);
  CLI::App* show = with_output(log->add_subcommand("show", "One entry, with its proof"));
  show->add_option("index", index, "Index of the entry")->required();
  log->callback([&] {
    if (show->parsed()) return;
    command = [&](Transport& transport, Clock& clock) {
      return avouch::cli::log_list(transport, clock, common, node.empty() ? "" : "node=" + node,
                                   limit);
    };
  });
  show->callback([&] {
    command = [&](Transport& transport, Clock& clock) {
      return avouch::cli::log_show(transport, clock, common, index);
    };
  });

  CLI11_PARSE(app, argc, argv);
  common.format = output == "json" ? Format::kJson : Format::kText;
  if (!command) return kUsage;
  return run(command, kubectl);
} catch (const std::exception& error) {
  std::cerr << "kubectl avouch: " << error.what() << '\n';
  return kFailed;
}
