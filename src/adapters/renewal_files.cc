#include "adapters/renewal_files.h"

#include <charconv>
#include <string>
#include <system_error>
#include <utility>

#include "adapters/disk_blocks.h"
#include "adapters/files.h"
#include "adapters/folder_entries.h"

namespace avouch::adapters {

Result<std::unique_ptr<RenewalFiles>> RenewalFiles::open(RenewalFilesOptions options) {
  std::error_code error;
  if (std::filesystem::create_directory(options.directory, error)) {
    std::filesystem::permissions(options.directory, std::filesystem::perms::owner_all, error);
  }
  if (error) return retryable("make " + options.directory.string() + ": " + error.message());
  std::unique_ptr<RenewalFiles> files(new RenewalFiles(std::move(options)));
  AVOUCH_CHECK(files->scan());
  return files;
}

Result<void> RenewalFiles::scan() {
  std::error_code error;
  return for_each_entry(options_.directory, [&](const auto& entry) -> Result<void> {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() == ".new") {
      std::filesystem::remove(entry.path(), error);
      if (error) return retryable("remove " + entry.path().string() + ": " + error.message());
      return {};
    }
    std::uint64_t index = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (bad != std::errc() || end != name.data() + name.size()) {
      return fatal(entry.path().string() + ": not a file of renewals; move it elsewhere");
    }
    const std::uint64_t size = entry.file_size(error);
    if (error) return unreadable(entry, error);
    sizes_[index] = on_disk(size);
    used_bytes_ += on_disk(size);
    return {};
  });
}

Result<void> RenewalFiles::save(std::uint64_t epoch_index, ByteView renewals) {
  AVOUCH_CHECK(write_file_atomically(path_of(epoch_index), renewals));
  const std::lock_guard lock(mutex_);
  const std::uint64_t size = on_disk(renewals.size());
  used_bytes_ += size - sizes_[epoch_index];
  sizes_[epoch_index] = size;
  while (used_bytes_ > options_.total_bytes && sizes_.size() > 1) {
    const auto oldest = sizes_.begin();
    std::error_code error;
    std::filesystem::remove(path_of(oldest->first), error);
    used_bytes_ -= oldest->second;
    sizes_.erase(oldest);
  }
  return {};
}

Result<std::vector<std::uint64_t>> RenewalFiles::epochs() {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> out;
  for (auto entry = sizes_.rbegin(); entry != sizes_.rend(); ++entry) out.push_back(entry->first);
  return out;
}

Result<Bytes> RenewalFiles::read(std::uint64_t epoch_index) {
  constexpr std::size_t kMostBytes = 128ULL * 1024 * 1024;
  AVOUCH_TRY(std::optional<Bytes> content, read_file(path_of(epoch_index), kMostBytes));
  // Given up meanwhile: as good as empty.
  if (!content) return control::encode_renewals({});
  return *std::move(content);
}

std::filesystem::path RenewalFiles::path_of(std::uint64_t epoch_index) const {
  return options_.directory / std::to_string(epoch_index);
}

}  // namespace avouch::adapters
