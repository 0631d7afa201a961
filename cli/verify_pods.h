#pragma once

// `kubectl avouch verify pods`: whether the log has every gated pod that runs.

#include <string>

#include "base/result.h"
#include "cli/commands.h"

namespace CLI {
class App;
}

namespace avouch::cli {

struct VerifyPodsOptions {
  std::string ns;  // unless `all_namespaces`
  bool all_namespaces = false;
  std::string enforced_since;  // "" or RFC 3339
};

// What the subcommand has beside --namespace.
void add_verify_pods_options(CLI::App& pods, VerifyPodsOptions& options);

// 0 where each of them is recorded, 1 where one is not, 3 where that is not to be said yet.
Result<Exit> verify_pods(const Context& context, const VerifyPodsOptions& options);

}  // namespace avouch::cli
