#pragma once

// What is said where a command cannot be done, on standard error; each gives the exit status.

#include <string>

#include "adapters/kubectl_proxy.h"
#include "base/result.h"

namespace avouch::cli {

int fail(const Error& error);

// kubectl got no answer of the API server's: which server, by which context of which kubeconfig,
// and what to try. Asks kubectl for its context. kUnreachable, or kRefused where a later try does
// not mend it.
int fail(const adapters::ServerTrouble& trouble, const adapters::KubectlOptions& options);

int fail_usage(const std::string& problem);

}  // namespace avouch::cli
