#pragma once

// Lists that manifests name by the digest of their bytes: where they lie, and each parsed once.

#include <map>
#include <memory>
#include <mutex>

#include "base/result.h"
#include "crypto/hash.h"
#include "reference/digest_list.h"
#include "reference/digest_set.h"

namespace avouch::reference {

// Seam: content-addressed lists. It need not be trusted: what it gives is hashed.
class DigestListSource {
 public:
  virtual ~DigestListSource() = default;
  // Whether there is something by that name now; costs no reading of lists.
  virtual bool contains(const crypto::Sha256& content) = 0;
  // Feeds the list's bytes, in pieces of any size, and stops at the reader's first error, which it
  // returns. kRejected: there is none of that digest. kRetryable: it cannot be read now.
  virtual Result<void> read(const crypto::Sha256& content, DigestListReader& reader) = 0;
};

// Thread-safe. A set lives as long as somebody uses it; until then all get the same one. Of a list
// that is asked for by several threads at once, one reads it and the others wait.
class SharedDigestLists {
 public:
  // `source` must outlive it.
  explicit SharedDigestLists(DigestListSource& source, const DigestListLimits& limits = {})
      : source_(source), limits_(limits) {}

  // kRejected also for bytes whose digest is not `content`. Errors are not kept.
  Result<std::shared_ptr<const DigestSet>> find(const crypto::Sha256& content);

 private:
  DigestListSource& source_;
  const DigestListLimits limits_;
  std::mutex mutex_;
  std::map<crypto::Sha256, std::weak_ptr<const DigestSet>> sets_;
};

}  // namespace avouch::reference
