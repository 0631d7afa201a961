#pragma once

// Digests of files with the files' names, as they come from logs, trees and packages.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "reference/digest.h"

namespace avouch::provision {

inline constexpr std::size_t kMaxFiles = 2'000'000;  // what a digest list may hold

// What to do where a manifest cannot hold them all.
inline constexpr std::string_view kWaysToHoldMore =
    "give --split (several manifests), --config-map NAMESPACE or --list FILE";

struct FileDigest {
  reference::Digest digest;
  std::string path;  // for people: printable ASCII, at most 1,024 bytes
};

// A path for people: other bytes than printable ASCII, and backslashes, become "?".
std::string printable_path(std::string_view path);

// One owner.
class FileList {
 public:
  // kRejected over kMaxFiles.
  Result<void> add(const reference::Digest& digest, std::string_view path);

  // Each digest once, with the first of its paths; in the order of the paths. The same whatever
  // the order was in which they were added.
  const std::vector<FileDigest>& sorted();
  bool empty() const { return files_.empty(); }

 private:
  std::vector<FileDigest> files_;
  bool sorted_ = true;
};

// Lines of a digest list (docs/references.md): "HEX  PATH".
std::string list_line(const FileDigest& file);

}  // namespace avouch::provision
