#pragma once

#include <filesystem>

#include "base/result.h"
#include "control/log_volume.h"

namespace avouch::adapters {

// Of the file system that `path` lies on, by statvfs(3). kRetryable where it does not answer.
Result<control::VolumeSpace> volume_space(const std::filesystem::path& path);

}  // namespace avouch::adapters
