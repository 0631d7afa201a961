#include "provision/file_digester.h"

#include <algorithm>
#include <utility>

namespace avouch::provision {
namespace {

constexpr std::uint64_t kReportFiles = 256;
constexpr std::uint64_t kReportBytes = 16 * 1024 * 1024;

}  // namespace

FileDigester::FileDigester(std::vector<crypto::HashAlgorithm> algorithms, Progress progress,
                           std::optional<std::size_t> most)
    : algorithms_(std::move(algorithms)), progress_(std::move(progress)), most_(most) {
  for (const crypto::HashAlgorithm each : algorithms_) hashers_.emplace_back(each);
}

Result<void> FileDigester::begin(std::string_view path) {
  path_ = std::string(path);
  return {};
}

Result<void> FileDigester::feed(ByteView piece) {
  for (crypto::Hasher& each : hashers_) each.update(piece);
  done_.bytes += piece.size();
  if (done_.bytes - reported_bytes_ >= kReportBytes) report();
  return {};
}

Result<void> FileDigester::end() {
  for (std::size_t i = 0; i < hashers_.size(); ++i) {
    AVOUCH_TRY(const auto digest, reference::make_digest(algorithms_[i], hashers_[i].finish()));
    if (most_ && seen_.insert(digest).second && seen_.size() > *most_) {
      return rejected(
          "more than " + std::to_string(*most_) +
          " digests of files, which is what a manifest holds: " + std::string(kWaysToHoldMore));
    }
    AVOUCH_CHECK(list_.add(digest, path_));
  }
  ++done_.files;
  if (done_.files % kReportFiles == 0) report();
  return {};
}

void FileDigester::report() {
  reported_bytes_ = done_.bytes;
  if (progress_) progress_(done_);
}

Result<std::vector<crypto::HashAlgorithm>> parse_algorithms(std::string_view text) {
  std::vector<crypto::HashAlgorithm> out;
  while (true) {
    const std::size_t comma = text.find(',');
    AVOUCH_TRY(const auto algorithm, crypto::parse_hash_name(text.substr(0, comma)));
    if (algorithm == crypto::HashAlgorithm::kSha1) {
      return rejected(
          "sha1 is not accepted: files with the same SHA-1 digest can be made at will, so no "
          "manifest may hold one; use sha256, and boot nodes with ima_hash=sha256");
    }
    if (std::find(out.begin(), out.end(), algorithm) != out.end()) {
      return rejected(std::string(crypto::hash_name(algorithm)) + " is given twice");
    }
    out.push_back(algorithm);
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace avouch::provision
