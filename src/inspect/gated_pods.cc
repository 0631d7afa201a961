#include "inspect/gated_pods.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "admission/gating.h"
#include "base/time_text.h"
#include "inspect/rights.h"
#include "kube/views.h"

namespace avouch::inspect {
namespace {

using codec::Json;
using codec::JsonView;
using Names = std::set<std::string, std::less<>>;

constexpr std::size_t kMostPodsOfNamespace = 200'000;
constexpr std::string_view kFailClosedWebhook = "pods.avouch.dev";
// The API server's own selection; what it does not know it refuses.
constexpr const char* kOnNodes = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed";

struct PoliciesByName {
  admission::NamedFacts<admission::PolicyFacts> facts;
  std::map<std::string, EnforcedPolicy, std::less<>> enforced;
};

Result<PoliciesByName> policies_by_name(const kube::Client& api, const ReleaseName& release) {
  const auto listed = api.list(kube::attestation_policies());
  if (!listed.has_value()) return with_grant(listed.error(), Role::kNodeViewer, release);
  if (!listed->unreadable.empty()) return rejected(listed->unreadable.front());
  PoliciesByName out;
  for (const Json& item : listed->items) {
    AVOUCH_TRY(const kube::ObjectMeta meta, kube::object_meta(item));
    const Json* spec = item.find("spec");
    auto facts = std::make_shared<const admission::PolicyFacts>(
        admission::read_policy(meta.name, spec == nullptr ? Json() : *spec));
    if (facts->mode == attest::Mode::kEnforce) {
      const auto made = from_rfc3339(meta.creation_timestamp);
      out.enforced[meta.name] = {.name = meta.name,
                                 .made = made.has_value() ? *made : SystemTime{},
                                 .generation = meta.generation};
    }
    out.facts[meta.name] = std::move(facts);
  }
  return out;
}

// What the webhook is not asked about by the name of the namespace.
void add_exempt_names(const Json& configuration, Names& names) {
  const Json* webhooks = configuration.find("webhooks");
  if (webhooks == nullptr || webhooks->as_array() == nullptr) return;
  for (const Json& webhook : *webhooks->as_array()) {
    if (webhook.text({"name"}) != kFailClosedWebhook) continue;
    const Json* list = webhook.find_path({"namespaceSelector", "matchExpressions"});
    if (list == nullptr || list->as_array() == nullptr) return;
    for (const Json& expression : *list->as_array()) {
      const Json* values = expression.find("values");
      if (expression.text({"key"}) != "kubernetes.io/metadata.name" ||
          expression.text({"operator"}) != "NotIn" || values == nullptr ||
          values->as_array() == nullptr) {
        continue;
      }
      for (const Json& value : *values->as_array()) {
        if (value.as_string() != nullptr) names.insert(*value.as_string());
      }
    }
  }
}

struct Exemptions {
  Names names;
  bool is_configured = true;
};

Result<Exemptions> exemptions(const kube::Client& api, const ReleaseName& release) {
  Exemptions out{.names = {release.ns, "kube-system", "kube-node-lease"}};
  const auto found = api.get(kube::validating_webhook_configurations(), release.name);
  if (found.has_value()) {
    add_exempt_names(*found, out.names);
  } else if (found.error().is_not_found()) {
    out.is_configured = false;
  } else {
    return with_grant(found.error(), Role::kNodeViewer, release);
  }
  return out;
}

Result<std::vector<kube::ObjectMeta>> namespaces_in(const kube::Client& api,
                                                    const PodScope& scope) {
  std::vector<kube::ObjectMeta> out;
  if (!scope.ns.empty()) {
    const auto found = api.get(kube::namespaces(), scope.ns);
    if (!found.has_value() && found.error().is_not_found()) {
      return rejected("there is no namespace \"" + scope.ns +
                      "\"; kubectl get namespaces lists those that are there");
    }
    if (!found.has_value()) return with_pods_grant(found.error(), scope.ns);
    AVOUCH_TRY(kube::ObjectMeta meta, kube::object_meta(*found));
    out.push_back(std::move(meta));
    return out;
  }
  kube::ListOptions options;
  options.metadata_only = true;
  const auto listed = api.list(kube::namespaces(), options);
  if (!listed.has_value()) return with_pods_grant(listed.error(), "");
  if (!listed->unreadable.empty()) return rejected(listed->unreadable.front());
  for (const Json& item : listed->items) {
    AVOUCH_TRY(kube::ObjectMeta meta, kube::object_meta(item));
    out.push_back(std::move(meta));
  }
  return out;
}

void copy_members(const JsonView& from, std::initializer_list<std::string_view> names, Json& to) {
  for (const std::string_view name : names) {
    if (const JsonView value = from.find(name); value.exists()) to[name] = value.to_json();
  }
}

// Of a pod what is needed here: others make them as large as they like.
Json read_placed(const JsonView& pod) {
  Json out{Json::Object{}};
  copy_members(pod, {"apiVersion", "kind"}, out);
  copy_members(pod.find("metadata"),
               {"name", "namespace", "uid", "resourceVersion", "creationTimestamp", "labels"},
               out["metadata"]);
  if (pod.find_path({"metadata", "annotations", kube::kMirrorAnnotation}).exists()) {
    out["metadata"]["annotations"][kube::kMirrorAnnotation] = "";
  }
  copy_members(pod.find("spec"), {"nodeName"}, out["spec"]);
  copy_members(pod.find("status"), {"phase"}, out["status"]);
  Json::Array conditions;
  for (const JsonView& condition : pod.find_path({"status", "conditions"}).items()) {
    if (condition.text({"type"}) != "PodScheduled" || condition.text({"status"}) != "True")
      continue;
    conditions.assign(1, condition.to_json());
  }
  out["status"]["conditions"] = std::move(conditions);
  return out;
}

class Gatherer {
 public:
  Gatherer(const kube::Client& api, const PoliciesByName& policies, const PodScope& scope)
      : api_(api), policies_(policies), scope_(scope) {}

  bool gates(const kube::ObjectMeta& ns) const { return !enforced(ns.labels, nullptr).empty(); }

  Result<void> add(const kube::ObjectMeta& ns, GatedPods& out) const {
    kube::ListOptions options;
    options.field_selector = kOnNodes;
    options.max_objects = kMostPodsOfNamespace;
    options.max_object_bytes = kube::kMaxStoredObjectBytes;
    options.read = read_placed;
    const auto done = api_.each_page(kube::pods(ns.name), options,
                                     [&](const kube::ObjectList& page) -> Result<void> {
                                       if (!page.unreadable.empty())
                                         return rejected(page.unreadable.front());
                                       for (const Json& item : page.items)
                                         AVOUCH_CHECK(add_pod(ns, item, out));
                                       return {};
                                     });
    if (!done.has_value()) return with_pods_grant(done.error(), ns.name);
    return {};
  }

 private:
  std::vector<const admission::PolicyFacts*> enforced(const attest::Labels& ns,
                                                      const attest::Labels* pod) const {
    auto found = admission::gating(policies_.facts, &ns, pod);
    std::erase_if(found, [](const auto* policy) { return policy->mode != attest::Mode::kEnforce; });
    return found;
  }

  Result<void> add_pod(const kube::ObjectMeta& ns, const Json& item, GatedPods& out) const {
    AVOUCH_TRY(const kube::PodView view, kube::pod_view(item));
    if (view.node_name.empty() || view.phase == "Succeeded" || view.phase == "Failed") return {};
    const auto policies = enforced(ns.labels, &view.meta.labels);
    if (policies.empty()) return {};
    GatedPod pod;
    AVOUCH_TRY(pod.pod, placed_pod(item, ns.name));
    const auto made = from_rfc3339(view.meta.creation_timestamp);
    if (!made.has_value()) {
      return rejected("pod " + ns.name + "/" + view.meta.name +
                      ": metadata.creationTimestamp: " + made.error().message);
    }
    pod.made = *made;
    pod.since = std::max(*made, pod.pod.placed.value_or(*made));
    pod.is_mirror = view.meta.annotations.contains(kube::kMirrorAnnotation);
    for (const auto* policy : admission::gating(policies_.facts, &ns.labels, &view.meta.labels)) {
      pod.is_strict = pod.is_strict || policy->logging == attest::Logging::kStrict;
    }
    SystemTime needed = SystemTime::max();  // from then on it must be recorded
    for (const auto* policy : policies) {
      needed = std::min(needed, policies_.enforced.at(policy->name).made);
      pod.gates.push_back(policy->name);
    }
    if (scope_.enforced_since) needed = std::max(needed, *scope_.enforced_since);
    auto& list = pod.since < needed ? out.before : out.to_record;
    list.push_back(std::move(pod));
    if (out.before.size() + out.to_record.size() > kMostGatedPods) {
      return rejected("more than " + std::to_string(kMostGatedPods) +
                      " pods are gated; name one namespace after the other with -n");
    }
    return {};
  }

  const kube::Client& api_;
  const PoliciesByName& policies_;
  const PodScope& scope_;
};

void sort_by_name(std::vector<GatedPod>& pods) {
  std::sort(pods.begin(), pods.end(), [](const GatedPod& a, const GatedPod& b) {
    return std::tie(a.pod.ns, a.pod.name) < std::tie(b.pod.ns, b.pod.name);
  });
}

}  // namespace

Result<GatedPods> gated_pods(const kube::Client& api, const ReleaseName& release,
                             const PodScope& scope,
                             const std::function<void(const std::string&)>& progress) {
  progress("reading policies and namespaces");
  AVOUCH_TRY(const PoliciesByName policies, policies_by_name(api, release));
  AVOUCH_TRY(const Exemptions exempt, exemptions(api, release));
  AVOUCH_TRY(const std::vector<kube::ObjectMeta> namespaces, namespaces_in(api, scope));
  GatedPods out;
  out.is_configured = exempt.is_configured;
  for (const auto& [name, policy] : policies.enforced) out.policies.push_back(policy);
  const Gatherer gatherer(api, policies, scope);
  for (const kube::ObjectMeta& ns : namespaces) {
    if (!gatherer.gates(ns)) continue;
    if (exempt.names.contains(ns.name) || ns.labels.contains(admission::kExemptLabel)) {
      out.exempt.push_back(ns.name);
      continue;
    }
    ++out.namespaces;
    progress("listing the pods of namespace " + ns.name);
    AVOUCH_CHECK(gatherer.add(ns, out));
  }
  sort_by_name(out.to_record);
  sort_by_name(out.before);
  return out;
}

}  // namespace avouch::inspect
