#pragma once

// The evidence store on POSIX files.
//
//   DIR/blobs/HEX           a blob, named by its SHA-256
//   DIR/owners/HEX          a symbolic link: its target is the name of who sent that blob
//   DIR/incoming/N          one that is being written
//   DIR/runtime/UID.BOOT    the runtime log of a node's present boot
//
// One that is full has room for whoever holds less than an equal part of it, of the eighth that is
// for blobs or of what is for runtime logs: nobody fills it for others.
//
// A blob is fsynced before it gets its name, so whatever has a name is whole. Others may keep links
// to these files (record_files.h): a blob never changes, and of a runtime log that others keep what
// was written stays as it is; where it is cut, it goes on in a file of its own.

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "control/blob_store.h"

namespace avouch::adapters {

// Where a store in `directory` has a blob, and the runtime log of a node's boot.
std::filesystem::path blob_file(const std::filesystem::path& directory,
                                const crypto::Sha256& digest);
std::filesystem::path runtime_log_file(const std::filesystem::path& directory,
                                       const std::string& node_uid, const std::string& boot);

struct BlobFilesOptions {
  std::filesystem::path directory;                      // made if missing; its parent must exist
  std::uint64_t total_bytes = 1024ULL * 1024 * 1024;    // blobs, incoming and runtime logs together
  std::uint64_t node_blob_bytes = 64ULL * 1024 * 1024;  // of one node's blobs
  std::uint64_t runtime_log_bytes = 64ULL * 1024 * 1024;  // of one node
  // Whether the volume has room for so many bytes more; empty: always.
  std::function<bool(std::uint64_t)> has_room;
};

class BlobFiles final : public control::BlobStore, public control::RuntimeLogStore {
 public:
  // Drops what a crash left in incoming/. One process at a time may have it open.
  static Result<std::unique_ptr<BlobFiles>> open(BlobFilesOptions options, Clock& clock);

  Result<std::unique_ptr<control::BlobWriter>> begin(const crypto::Sha256& digest,
                                                     const std::string& owner) override;
  bool contains(const crypto::Sha256& digest) override;
  Result<Bytes> read(const crypto::Sha256& digest, std::size_t max_bytes) override;
  std::uint64_t bytes() override;
  std::uint64_t drop_unused(std::chrono::milliseconds idle) override;

  std::uint64_t next_offset(const std::string& node_uid, const std::string& boot) override;
  Result<std::uint64_t> append(const std::string& node_uid, const std::string& boot,
                               std::uint64_t offset, ByteView bytes) override;
  Result<Bytes> read(const std::string& node_uid, const std::string& boot, std::uint64_t offset,
                     std::size_t max_bytes) override;
  Result<void> truncate(const std::string& node_uid, const std::string& boot,
                        std::uint64_t bytes) override;
  Result<void> remove(const std::string& node_uid) override;

 private:
  class Writer;
  struct Blob {
    std::uint64_t bytes = 0;
    SteadyTime used{};
    std::string owner;                          // "": nobody's, as a crash may leave it
    std::list<crypto::Sha256>::iterator place;  // in by_use_
  };
  struct RuntimeLog {
    std::string boot;
    std::uint64_t bytes = 0;
    bool busy = false;  // an append is under way, without the lock
  };
  using Uses = std::list<crypto::Sha256>;
  using RuntimeLogs = std::map<std::string, RuntimeLog>;
  // Who wants room: an owner of blobs, or a node's runtime log, and what they have.
  struct Holder {
    std::string owner, node_uid;
    std::uint64_t bytes = 0;
  };

  BlobFiles(BlobFilesOptions options, Clock& clock);
  Result<void> scan();
  Result<void> scan_owners();
  std::filesystem::path blob_path(const crypto::Sha256& digest) const;
  std::filesystem::path owner_path(const crypto::Sha256& digest) const;
  void own_locked(Blob& blob, const std::string& owner);
  std::filesystem::path runtime_path(const std::string& node_uid, const std::string& boot) const;
  void use_locked(Blob& blob);
  // Room for `more` bytes, by giving up the oldest blobs, and then what those hold who hold more
  // than an equal part of the store (an eighth for blobs, the rest for runtime logs), for who would
  // not. kRetryable if there is none.
  Result<void> reserve_locked(std::uint64_t more, const Holder& holder);
  bool take_from_largest_locked(std::uint64_t more, const Holder& holder);
  void remove_locked(RuntimeLogs::iterator log);
  Result<void> reserve_share_locked(const std::string& owner, std::uint64_t more);
  Uses::iterator drop_locked(Uses::iterator place);
  void give_back_locked(const std::string& owner, std::uint64_t bytes);
  void release(const std::string& owner, std::uint64_t bytes);
  Result<void> reserve(const std::string& owner, std::uint64_t more);
  Result<control::BlobOutcome> keep(const crypto::Sha256& digest, const std::string& owner,
                                    const std::filesystem::path& incoming, std::uint64_t bytes);

  const BlobFilesOptions options_;
  Clock& clock_;
  std::atomic<std::uint64_t> next_incoming_{0};

  std::mutex mutex_;
  std::uint64_t used_bytes_ = 0;
  std::map<crypto::Sha256, Blob> blobs_;
  Uses by_use_;                                  // oldest first
  std::map<std::string, std::uint64_t> shares_;  // bytes of blobs, incoming too, by owner
  std::map<std::string, std::size_t> counts_;    // of blobs that are kept, by owner
  RuntimeLogs runtime_logs_;                     // by node UID
};

}  // namespace avouch::adapters
