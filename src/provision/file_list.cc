#include "provision/file_list.h"

#include <algorithm>
#include <tuple>

#include "base/hex.h"

namespace avouch::provision {
namespace {

constexpr std::size_t kMaxShownPath = 1024;

}  // namespace

std::string printable_path(std::string_view path) {
  std::string out(path.substr(0, kMaxShownPath));
  std::replace_if(
      out.begin(), out.end(), [](char each) { return each < 0x20 || each > 0x7e || each == '\\'; },
      '?');
  return out;
}

Result<void> FileList::add(const reference::Digest& digest, std::string_view path) {
  if (files_.size() == kMaxFiles) {
    return rejected("more than " + std::to_string(kMaxFiles) +
                    " files, which is what one digest list may hold: make several");
  }
  files_.push_back({digest, printable_path(path)});
  sorted_ = false;
  return {};
}

const std::vector<FileDigest>& FileList::sorted() {
  if (sorted_) return files_;
  std::sort(files_.begin(), files_.end(), [](const FileDigest& a, const FileDigest& b) {
    return std::tie(a.digest, a.path) < std::tie(b.digest, b.path);
  });
  files_.erase(std::unique(files_.begin(), files_.end(),
                           [](const auto& a, const auto& b) { return a.digest == b.digest; }),
               files_.end());
  std::sort(files_.begin(), files_.end(), [](const FileDigest& a, const FileDigest& b) {
    return std::tie(a.path, a.digest) < std::tie(b.path, b.digest);
  });
  sorted_ = true;
  return files_;
}

std::string list_line(const FileDigest& file) {
  std::string out = to_hex(file.digest.view());
  if (!file.path.empty()) out += "  " + file.path;
  out += '\n';
  return out;
}

}  // namespace avouch::provision
