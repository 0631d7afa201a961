#include "cli/files.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "adapters/files.h"

namespace avouch::cli {
namespace {

constexpr std::size_t kMaxUserFile = 64 * 1024;

std::string reason_of(int code) { return std::error_code(code, std::generic_category()).message(); }

}  // namespace

Result<Bytes> read_input(const std::string& file, std::size_t max_bytes) {
  std::error_code unknown;
  const auto type = std::filesystem::status(file, unknown).type();
  if (type == std::filesystem::file_type::character || type == std::filesystem::file_type::block) {
    return rejected(file + ": is a device; expected a file");
  }
  auto content = adapters::read_file(file, max_bytes);
  if (!content.has_value()) return rejected(content.error().message);
  if (!*content) return rejected(file + ": there is no such file");
  return **std::move(content);
}

Result<std::string> read_user_file(const std::string& file) {
  AVOUCH_TRY(const Bytes content, read_input(file, kMaxUserFile));
  return std::string(as_text(content));
}

Result<void> check_output(const std::string& file, IfThere if_there) {
  if (file.empty()) return {};
  const std::filesystem::path path(file);
  const std::string cannot = file + ": cannot be written: ";
  std::error_code unknown;
  const auto there = std::filesystem::status(path, unknown);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    return rejected(cannot + "it is there, and no regular file; expected the name of a file");
  }
  if (std::filesystem::exists(there) && if_there == IfThere::kRefuse) {
    return rejected(cannot + "it is there already: give --force to replace it, or another name");
  }
  if (!path.has_filename()) return rejected(cannot + "expected the name of a file");
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (std::filesystem::exists(folder, unknown) && !std::filesystem::is_directory(folder, unknown)) {
    return rejected(cannot + folder.string() + " is no folder");
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return rejected(cannot + "folder " + folder.string() + ": " + reason_of(errno));
  }
  return {};
}

Result<void> write_output(const std::string& file, ByteView content, IfThere if_there) {
  AVOUCH_CHECK(check_output(file, if_there));
  const auto done = if_there == IfThere::kReplace ? adapters::write_file_atomically(file, content)
                                                  : adapters::create_file(file, content);
  if (!done.has_value()) {
    return rejected(file + ": cannot be written: " + done.error().message);
  }
  return {};
}

}  // namespace avouch::cli
