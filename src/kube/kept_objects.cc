#include "kube/kept_objects.h"

#include <stdexcept>
#include <utility>

namespace avouch::kube {
namespace {

ObjectPtr read(std::string_view text) {
  auto object = codec::parse_json(text.substr(text.find('\0') + 1));
  if (!object.has_value()) throw std::logic_error("a kept object: " + object.error().message);
  return std::make_shared<const Json>(*std::move(object));
}

}  // namespace

ObjectPtr KeptObjects::find(std::string_view key) const {
  if (!as_text_) {
    const auto found = trees_.find(key);
    return found == trees_.end() ? nullptr : found->second;
  }
  const auto found = texts_.find(key);
  return found == texts_.end() ? nullptr : read(*found);
}

bool KeptObjects::contains(std::string_view key) const {
  return as_text_ ? texts_.contains(key) : trees_.contains(key);
}

void KeptObjects::put(const std::string& key, ObjectPtr object) {
  if (key.find('\0') != std::string::npos) throw std::invalid_argument("a name with a zero byte");
  if (!as_text_) {
    trees_.insert_or_assign(key, std::move(object));
    return;
  }
  const std::string json = codec::to_json(*object);
  std::string text;
  text.reserve(key.size() + 1 + json.size());
  text.append(key).append(1, '\0').append(json);
  auto place = texts_.find(key);
  if (place == texts_.end()) {
    texts_.insert(std::move(text));
    return;
  }
  // In the same place of the order.
  auto node = texts_.extract(place);
  node.value() = std::move(text);
  texts_.insert(std::move(node));
}

void KeptObjects::erase(std::string_view key) {
  if (const auto found = trees_.find(key); found != trees_.end()) trees_.erase(found);
  if (const auto found = texts_.find(key); found != texts_.end()) texts_.erase(found);
}

std::set<std::string, std::less<>> KeptObjects::keys() const {
  std::set<std::string, std::less<>> out;
  for (const auto& [key, object] : trees_) out.insert(out.end(), key);
  for (const std::string& text : texts_) out.emplace_hint(out.end(), ByKey::key_of(text));
  return out;
}

Snapshot KeptObjects::all() const {
  Snapshot out = trees_;
  for (const std::string& text : texts_) {
    out.emplace_hint(out.end(), std::string(ByKey::key_of(text)), read(text));
  }
  return out;
}

}  // namespace avouch::kube
