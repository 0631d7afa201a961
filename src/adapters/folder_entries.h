#pragma once

// What stands in a folder. std::filesystem's range loop throws where a folder cannot be read to its
// end; this says so.

#include <filesystem>
#include <system_error>

#include "base/result.h"

namespace avouch::adapters {

// Of an entry whose size or time cannot be told.
inline Error unreadable(const std::filesystem::directory_entry& entry,
                        const std::error_code& failure) {
  return retryable("look at " + entry.path().string() + ": " + failure.message());
}

// Calls `see(entry)`, which returns a Result<void>, for each entry of `folder`, in no order, until
// one gives an error, which is returned. `failure` is set where the folder cannot be listed to its
// end: what was seen then is a part.
template <typename See>
Result<void> for_each_entry(const std::filesystem::path& folder, std::error_code& failure,
                            const See& see) {
  for (auto entry = std::filesystem::directory_iterator(folder, failure);
       !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
    AVOUCH_CHECK(see(*entry));
  }
  return {};
}

// The same; kRetryable where the folder cannot be listed to its end.
template <typename See>
Result<void> for_each_entry(const std::filesystem::path& folder, const See& see) {
  std::error_code failure;
  AVOUCH_CHECK(for_each_entry(folder, failure, see));
  if (failure) return retryable("list " + folder.string() + ": " + failure.message());
  return {};
}

}  // namespace avouch::adapters
