#include "webhook/informed_facts.h"

#include <algorithm>

#include "crypto/random.h"
#include "kube/views.h"

namespace avouch::webhook {
namespace {

// The API server sends a page in one piece, which is in memory as a whole while it comes: as many
// objects as may be megabytes each without ending the program. Whoever may create pods decides how
// large those are.
constexpr int kPage = 20;
constexpr int kPodPage = 5;
constexpr std::size_t kMaxPolicies = 1'000;  // more are not compared while a review waits

kube::InformerOptions of(kube::ResourcePath resource) {
  kube::InformerOptions options;
  options.resource = std::move(resource);
  options.page_size = kPage;
  return options;
}

// A watch must show signs of life well within the bound that readiness asks for.
std::chrono::seconds watch_timeout(std::chrono::milliseconds max_staleness) {
  const auto two_thirds = std::chrono::duration_cast<std::chrono::seconds>(max_staleness * 2 / 3);
  return std::clamp(two_thirds, std::chrono::seconds(3), std::chrono::seconds(40));
}

}  // namespace

InformedFacts::InformedFacts(const config::WebhookConfig& config, const kube::Client& client,
                             Clock& clock, std::function<void(const std::string& pem)> on_ca)
    : config_(config),
      client_(client),
      clock_(clock),
      view_(clock, [this](const std::string& message) {
        log_.warn("object not usable", {{"problem", message}});
      }) {
  const std::string& ns = config.release.name_space;

  auto trust = of(kube::config_maps(ns));
  trust.field_selector = "metadata.name=" + config.release.object("trust");
  add("trust", std::move(trust), [this, on_ca = std::move(on_ca)](const kube::Change& change) {
    view_.on_trust(change);
    if (const auto anchors = view_.anchors()) on_ca(anchors->ca_pem);
  });

  policies_ = &add("policies", of(kube::attestation_policies()),
                   [this](const kube::Change& change) { view_.on_policy(change); });

  auto namespaces = of(kube::namespaces());
  namespaces.metadata_only = true;
  namespaces.read_only(&ClusterView::read_namespace);
  add("namespaces", std::move(namespaces),
      [this](const kube::Change& change) { view_.on_namespace(change); });

  auto nodes = of(kube::nodes());
  nodes.read_only(&ClusterView::read_node);
  add("nodes", std::move(nodes), [this](const kube::Change& change) { view_.on_node(change); });

  auto evidence = of(kube::attestation_evidences());
  evidence.trim = ClusterView::trim_evidence;
  add("evidence", std::move(evidence),
      [this](const kube::Change& change) { view_.on_evidence(change); });

  auto unbound = of(kube::pods());
  unbound.field_selector = "spec.nodeName=";
  unbound.metadata_only = true;
  unbound.read_only(&ClusterView::read_unbound_pod);
  unbound.page_size = kPodPage;
  unbound.as_text = true;  // whoever may create pods decides how many there are
  unbound_pods_ = &add("pods", std::move(unbound), {});

  auto agents = of(kube::pods(ns));
  agents.trim = ClusterView::trim_pod;
  agent_pods_ = &add("agents", std::move(agents), {});
}

InformedFacts::~InformedFacts() {
  for (auto& [name, informer] : informers_) informer->stop();
}

kube::Informer& InformedFacts::add(std::string name, kube::InformerOptions options,
                                   kube::Informer::Handler handler) {
  options.watch_timeout = watch_timeout(config_.max_staleness);
  auto informer =
      std::make_unique<kube::Informer>(client_, clock_, crypto::system_random(), options);
  if (handler) informer->on_change(std::move(handler));
  informer->on_problem([this, name](const std::string& message) {
    log_.warn("watch failed", {{"objects", name}, {"error", message}});
  });
  informers_.push_back({std::move(name), std::move(informer)});
  return *informers_.back().informer;
}

void InformedFacts::start() {
  for (auto& [name, informer] : informers_) informer->start();
}

std::string InformedFacts::not_ready() {
  for (const auto& [name, informer] : informers_) {
    if (!informer->synced()) return "it has not read the cluster's " + name + " yet";
    if (!informer->fresh(config_.max_staleness)) {
      return "what it knows of the cluster's " + name + " is too old";
    }
  }
  if (view_.anchors() == nullptr) {
    return "ConfigMap " + config_.release.object("trust") +
           " with the verification keys is not there, or not usable";
  }
  return {};
}

std::optional<KnownPod> InformedFacts::unbound_pod(const admission::PodKey& pod) {
  const kube::ObjectPtr object = unbound_pods_->find(pod.ns + "/" + pod.name);
  if (object == nullptr || !ClusterView::knows_labels(*object)) return std::nullopt;
  auto meta = kube::object_meta(*object);
  if (!meta.has_value() || (!pod.uid.empty() && meta->uid != pod.uid)) return std::nullopt;
  return KnownPod{.uid = std::move(meta->uid), .labels = std::move(meta->labels)};
}

std::optional<std::string> InformedFacts::agent_node(const std::string& pod_name,
                                                     const std::string& pod_uid) {
  const kube::ObjectPtr object = agent_pods_->find(config_.release.name_space + "/" + pod_name);
  if (object == nullptr) return std::nullopt;
  auto pod = kube::pod_view(*object);
  if (!pod.has_value() || pod->meta.uid != pod_uid || pod->node_name.empty() ||
      pod->service_account != config_.agent_service_account) {
    return std::nullopt;
  }
  return std::move(pod->node_name);
}

std::string InformedFacts::log_origin() {
  const auto anchors = view_.anchors();
  return anchors == nullptr ? std::string() : anchors->log_origin;
}

// As a list of one, which needs no right that the informer does not need. Without a version it is
// what etcd has now.
Result<std::optional<attest::Labels>> InformedFacts::namespace_labels(
    const std::string& name, std::chrono::milliseconds timeout) {
  kube::ListOptions options;
  options.field_selector = "metadata.name=" + name;
  options.metadata_only = true;
  options.page_size = 1;
  options.max_object_bytes = kube::kMaxStoredObjectBytes;
  options.read = &ClusterView::read_namespace;
  auto list = client_.with_timeout(timeout).list_page(kube::namespaces(), options, {});
  if (!list.has_value()) return static_cast<Error>(std::move(list).error());
  if (list->items.empty()) {
    return rejected("the API server has no namespace \"" + name + "\" that can be read");
  }
  if (!ClusterView::knows_labels(list->items.front())) return std::optional<attest::Labels>();
  AVOUCH_TRY(auto view, kube::namespace_view(list->items.front()));
  if (view.meta.name != name) return retryable("the API server answered for another namespace");
  return std::optional(std::move(view.meta.labels));
}

Result<void> InformedFacts::policies_current(std::chrono::milliseconds timeout) {
  kube::ListOptions options;
  options.metadata_only = true;
  options.page_size = kPage;
  options.max_objects = kMaxPolicies;
  options.read = &ClusterView::read_identity;
  auto list = client_.with_timeout(timeout).list(kube::attestation_policies(), options);
  if (!list.has_value()) return static_cast<Error>(std::move(list).error());
  for (const codec::Json& policy : list->items) {
    const auto meta = kube::object_meta(policy);
    if (!meta.has_value() || !view_.has_policy(meta->name, meta->resource_version)) {
      return retryable(
          "what it knows of the cluster's policies is older than what the API server has");
    }
  }
  if (!list->unreadable.empty()) return retryable(list->unreadable.front());
  return {};
}

std::vector<InformedFacts::CacheAge> InformedFacts::cache_ages() const {
  std::vector<CacheAge> ages;
  for (const auto& [name, informer] : informers_) {
    if (const auto contact = informer->last_contact()) {
      ages.push_back({name, clock_.steady_now() - *contact});
    }
  }
  return ages;
}

}  // namespace avouch::webhook
