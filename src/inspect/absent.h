#pragma once

// What to say where the log has nothing of a name that somebody gave.

#include <string>
#include <vector>

#include "base/result.h"
#include "inspect/release.h"
#include "kube/client.h"

namespace avouch::inspect {

struct Sought {
  std::string what;          // "node \"n1\"", "pod shop/web-0"
  std::string name;          // the object's
  kube::ResourcePath where;  // its kind and namespace
  std::string list_command;  // that lists what there is
};
Sought sought_node(const std::string& name);
Sought sought_pod(const std::string& ns, const std::string& name);

// The cluster has such an object. kRejected where it has none, with the name that looks most like
// it or begins with it, and where the caller may not ask; `so_far` begins that message: what was
// not found elsewhere.
Result<void> expect_in_cluster(const kube::Client& api, const Sought& sought,
                               const std::string& so_far);

// Why a node could not be read, by the API server's error: that there is none, with the names that
// there are and where else to look, or which role is lacking.
Error no_node(const kube::Client& api, const std::string& name, const kube::ApiError& error,
              const ReleaseName& release);

// "; did you mean \"node-1\"?" or "", and the command that lists the names.
std::string names_hint(const kube::Client& api, const Sought& sought);

}  // namespace avouch::inspect
