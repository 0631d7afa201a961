#include "webhook/cluster_view.h"

#include <algorithm>
#include <map>
#include <vector>

#include "attest/token.h"
#include "codec/base64.h"
#include "kube/views.h"

namespace avouch::webhook {
namespace {

using codec::Json;
using kube::Change;
using kube::ChangeType;

constexpr std::size_t kMaxReasons = 16;
constexpr std::size_t kMaxReasonsOfPolicy = 3;
constexpr std::size_t kMaxReasonBytes = 300;

// "PcrMismatch: AttestationPolicy \"p\": ...": the first reasons of a status, of no policy so many
// that others have none.
std::vector<std::string> reasons_of(const Json& evidence) {
  const Json* list = evidence.find_path({"status", "verdict", "reasons"});
  if (list == nullptr || list->as_array() == nullptr) return {};
  std::vector<std::string> out;
  std::map<std::string_view, std::size_t> of_policy;
  for (const Json& reason : *list->as_array()) {
    const std::string_view message = reason.text({"message"});
    const std::string_view policy = message.substr(0, message.find("\": "));
    if (++of_policy[policy] > kMaxReasonsOfPolicy) continue;
    out.push_back(std::string(reason.text({"code"}).substr(0, 64)) + ": " +
                  std::string(message.substr(0, kMaxReasonBytes)));
    if (out.size() == kMaxReasons) break;
  }
  return out;
}

Result<attest::VerifiedToken> verified(const std::string& token, const TrustAnchors& anchors) {
  if (token.size() > attest::kMaxTokenBytes * 2) return rejected("the token is too large");
  AVOUCH_TRY(const Bytes bytes, codec::from_base64(token));
  return attest::verify_token(bytes, anchors.verifier_keys, anchors.log_origin);
}

// Never without facts: a policy that is left out would gate nothing.
std::shared_ptr<const admission::PolicyFacts> policy_facts(const Change& change) {
  try {
    const Json* spec = change.object->find("spec");
    return std::make_shared<const admission::PolicyFacts>(
        admission::read_policy(change.key, spec == nullptr ? Json() : *spec));
  } catch (const std::exception& e) {
    admission::PolicyFacts facts;
    facts.name = change.key;
    facts.unusable = e.what();
    return std::make_shared<const admission::PolicyFacts>(std::move(facts));
  }
}

bool same_keys(const TrustAnchors& a, const TrustAnchors& b) {
  return a.log_origin == b.log_origin && a.verifier_keys == b.verifier_keys;
}

constexpr std::string_view kLabelsLeftOut = "labelsLeftOut";

Json identity_of(const codec::JsonView& object) {
  Json out{Json::Object{}};
  for (const std::string_view name : {"apiVersion", "kind"}) {
    if (const auto value = object.find(name); value.exists()) out[name] = value.to_json();
  }
  for (const std::string_view name : {"name", "namespace", "uid", "resourceVersion"}) {
    const auto value = object.find_path({"metadata", name});
    if (value.exists()) out["metadata"][name] = value.to_json();
  }
  return out;
}

Json with_labels(const codec::JsonView& object, std::size_t max_bytes) {
  Json out = identity_of(object);
  const auto labels = object.find_path({"metadata", "labels"});
  if (!labels.is_object()) return out;
  std::size_t bytes = 0;
  for (const auto& [key, value] : labels.members()) {
    bytes += key.size() + value.as_string().value_or("").size();
  }
  if (bytes > max_bytes) {
    out[kLabelsLeftOut] = true;
  } else {
    out["metadata"]["labels"] = labels.to_json();
  }
  return out;
}

// Keeps only the named members of an object.
void keep_members(Json& object, std::initializer_list<std::string_view> names) {
  Json::Object* members = object.as_object();
  if (members == nullptr) return;
  std::erase_if(*members, [names](const auto& member) {
    return std::find(names.begin(), names.end(), member.first) == names.end();
  });
}

void keep_below(Json& object, std::string_view member,
                std::initializer_list<std::string_view> names) {
  Json::Object* members = object.as_object();
  if (members == nullptr) return;
  const auto found = members->find(member);
  if (found != members->end()) keep_members(found->second, names);
}

void trim_metadata(Json& object) {
  keep_below(object, "metadata", {"name", "namespace", "uid", "resourceVersion", "labels"});
}

}  // namespace

ClusterView::ClusterView(Clock& clock, OnProblem on_problem)
    : clock_(clock), on_problem_(std::move(on_problem)) {}

void ClusterView::changed() { shared_.reset(); }

void ClusterView::on_policy(const Change& change) {
  std::shared_ptr<const admission::PolicyFacts> facts;
  if (change.type != ChangeType::kDeleted) {
    facts = policy_facts(change);
    if (!facts->unusable.empty()) {
      on_problem_("AttestationPolicy " + change.key + " cannot be used: " + facts->unusable);
    }
  }
  const std::lock_guard lock(mutex_);
  if (facts == nullptr) {
    now_.policies.erase(change.key);
    policy_versions_.erase(change.key);
  } else {
    policy_versions_[change.key] = change.object->text({"metadata", "resourceVersion"});
    now_.policies[change.key] = std::move(facts);
  }
  changed();
}

void ClusterView::on_namespace(const Change& change) {
  const auto view = kube::namespace_view(*change.object);
  const std::lock_guard lock(mutex_);
  now_.namespaces.erase(change.key);
  now_.unread_namespaces.erase(change.key);
  if (change.type != ChangeType::kDeleted) {
    if (view.has_value() && knows_labels(*change.object)) {
      now_.namespaces[change.key] = std::make_shared<const attest::Labels>(view->meta.labels);
    } else {
      now_.unread_namespaces.insert(change.key);  // every policy gates what is in it
    }
  }
  changed();
}

void ClusterView::on_node(const Change& change) {
  const auto view = kube::node_view(*change.object);
  const std::lock_guard lock(mutex_);
  if (change.type == ChangeType::kDeleted || !view.has_value()) {
    now_.nodes.erase(change.key);
    if (view.has_value()) boots_.erase(view->meta.uid);
    return changed();
  }
  Boot& boot = boots_[view->meta.uid];
  if (!view->boot_id.empty()) {
    if (!boot.id.empty() && boot.id != view->boot_id) {
      boot.changed_at = clock_.now();
      boot.changed_seen = clock_.steady_now();
    }
    boot.id = view->boot_id;
  }
  admission::NodeFacts facts{view->meta.name, view->meta.uid, view->meta.labels, boot.changed_at,
                             boot.changed_seen};
  auto& kept = now_.nodes[change.key];
  // Most changes of a Node are heartbeats.
  if (kept != nullptr && kept->uid == facts.uid && kept->labels == facts.labels &&
      kept->rebooted_at == facts.rebooted_at && kept->rebooted_seen == facts.rebooted_seen) {
    return;
  }
  kept = std::make_shared<const admission::NodeFacts>(std::move(facts));
  changed();
}

void ClusterView::on_evidence(const Change& change) {
  const std::string& name = change.key;
  Evidence evidence;
  {
    const std::lock_guard lock(mutex_);
    Evidence& kept = evidences_[name];
    if (change.type == ChangeType::kDeleted) {
      book_.forget(kept.node_uid);
      evidences_.erase(name);
      now_.refused_tokens.erase(name);
      return changed();
    }
    kept.token = change.object->text({"status", "verdict", "token"});
    kept.reasons = reasons_of(*change.object);
    kept.log_index.reset();
    kept.log_origin = change.object->text({"status", "verdict", "log", "origin"});
    const Json* index = change.object->find_path({"status", "verdict", "log", "index"});
    if (index != nullptr && index->as_int() != nullptr && *index->as_int() >= 0) {
      kept.log_index = static_cast<std::uint64_t>(*index->as_int());
    }
    evidence = kept;
  }
  verify(name, evidence);
}

// Outside the lock: a signature takes a while. If keys change meanwhile, on_trust() verifies all
// that is in evidences_ by then, and what is done here by old keys is dropped.
void ClusterView::verify(const std::string& name, const Evidence& evidence) {
  const std::shared_ptr<const TrustAnchors> by = anchors();
  if (by == nullptr || evidence.token.empty()) return;  // an absent token changes nothing
  auto token = verified(evidence.token, *by);
  std::string problem;
  if (!token.has_value()) problem = token.error().message;
  if (token.has_value() && token->claims().node_name != name) {
    problem = "it is on node \"" + token->claims().node_name + "\"";
  }
  {
    const std::lock_guard lock(mutex_);
    if (!same_keys(*by, *anchors_)) return;
    if (problem.empty()) {
      if (const auto kept = evidences_.find(name); kept != evidences_.end()) {
        kept->second.node_uid = token->claims().node_uid;
      }
      admission::VerdictFacts facts{*std::move(token), evidence.reasons, evidence.log_index};
      facts.log_origin = evidence.log_origin;
      book_.offer(std::move(facts), clock_.steady_now());
      now_.refused_tokens.erase(name);
    } else {
      now_.refused_tokens[name] = problem;
    }
    changed();
  }
  if (!problem.empty()) on_problem_("AttestationEvidence " + name + ": token refused: " + problem);
}

void ClusterView::on_trust(const Change& change) {
  if (change.type == ChangeType::kDeleted) {
    return on_problem_("ConfigMap " + change.key + " was deleted; its last content stays in force");
  }
  auto read = read_trust_anchors(*change.object);
  if (!read.has_value()) {
    return on_problem_("ConfigMap " + change.key + " cannot be used: " + read.error().message);
  }
  std::vector<std::pair<std::string, Evidence>> all;
  {
    const std::lock_guard lock(mutex_);
    const bool same = anchors_ != nullptr && same_keys(*anchors_, *read);
    anchors_ = std::make_shared<const TrustAnchors>(*std::move(read));
    if (same) return;
    book_.clear();
    now_.refused_tokens.clear();
    changed();
    all.assign(evidences_.begin(), evidences_.end());
  }
  for (const auto& [name, evidence] : all) verify(name, evidence);
}

std::shared_ptr<const admission::Snapshot> ClusterView::snapshot() {
  const std::lock_guard lock(mutex_);
  if (book_.outlive(clock_.steady_now())) changed();
  if (shared_ == nullptr) {
    now_.verdicts = book_.verdicts();
    shared_ = std::make_shared<const admission::Snapshot>(now_);
  }
  return shared_;
}

bool ClusterView::has_policy(const std::string& name, const std::string& resource_version) const {
  const std::lock_guard lock(mutex_);
  const auto found = policy_versions_.find(name);
  return found != policy_versions_.end() && found->second == resource_version;
}

std::shared_ptr<const TrustAnchors> ClusterView::anchors() const {
  const std::lock_guard lock(mutex_);
  return anchors_;
}

void ClusterView::prune() {
  const std::lock_guard lock(mutex_);
  book_.prune(clock_.now(), clock_.steady_now());
  changed();
}

Json ClusterView::read_identity(const codec::JsonView& object) { return identity_of(object); }

Json ClusterView::read_node(const codec::JsonView& node) {
  Json out = identity_of(node);
  const auto labels = node.find_path({"metadata", "labels"});
  if (labels.exists()) out["metadata"]["labels"] = labels.to_json();
  const auto boot = node.find_path({"status", "nodeInfo", "bootID"});
  if (boot.exists()) out["status"]["nodeInfo"]["bootID"] = boot.to_json();
  return out;
}

Json ClusterView::read_unbound_pod(const codec::JsonView& pod) {
  return with_labels(pod, kMaxPodLabels);
}

Json ClusterView::read_namespace(const codec::JsonView& ns) {
  return with_labels(ns, kMaxNamespaceLabels);
}

bool ClusterView::knows_labels(const Json& object) {
  return object.find(kLabelsLeftOut) == nullptr;
}

void ClusterView::trim_evidence(Json& evidence) {
  keep_members(evidence, {"apiVersion", "kind", "metadata", "status"});
  trim_metadata(evidence);
  keep_below(evidence, "status", {"verdict"});
}

void ClusterView::trim_pod(Json& pod) {
  keep_members(pod, {"apiVersion", "kind", "metadata", "spec"});
  trim_metadata(pod);
  keep_below(pod, "spec", {"nodeName", "serviceAccountName"});
}

}  // namespace avouch::webhook
