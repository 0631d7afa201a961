#pragma once

// Digest lists in a folder of files.

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>

#include "reference/digest_list_source.h"

namespace avouch::adapters {

// A list is found by its content, whatever its file is called; at once where that is its SHA-256
// digest in 64 hexadecimal digits, else by hashing every regular file of the folder (not of those
// below it) once. Thread-safe.
class DigestListFolder final : public reference::DigestListSource {
 public:
  explicit DigestListFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  bool contains(const crypto::Sha256& content) override;
  // kRejected also for more than 10,000 files.
  Result<void> read(const crypto::Sha256& content, reference::DigestListReader& reader) override;

 private:
  Result<void> index();
  std::optional<std::filesystem::path> named(const crypto::Sha256& content) const;

  const std::filesystem::path folder_;
  std::mutex mutex_;
  bool indexed_ = false;
  std::map<crypto::Sha256, std::filesystem::path> by_content_;
};

}  // namespace avouch::adapters
