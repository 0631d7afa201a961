#pragma once

// control::RecordStore on POSIX files: one file KEY.json a record, replaced atomically.

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "control/record_store.h"

namespace avouch::adapters {

class NodeFiles final : public control::RecordStore {
 public:
  // Makes `directory` (readable by its owner alone) if it is missing; its parent must exist. Drops
  // what a crash left half written.
  static Result<std::unique_ptr<NodeFiles>> open(std::filesystem::path directory);

  Result<std::map<std::string, std::string>> load() override;
  Result<void> apply(std::span<const control::RecordChange> changes) override;

 private:
  explicit NodeFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}
  Result<std::filesystem::path> path_of(const std::string& key) const;

  std::filesystem::path directory_;
};

}  // namespace avouch::adapters
