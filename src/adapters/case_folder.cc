#include "adapters/case_folder.h"

#include "adapters/files.h"

namespace avouch::adapters {

Result<std::optional<Bytes>> CaseFolder::read(const std::string& folder, const std::string& name,
                                              std::size_t max_bytes) {
  std::error_code failed;
  // Made absolute, so that "." has a parent too.
  const std::filesystem::path own = std::filesystem::absolute(folder_, failed).lexically_normal();
  if (failed) return rejected(folder_.string() + ": " + failed.message());
  const std::filesystem::path parent =
      own.has_filename() ? own.parent_path() : own.parent_path().parent_path();
  const std::filesystem::path path = (folder.empty() ? own : parent / folder) / name;
  const auto status = std::filesystem::status(path, failed);
  if (status.type() == std::filesystem::file_type::not_found) return std::optional<Bytes>{};
  if (failed) return rejected(path.string() + ": " + failed.message());
  if (!std::filesystem::is_regular_file(status)) {
    return rejected(path.string() + ": expected a regular file");
  }
  return read_file(path, max_bytes);
}

}  // namespace avouch::adapters
