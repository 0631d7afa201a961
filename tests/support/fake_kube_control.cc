// What a test puts in, looks at and breaks.

#include <utility>

#include "support/fake_kube_parts.h"

namespace avouch::testing {

Json FakeKube::put(const kube::ResourcePath& resource, Json object) {
  const std::lock_guard guard(mutex_);
  Target target{resource.group,
                resource.version,
                resource.plural,
                resource.ns,
                text_at(object, {"metadata", "name"}),
                ""};
  if (!resource.ns.empty()) object["metadata"]["namespace"] = resource.ns;
  if (object.find("apiVersion") == nullptr) object["apiVersion"] = resource.api_version();
  if (object.find("kind") == nullptr) object["kind"] = "Object";
  Json stored = store(target, target.key(), std::move(object), {});
  changed_.notify_all();
  return stored;
}

std::optional<Json> FakeKube::peek(const kube::ResourcePath& resource,
                                   const std::string& name) const {
  const std::lock_guard guard(mutex_);
  const auto collection = collections_.find(resource.group + "/" + resource.plural);
  if (collection == collections_.end()) return std::nullopt;
  const auto it = collection->second.find(resource.ns.empty() ? name : resource.ns + "/" + name);
  if (it == collection->second.end()) return std::nullopt;
  return it->second.object;
}

void FakeKube::erase(const kube::ResourcePath& resource, const std::string& name) {
  const std::lock_guard guard(mutex_);
  remove({resource.group, resource.version, resource.plural, resource.ns, name, ""}, {});
  changed_.notify_all();
}

void FakeKube::fail_next(Error error, Wanted wanted) {
  const std::lock_guard guard(mutex_);
  faults_.push_back({FaultKind::kError, std::move(error), {}, std::move(wanted)});
}

void FakeKube::answer_next(HttpResponse response, Wanted wanted) {
  const std::lock_guard guard(mutex_);
  faults_.push_back({FaultKind::kAnswer, {}, std::move(response), std::move(wanted)});
}

void FakeKube::lose_next_answer(Error error, Wanted wanted) {
  const std::lock_guard guard(mutex_);
  faults_.push_back({FaultKind::kLostAnswer, std::move(error), {}, std::move(wanted)});
}

void FakeKube::set_down(bool down) {
  if (down) break_watches(retryable("connection reset"));
  const std::lock_guard guard(mutex_);
  down_ = down;
}

void FakeKube::add_token(const std::string& token, Json user, std::vector<std::string> audiences) {
  const std::lock_guard guard(mutex_);
  tokens_[token] = {std::move(user), std::move(audiences)};
}

void FakeKube::set_access(std::function<bool(const Json& spec)> allows) {
  const std::lock_guard guard(mutex_);
  allows_ = std::move(allows);
}

std::vector<HttpRequest> FakeKube::requests() const {
  const std::lock_guard guard(mutex_);
  return requests_;
}

void FakeKube::clear_requests() {
  const std::lock_guard guard(mutex_);
  requests_.clear();
}

std::string FakeKube::version() const {
  const std::lock_guard guard(mutex_);
  return std::to_string(version_);
}

}  // namespace avouch::testing
