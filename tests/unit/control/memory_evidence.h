#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "control/blob_store.h"

namespace avouch::control {

// An evidence store in memory, to read from; `answers_instead` makes single readings of a log fail.
class MemoryEvidence final : public BlobStore, public RuntimeLogStore {
 public:
  Result<std::unique_ptr<BlobWriter>> begin(const crypto::Sha256&, const std::string&) override {
    return rejected("not in this store");
  }
  bool contains(const crypto::Sha256& digest) override { return blobs.contains(digest); }
  Result<Bytes> read(const crypto::Sha256& digest, std::size_t) override {
    ++blob_reads;
    if (at_blob) at_blob();
    const auto found = blobs.find(digest);
    if (found == blobs.end()) return rejected("is not there");
    return found->second;
  }
  std::uint64_t bytes() override { return 0; }
  std::uint64_t drop_unused(std::chrono::milliseconds) override { return 0; }

  std::uint64_t next_offset(const std::string& uid, const std::string& boot) override {
    return logs[{uid, boot}].size();
  }
  Result<std::uint64_t> append(const std::string& uid, const std::string& boot, std::uint64_t,
                               ByteView bytes) override {
    avouch::append(logs[{uid, boot}], bytes);
    return std::uint64_t{logs[{uid, boot}].size()};
  }
  Result<Bytes> read(const std::string& uid, const std::string& boot, std::uint64_t offset,
                     std::size_t max_bytes) override {
    if (answers_instead) {
      if (auto answer = answers_instead(offset, max_bytes)) return *std::move(answer);
    }
    const ByteView log = logs[{uid, boot}];
    const ByteView rest = log.subspan(std::min<std::size_t>(offset, log.size()));
    log_bytes_read += std::min(rest.size(), max_bytes);
    const ByteView piece = rest.first(std::min(rest.size(), max_bytes));
    return Bytes(piece.begin(), piece.end());
  }
  Result<void> truncate(const std::string& uid, const std::string& boot,
                        std::uint64_t size) override {
    Bytes& log = logs[{uid, boot}];
    log.resize(std::min<std::size_t>(size, log.size()));
    return {};
  }
  Result<void> remove(const std::string&) override { return {}; }

  std::map<crypto::Sha256, Bytes> blobs;
  std::map<std::pair<std::string, std::string>, Bytes> logs;  // by node UID and boot
  std::size_t blob_reads = 0, log_bytes_read = 0;
  std::function<void()> at_blob;  // before one is read
  // Of a runtime log's reading, by offset and size; nothing: what is stored.
  std::function<std::optional<Result<Bytes>>(std::uint64_t, std::size_t)> answers_instead;
};

}  // namespace avouch::control
