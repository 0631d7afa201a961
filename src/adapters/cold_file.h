#pragma once

// Control's cold store in a file without a name: it ends with the process, whatever ends that. The
// system's page cache serves what is read often; nothing is ever fsynced.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "control/cold_store.h"

namespace avouch::adapters {

struct ColdFileOptions {
  std::filesystem::path directory;                   // exists; the file is made in it
  std::uint64_t most_bytes = 1024ULL * 1024 * 1024;  // of the file
  // Whether the volume has room for so many bytes more; empty: always.
  std::function<bool(std::uint64_t)> has_room;
};

// Places have one of four sizes between each two powers of two, and are used again for values of
// their size. put(): kRejected over kMostItemBytes; kRetryable where the file or the volume is full
// or cannot be written.
class ColdFile final : public control::ColdStore {
 public:
  static constexpr std::size_t kMostItemBytes = std::size_t{1} << 20;

  // kRetryable: the file cannot be made.
  static Result<std::unique_ptr<ColdFile>> open(ColdFileOptions options);
  ~ColdFile() override;
  ColdFile(const ColdFile&) = delete;
  ColdFile& operator=(const ColdFile&) = delete;

  Result<Place> put(ByteView bytes) override;
  Result<Bytes> get(const Place& place) override;
  void drop(const Place& place) noexcept override;

  std::uint64_t bytes() const;            // of the file, those that are free to be used again too
  int descriptor() const { return fd_; }  // for tests, which damage it

 private:
  ColdFile(ColdFileOptions options, int fd) : options_(std::move(options)), fd_(fd) {}
  Result<std::uint64_t> take_place(std::uint64_t place_bytes);

  const ColdFileOptions options_;
  const int fd_;
  mutable std::mutex mutex_;
  std::uint64_t end_ = 0;
  std::map<std::uint64_t, std::vector<std::uint64_t>> free_;  // by size: where
};

}  // namespace avouch::adapters
