#pragma once

#include <filesystem>
#include <utility>

#include "provision/pc_client_rim.h"

namespace avouch::adapters {

// Support files in one folder.
class SupportFolder final : public provision::SupportFiles {
 public:
  explicit SupportFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Result<std::optional<Bytes>> read(const std::string& name, std::size_t max_bytes) override;

 private:
  std::filesystem::path folder_;
};

}  // namespace avouch::adapters
