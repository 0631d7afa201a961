#pragma once

// The records of verdicts on POSIX files.
//
//   DIR/days/DAY/transitions/HEX   a record, named by the SHA-256 of its token; DAY counts from
//   DIR/days/DAY/renewals/HEX      1970-01-01 (UTC)
//   DIR/objects/HEX                what records name, by its SHA-256
//   DIR/lists/HEX                  digest lists that they name: links to the files of their store
//   DIR/runtime/UID.BOOT-INODE     a boot's runtime log, a link to the evidence store's file
//   DIR/incoming/N                 one that is being written
//
// The modification time of an object or list is that of the last record that names it, to the day.
// Bytes are counted in blocks of 4 KiB, as disks give them; memory is a few numbers a day, and one
// line for each object.

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/result.h"
#include "control/verdict_archive.h"

namespace avouch::adapters {

struct RecordFilesOptions {
  std::filesystem::path directory;  // made if missing; its parent must exist
  std::filesystem::path evidence;   // of the evidence store (blob_files.h), on the same file system
  std::filesystem::path lists;      // of the store of digest lists (blob_files.h), likewise
  std::uint64_t total_bytes = 2048ULL * 1024 * 1024;
  std::chrono::milliseconds retention = std::chrono::hours(720);
  // What verdicts of one node may add in a day, so that no node can have the others' records given
  // up. More is not kept.
  std::uint64_t node_day_bytes = 32ULL * 1024 * 1024;
  // Whether the volume has room for so many bytes more; empty: always.
  std::function<bool(std::uint64_t)> has_room;
};

class RecordFiles final : public control::VerdictArchive, public control::RecordReader {
 public:
  // Drops what a crash left in incoming/. One process at a time may have it open.
  static Result<std::unique_ptr<RecordFiles>> open(RecordFilesOptions options);

  std::vector<Result<void>> keep(
      std::span<const std::shared_ptr<const control::RecordToKeep>> records) override;
  Result<void> add(const appraisal::RecordObject& object, SystemTime now) override;
  Result<void> add_list(const crypto::Sha256& list, SystemTime now) override;
  void hold(std::set<crypto::Sha256> objects) override;
  Result<std::optional<Bytes>> record(const crypto::Sha256& token) override;
  Result<std::optional<Bytes>> object(const crypto::Sha256& digest, std::uint64_t offset,
                                      std::size_t max_bytes) override;
  Result<std::optional<Bytes>> runtime_log(const std::string& node_uid,
                                           const appraisal::RuntimeLogUsed& log,
                                           std::uint64_t offset, std::size_t max_bytes) override;

  // Removes what the retention time has passed of.
  void sweep(SystemTime now);

  struct Counts {
    std::uint64_t bytes = 0;
    std::int64_t oldest_day = 0;  // with a record; 0: there is none
    // Of this process: records given up before their time, and such as were not kept at all.
    std::uint64_t dropped_transitions = 0, dropped_renewals = 0, not_kept = 0;
  };
  Counts counts() const;

 private:
  struct Kept {
    std::uint64_t bytes = 0;
    std::int64_t day = 0;  // of the last record that names it
    bool is_list = false;
  };
  struct Day {
    std::array<std::uint64_t, 2> bytes{}, records{};  // by control::RecordKind
  };
  using Objects = std::map<crypto::Sha256, Kept>;

  explicit RecordFiles(RecordFilesOptions options) : options_(std::move(options)) {}
  Result<void> scan();
  Result<void> scan_day(std::int64_t day, control::RecordKind kind);
  std::filesystem::path day_path(std::int64_t day, control::RecordKind kind) const;
  std::filesystem::path object_path(const crypto::Sha256& digest, bool is_list = false) const;
  Result<void> scan_objects(bool lists);

  Result<void> keep_one(const control::RecordToKeep& record);
  Result<void> keep_all(const control::RecordToKeep& record, std::string& lost);
  Result<void> write(const std::filesystem::path& path, ByteView bytes);
  Result<void> sync() const;
  // Whose the bytes are, and of what day and kind the record that needs them.
  struct Cause {
    std::string node_uid;  // "": nobody's, and in nobody's share
    std::int64_t day = 0;
    control::RecordKind kind = control::RecordKind::kTransition;
  };
  Result<void> put_object(const appraisal::RecordObject& object, const Cause& cause);
  // Takes a blob over from the store in `from`.
  Result<void> put_blob(const std::filesystem::path& from, const crypto::Sha256& digest,
                        const Cause& cause, bool is_list);
  Result<void> put_runtime_log(const std::string& boot, const Cause& cause);
  void touch(Kept& kept, const std::filesystem::path& path, std::int64_t day) const;
  // Room for `more` bytes, by giving up the oldest. kRetryable: none, or beyond the node's share.
  Result<void> reserve(std::uint64_t more, const Cause& cause);
  bool give_up_one(std::int64_t today, control::RecordKind kind);
  void remove_day(std::int64_t day, control::RecordKind kind);
  void drop_unnamed(std::int64_t today);

  const RecordFilesOptions options_;
  std::atomic<std::uint64_t> next_incoming_{0};

  mutable std::mutex mutex_;
  Counts counts_;
  std::map<std::int64_t, Day> days_;
  Objects objects_;
  std::uint64_t list_bytes_ = 0;              // of counts_.bytes
  std::map<std::string, Kept> runtime_logs_;  // by file name
  std::set<crypto::Sha256> held_;
  std::int64_t share_day_ = 0;
  std::map<std::string, std::uint64_t> shares_;  // added on that day, by node UID
};

}  // namespace avouch::adapters
