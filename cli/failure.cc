#include "cli/failure.h"

#include <cstdlib>
#include <iostream>

#include "cli/commands.h"
#include "inspect/proof.h"

namespace avouch::cli {
namespace {

using adapters::ServerTrouble;
using inspect::printable;

std::string kubeconfig_text(const adapters::KubectlOptions& options) {
  if (!options.kubeconfig.empty()) return "kubeconfig " + options.kubeconfig;
  const char* by_environment = std::getenv("KUBECONFIG");
  if (by_environment != nullptr && *by_environment != '\0') {
    return std::string("kubeconfig ") + by_environment + " (of KUBECONFIG)";
  }
  return "kubeconfig ~/.kube/config (KUBECONFIG is not set)";
}

std::string_view what_happened(ServerTrouble::Kind kind) {
  switch (kind) {
    case ServerTrouble::Kind::kSilent:
      return " gives no answer: ";
    case ServerTrouble::Kind::kNoTrust:
      return " cannot be asked, as kubectl cannot log in or does not trust it: ";
    case ServerTrouble::Kind::kNoLogin:
      break;
  }
  return " does not take your login, which may have expired: ";
}

std::string_view what_to_try(ServerTrouble::Kind kind) {
  switch (kind) {
    case ServerTrouble::Kind::kSilent:
      return "is it running, and is it to be reached from here? It must answer to: ";
    case ServerTrouble::Kind::kNoTrust:
      return "mend that context, or choose another by --context or --kubeconfig, until this "
             "works: ";
    case ServerTrouble::Kind::kNoLogin:
      break;
  }
  return "log in anew, or choose another context by --context or --kubeconfig, until this works: ";
}

void say(const std::string& text) { std::cerr << printable(text) << '\n'; }

}  // namespace

int fail(const Error& error) {
  say("kubectl avouch: " + error.message);
  return static_cast<int>(exit_of(error));
}

int fail(const ServerTrouble& trouble, const adapters::KubectlOptions& options) {
  const std::string kubeconfig = kubeconfig_text(options);
  const auto context = adapters::current_context(options);
  if (!context.has_value()) {
    say("kubectl avouch: " + kubeconfig +
        " names no cluster to ask: set KUBECONFIG, or give "
        "--kubeconfig or --context");
    return static_cast<int>(Exit::kRefused);
  }
  say("kubectl avouch: the API server " + context->server +
      std::string(what_happened(trouble.kind)) + trouble.words);
  say("it is that of context \"" + context->name + "\" of " + kubeconfig);
  std::string probe = "kubectl";
  if (!options.kubeconfig.empty()) probe += " --kubeconfig " + options.kubeconfig;
  say(std::string(what_to_try(trouble.kind)) + probe + " --context " + context->name +
      " get --raw /version");
  return static_cast<int>(trouble.kind == ServerTrouble::Kind::kSilent ? Exit::kUnreachable
                                                                       : Exit::kRefused);
}

int fail_usage(const std::string& problem) {
  say("kubectl avouch: " + problem);
  return static_cast<int>(Exit::kUsage);
}

}  // namespace avouch::cli
