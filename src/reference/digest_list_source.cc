#include "reference/digest_list_source.h"

#include <utility>

#include "base/hex.h"

namespace avouch::reference {

Result<std::shared_ptr<const DigestSet>> SharedDigestLists::find(const crypto::Sha256& content) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sets_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto found = sets_.find(content); found != sets_.end()) {
    if (auto set = found->second.lock()) return set;
  }
  DigestListReader reader(limits_);
  const std::string name = "digest list sha256:" + to_hex(content);
  if (auto read = source_.read(content, reader); !read.has_value()) {
    return with_context(std::move(read).error(), name);
  }
  auto list = std::move(reader).finish();
  if (!list.has_value()) return with_context(std::move(list).error(), name);
  if (list->content != content) {
    return rejected(name + ": what lies there has the digest sha256:" + to_hex(list->content) +
                    ": it was changed, restore it");
  }
  sets_[content] = list->set;
  return list->set;
}

}  // namespace avouch::reference
