#include "adapters/digest_list_folder.h"

#include <algorithm>
#include <utility>

#include "adapters/files.h"
#include "base/hex.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kMaxFiles = 10'000;
constexpr std::size_t kListPiece = 256 * 1024;

template <typename Take>
Result<void> each_piece(const std::filesystem::path& path, const Take& take) {
  AVOUCH_TRY(const std::optional<OpenFile> file, OpenFile::open(path));
  if (!file) return rejected(path.string() + ": there is no such file");
  for (std::uint64_t offset = 0;;) {
    AVOUCH_TRY(const Bytes piece, file->read(offset, kListPiece));
    if (piece.empty()) return {};
    AVOUCH_CHECK(take(piece));
    offset += piece.size();
  }
}

}  // namespace

std::optional<std::filesystem::path> DigestListFolder::named(const crypto::Sha256& content) const {
  std::error_code failed;
  auto path = folder_ / to_hex(content);
  if (!std::filesystem::is_regular_file(path, failed)) return std::nullopt;
  return path;
}

bool DigestListFolder::contains(const crypto::Sha256& content) {
  if (named(content)) return true;
  const std::lock_guard lock(mutex_);
  return by_content_.contains(content);
}

Result<void> DigestListFolder::read(const crypto::Sha256& content,
                                    reference::DigestListReader& reader) {
  std::optional<std::filesystem::path> path = named(content);
  if (!path) {
    const std::lock_guard lock(mutex_);
    if (!indexed_) AVOUCH_CHECK(index());
    if (const auto found = by_content_.find(content); found != by_content_.end()) {
      path = found->second;
    }
  }
  if (!path) return rejected("no file of " + folder_.string() + " has this digest");
  const auto fed = each_piece(*path, [&](const Bytes& piece) { return reader.feed(piece); });
  if (!fed.has_value()) return with_context(fed.error(), path->string());
  return {};
}

Result<void> DigestListFolder::index() {
  std::error_code failed;
  std::size_t files = 0;
  std::filesystem::directory_iterator at(folder_, failed);
  for (const std::filesystem::directory_iterator end; !failed && at != end; at.increment(failed)) {
    std::error_code gone;
    if (!at->is_regular_file(gone)) continue;
    if (++files > kMaxFiles) {
      return rejected(folder_.string() + ": more than " + std::to_string(kMaxFiles) + " files");
    }
    crypto::Hasher hasher(crypto::HashAlgorithm::kSha256);
    AVOUCH_CHECK(each_piece(at->path(), [&](const Bytes& piece) -> Result<void> {
      hasher.update(piece);
      return {};
    }));
    const Bytes digest = hasher.finish();
    crypto::Sha256 key{};
    std::copy(digest.begin(), digest.end(), key.begin());
    by_content_.emplace(key, at->path());
  }
  if (failed) return rejected(folder_.string() + ": " + failed.message());
  indexed_ = true;
  return {};
}

}  // namespace avouch::adapters
