#pragma once

// control::RenewalStore on POSIX files: one file a epoch, named by the epoch entry's index.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "control/renewals.h"

namespace avouch::adapters {

struct RenewalFilesOptions {
  std::filesystem::path directory;  // made if it is missing; its parent must exist
  // Of the volume (disk_blocks.h), so that small files are bounded too: 65,536 at most, a week of
  // epochs of 10 s. Beyond that the oldest are given up.
  std::uint64_t total_bytes = 256ULL * 1024 * 1024;
};

class RenewalFiles final : public control::RenewalStore {
 public:
  static Result<std::unique_ptr<RenewalFiles>> open(RenewalFilesOptions options);

  Result<void> save(std::uint64_t epoch_index, ByteView renewals) override;
  Result<std::vector<std::uint64_t>> epochs() override;
  Result<Bytes> read(std::uint64_t epoch_index) override;

 private:
  explicit RenewalFiles(RenewalFilesOptions options) : options_(std::move(options)) {}
  Result<void> scan();
  std::filesystem::path path_of(std::uint64_t epoch_index) const;

  const RenewalFilesOptions options_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::uint64_t> sizes_;  // by epoch index, on the volume
  std::uint64_t used_bytes_ = 0;
};

}  // namespace avouch::adapters
