#pragma once

// The files that Debian packages install (deb(5)), by libarchive.

#include <cstdint>
#include <filesystem>

#include "provision/file_digester.h"

namespace avouch::adapters {

struct DebLimits {
  std::uint64_t entries = 1'000'000;                 // of one package
  std::uint64_t bytes = 16ULL * 1024 * 1024 * 1024;  // unpacked, of one package
  std::size_t path_bytes = 4096;
};

// One package: an ar archive of debian-binary (2.x), control.tar and data.tar, of which data.tar's
// regular files are given; tar is plain or compressed by gzip, xz, zstd, bzip2 or lzma. Nothing is
// unpacked to disk. What a package's scripts make when it is installed is not in it.
class DebFiles final : public provision::FileSource {
 public:
  explicit DebFiles(std::filesystem::path file, const DebLimits& limits = {})
      : file_(std::move(file)), limits_(limits) {}

  // kRejected, with the package and where possible its entry: not a package, damaged or cut off,
  // no data.tar or two, over a limit, a path that is empty, has a NUL or a part "..", a file whose
  // bytes are fewer than it says.
  Result<void> read(provision::FileSink& sink) override;

 private:
  std::filesystem::path file_;
  DebLimits limits_;
};

}  // namespace avouch::adapters
