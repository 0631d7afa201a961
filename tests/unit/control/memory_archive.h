#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "appraisal/reappraise.h"
#include "control/verdict_archive.h"
#include "tests/unit/control/memory_evidence.h"

namespace avouch::control {

// Records in memory; nothing is ever given up.
class MemoryArchive final : public VerdictArchive, public RecordReader {
 public:
  explicit MemoryArchive(MemoryEvidence& evidence) : evidence_(evidence) {}

  std::vector<Result<void>> keep(
      std::span<const std::shared_ptr<const RecordToKeep>> kept) override {
    std::vector<Result<void>> out;
    for (const auto& record : kept) {
      for (const auto& object : record->packed.objects) objects[object.digest] = object.bytes;
      if (record->boot_log && evidence_.blobs.contains(*record->boot_log)) {
        objects[*record->boot_log] = evidence_.blobs.at(*record->boot_log);
      }
      if (const auto& log = record->runtime_log) {
        Bytes& bytes = runtime_logs[{record->node_uid, log->boot}];
        bytes = evidence_.logs[{record->node_uid, log->boot}];
      }
      records[record->packed.token] = record->packed.bytes;
      all.push_back(record);
      out.emplace_back();
    }
    return out;
  }
  Result<void> add(const appraisal::RecordObject& object, SystemTime) override {
    objects[object.digest] = object.bytes;
    return {};
  }
  Result<void> add_list(const crypto::Sha256& list, SystemTime) override {
    const auto found = lists.find(list);
    if (found == lists.end()) return retryable("the store has no such list");
    objects[list] = found->second;
    return {};
  }
  void hold(std::set<crypto::Sha256>) override {}

  Result<std::optional<Bytes>> record(const crypto::Sha256& token) override {
    const auto found = records.find(token);
    if (found == records.end()) return std::optional<Bytes>();
    return std::optional(found->second);
  }
  Result<std::optional<Bytes>> object(const crypto::Sha256& digest, std::uint64_t offset,
                                      std::size_t max_bytes) override {
    const auto found = objects.find(digest);
    if (found == objects.end()) return std::optional<Bytes>();
    return std::optional(piece(found->second, offset, max_bytes));
  }
  Result<std::optional<Bytes>> runtime_log(const std::string& node_uid,
                                           const appraisal::RuntimeLogUsed& log,
                                           std::uint64_t offset, std::size_t max_bytes) override {
    const auto found = runtime_logs.find({node_uid, log.boot});
    if (found == runtime_logs.end()) return std::optional<Bytes>();
    const ByteView proven =
        ByteView(found->second).first(std::min<std::size_t>(found->second.size(), log.bytes));
    return std::optional(piece(proven, offset, max_bytes));
  }

  std::map<crypto::Sha256, Bytes> lists;    // what the store of lists has
  std::map<crypto::Sha256, Bytes> records;  // by token
  std::map<crypto::Sha256, Bytes> objects;
  std::map<std::pair<std::string, std::string>, Bytes> runtime_logs;  // by node UID and boot
  std::vector<std::shared_ptr<const RecordToKeep>> all;               // in order

 private:
  static Bytes piece(ByteView all, std::uint64_t offset, std::size_t max_bytes) {
    const ByteView rest = all.subspan(std::min<std::size_t>(offset, all.size()));
    const ByteView out = rest.first(std::min(rest.size(), max_bytes));
    return {out.begin(), out.end()};
  }

  MemoryEvidence& evidence_;
};

// What one record names, as reappraise() asks for it.
class ArchivedObjects final : public appraisal::RecordObjects {
 public:
  ArchivedObjects(RecordReader& reader, const appraisal::StoredRecord& record)
      : reader_(reader), record_(record) {}

  Result<std::optional<Bytes>> read(const crypto::Sha256& digest, std::size_t max) override {
    const auto& runtime = record_.record.runtime_log;
    if (runtime && runtime->digest == digest) {
      return reader_.runtime_log(record_.node_uid, *runtime, 0, max);
    }
    return reader_.object(digest, 0, max);
  }

 private:
  RecordReader& reader_;
  const appraisal::StoredRecord& record_;
};

}  // namespace avouch::control
