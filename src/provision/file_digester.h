#pragma once

// Digests of the files of a tree or of packages.

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "provision/file_list.h"

namespace avouch::provision {

// Takes files one after the other: begin, its bytes in pieces, end. An error ends it.
class FileSink {
 public:
  virtual ~FileSink() = default;
  virtual Result<void> begin(std::string_view path) = 0;
  virtual Result<void> feed(ByteView piece) = 0;
  virtual Result<void> end() = 0;
};

// Seam: where regular files come from. Nothing else is given: no folders, links or devices.
class FileSource {
 public:
  virtual ~FileSource() = default;
  // All of them, in any order. Errors name the file or package.
  virtual Result<void> read(FileSink& sink) = 0;
};

struct FilesDone {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

// `algorithms`: at least one, none twice, no SHA-1 (parse_algorithms).
class FileDigester final : public FileSink {
 public:
  using Progress = std::function<void(const FilesDone&)>;  // now and then
  // More than `most` different digests are refused as soon as they are there.
  FileDigester(std::vector<crypto::HashAlgorithm> algorithms, Progress progress,
               std::optional<std::size_t> most = std::nullopt);

  Result<void> begin(std::string_view path) override;
  Result<void> feed(ByteView piece) override;
  Result<void> end() override;

  const FilesDone& done() const { return done_; }
  FileList take() { return std::move(list_); }

 private:
  void report();

  std::vector<crypto::HashAlgorithm> algorithms_;
  std::vector<crypto::Hasher> hashers_;
  Progress progress_;
  std::optional<std::size_t> most_;
  std::set<reference::Digest> seen_;  // with most_
  FileList list_;
  FilesDone done_;
  std::uint64_t reported_bytes_ = 0;
  std::string path_;
};

// "sha256" or several, as in "sha256,sha512". kRejected: none, an unknown one, one twice, SHA-1
// (files with the same SHA-1 digest can be made at will: no manifest may hold one).
Result<std::vector<crypto::HashAlgorithm>> parse_algorithms(std::string_view text);

}  // namespace avouch::provision
