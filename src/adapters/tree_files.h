#pragma once

// The regular files of a folder and those below it, such as a distribution's root file system.

#include <filesystem>
#include <string>
#include <vector>

#include "provision/file_digester.h"

namespace avouch::adapters {

// Links are not followed, and other file systems (/proc, /sys, a separate /boot) not entered: they
// are named by skipped(). Paths are given as from the folder's own root ("/usr/bin/env").
class TreeFiles final : public provision::FileSource {
 public:
  explicit TreeFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // kRejected: no folder, something that may not be read (run as root), nested deeper than 256, or
  // more than 4,000,000 entries. What disappears in the meantime is passed over.
  Result<void> read(provision::FileSink& sink) override;

  const std::vector<std::string>& skipped() const { return skipped_; }

 private:
  std::filesystem::path folder_;
  std::vector<std::string> skipped_;
};

}  // namespace avouch::adapters
