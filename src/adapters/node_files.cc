#include "adapters/node_files.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "adapters/files.h"
#include "adapters/folder_entries.h"
#include "adapters/log_disk.h"

namespace avouch::adapters {
namespace {

constexpr std::string_view kNodeSuffix = ".json";
constexpr std::size_t kMaxKeyBytes = 128;

bool is_key(std::string_view key) {
  if (key.empty() || key.size() > kMaxKeyBytes || key.front() == '.') return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-';
  });
}

}  // namespace

Result<std::unique_ptr<NodeFiles>> NodeFiles::open(std::filesystem::path directory) {
  std::error_code error;
  if (std::filesystem::create_directory(directory, error)) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  }
  if (error) return retryable("make " + directory.string() + ": " + error.message());
  const auto clear = [&](const std::filesystem::directory_entry& entry) -> Result<void> {
    if (entry.path().extension() == ".new") std::filesystem::remove(entry.path(), error);
    if (error) return retryable("remove " + entry.path().string() + ": " + error.message());
    return {};
  };
  AVOUCH_CHECK(for_each_entry(directory, clear));
  return std::unique_ptr<NodeFiles>(new NodeFiles(std::move(directory)));
}

Result<std::map<std::string, std::string>> NodeFiles::load() {
  std::map<std::string, std::string> out;
  std::error_code error;
  const auto take = [&out](const std::filesystem::directory_entry& entry) -> Result<void> {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(kNodeSuffix)) {
      return fatal(entry.path().string() + ": not a record of this program; move it elsewhere");
    }
    auto content = read_file(entry.path(), control::kMaxRecordBytes);
    if (!content.has_value()) return fatal(content.error().message);
    if (!content->has_value()) return {};
    out.emplace(name.substr(0, name.size() - kNodeSuffix.size()), as_text(**content));
    return {};
  };
  AVOUCH_CHECK(for_each_entry(directory_, error, take));
  if (error) return fatal("list " + directory_.string() + ": " + error.message());
  return out;
}

Result<void> NodeFiles::apply(std::span<const control::RecordChange> changes) {
  bool removed = false;
  for (const control::RecordChange& change : changes) {
    AVOUCH_TRY(const std::filesystem::path path, path_of(change.key));
    if (change.text.empty()) {
      if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        return retryable("remove " + path.string() + ": " +
                         std::error_code(errno, std::generic_category()).message());
      }
      removed = true;
      continue;
    }
    if (change.text.size() > control::kMaxRecordBytes) {
      return rejected("record " + change.key + " has " + std::to_string(change.text.size()) +
                      " bytes, at most " + std::to_string(control::kMaxRecordBytes) +
                      " are allowed");
    }
    AVOUCH_CHECK(write_file_atomically(path, as_bytes(change.text)));
  }
  if (removed) AVOUCH_CHECK(sync_directory(directory_));
  return {};
}

Result<std::filesystem::path> NodeFiles::path_of(const std::string& key) const {
  if (!is_key(key)) return rejected("\"" + key + "\" cannot be the key of a record");
  return directory_ / (key + std::string(kNodeSuffix));
}

}  // namespace avouch::adapters
