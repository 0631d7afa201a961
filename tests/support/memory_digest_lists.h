#pragma once

// Digest lists in memory.

#include <map>
#include <string>
#include <utility>

#include "reference/digest_list_source.h"

namespace avouch::testing {

class MemoryDigestLists final : public reference::DigestListSource {
 public:
  crypto::Sha256 add(const std::string& list) {
    const crypto::Sha256 name = crypto::sha256(list);
    lists_[name] = list;
    return name;
  }
  // Other bytes under that name, as a damaged store has them.
  void replace(const crypto::Sha256& name, std::string list) { lists_[name] = std::move(list); }
  void remove(const crypto::Sha256& name) { lists_.erase(name); }
  // A disk that does not read it, until fail("").
  void fail(std::string why) { why_ = std::move(why); }
  std::size_t reads() const { return reads_; }

  bool contains(const crypto::Sha256& content) override { return lists_.contains(content); }
  Result<void> read(const crypto::Sha256& content, reference::DigestListReader& reader) override {
    ++reads_;
    if (!why_.empty()) return retryable(why_);
    const auto found = lists_.find(content);
    if (found == lists_.end()) return rejected("there is no such list");
    return reader.feed(as_bytes(found->second));
  }

 private:
  std::map<crypto::Sha256, std::string> lists_;
  std::size_t reads_ = 0;
  std::string why_;
};

}  // namespace avouch::testing
