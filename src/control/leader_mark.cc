#include "control/leader_mark.h"

#include "control/names.h"
#include "kube/resource.h"

namespace avouch::control {
namespace {

using codec::Json;

Json labelled(const Json& value) {
  Json out{Json::Object{}};
  out["metadata"]["labels"][std::string(kLeadsLabel)] = value;
  return out;
}

}  // namespace

Result<void> LeaderMark::drop(const kube::Client& client, const std::string& pod) const {
  const auto done =
      client.patch(kube::pods(options_.ns), pod, kube::PatchType::kMerge, labelled(nullptr));
  if (done.has_value() || done.error().is_not_found()) return {};
  return retryable("label " + std::string(kLeadsLabel) + " of pod " + pod + ": " +
                   done.error().message);
}

Result<void> LeaderMark::take(const kube::Client& client) const {
  const auto marked = client.list(
      kube::pods(options_.ns),
      {.label_selector = std::string(kLeadsLabel) + "=" + options_.release, .metadata_only = true});
  if (!marked.has_value()) return retryable("pods that lead: " + marked.error().message);
  for (const Json& each : marked->items) {
    const std::string name(each.text({"metadata", "name"}));
    if (name != options_.pod) AVOUCH_CHECK(drop(client, name));
  }
  const auto done = client.patch(kube::pods(options_.ns), options_.pod, kube::PatchType::kMerge,
                                 labelled(options_.release));
  if (done.has_value()) return {};
  return retryable("label " + std::string(kLeadsLabel) + " of pod " + options_.pod + ": " +
                   done.error().message);
}

}  // namespace avouch::control
