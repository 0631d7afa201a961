#pragma once

#include <filesystem>

#include "appraisal/stored_case.h"

namespace avouch::adapters {

// A case in a folder; its base is beside it. Nothing but regular files is read.
class CaseFolder final : public appraisal::CaseFiles {
 public:
  explicit CaseFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<std::optional<Bytes>> read(const std::string& folder, const std::string& name,
                                    std::size_t max_bytes) override;

 private:
  std::filesystem::path folder_;
};

}  // namespace avouch::adapters
