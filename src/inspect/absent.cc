#include "inspect/absent.h"

#include <algorithm>

#include "codec/nearest.h"
#include "inspect/rights.h"

namespace avouch::inspect {

Sought sought_node(const std::string& name) {
  return {.what = "node \"" + name + "\"",
          .name = name,
          .where = kube::nodes(),
          .list_command = "kubectl get nodes"};
}

Sought sought_pod(const std::string& ns, const std::string& name) {
  return {.what = "pod " + ns + "/" + name,
          .name = name,
          .where = kube::pods(ns),
          .list_command = "kubectl get pods -n " + ns};
}

std::string names_hint(const kube::Client& api, const Sought& sought) {
  kube::ListOptions options;
  options.metadata_only = true;
  std::vector<std::string> names;
  if (const auto listed = api.list(sought.where, options); listed.has_value()) {
    for (const codec::Json& item : listed->items) {
      names.emplace_back(item.text({"metadata", "name"}));
    }
  }
  const std::string also = "; " + sought.list_command + " lists those that are there";
  if (const auto nearest = codec::nearest_name(sought.name, names)) {
    return "; did you mean \"" + *nearest + "\"?" + also;
  }
  // Of a pod people often know no more than its Deployment's name.
  const auto begun = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
    return name.starts_with(sought.name);
  });
  return (begun == names.end() ? "" : "; did you mean \"" + *begun + "\"?") + also;
}

Error no_node(const kube::Client& api, const std::string& name, const kube::ApiError& error,
              const ReleaseName& release) {
  if (!error.is_not_found()) return with_grant(error, Role::kNodeViewer, release);
  const Sought sought = sought_node(name);
  return rejected("there is no " + sought.what + names_hint(api, sought) +
                  ", and kubectl avouch log --node " + name +
                  " what the log has of one that is gone");
}

Result<void> expect_in_cluster(const kube::Client& api, const Sought& sought,
                               const std::string& so_far) {
  const auto object = api.get(sought.where, sought.name);
  if (object.has_value()) return {};
  if (object.error().is_not_found()) {
    return rejected(so_far + "there is no " + sought.what + " in the cluster" +
                    names_hint(api, sought));
  }
  if (!object.error().is_forbidden()) return static_cast<Error>(object.error());
  return rejected(so_far + "whether there is a " + sought.what +
                  " in the cluster cannot be seen: " + object.error().message);
}

}  // namespace avouch::inspect
