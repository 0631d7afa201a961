#include "control/digest_lists.h"

#include "attest/policy.h"
#include "reference/digest_list.h"

namespace avouch::control {

Result<std::shared_ptr<const reference::DigestSet>> DigestLists::parse(
    const appraisal::ConfigMapData& data) {
  const crypto::Sha256 content = attest::config_map_reference({}, data).content;
  // Held while parsing: several policies with one list parse it once.
  const std::lock_guard lock(mutex_);
  std::erase_if(sets_, [](const auto& each) { return each.second.expired(); });
  if (const auto found = sets_.find(content); found != sets_.end()) {
    if (auto set = found->second.lock()) return set;
  }
  AVOUCH_TRY(const reference::DigestList list, reference::read_digest_lists(data));
  sets_.insert_or_assign(content, list.set);
  return list.set;
}

}  // namespace avouch::control
