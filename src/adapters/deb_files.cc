#include "adapters/deb_files.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "provision/file_list.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kPiece = 128 * 1024;
constexpr std::size_t kMaxMembers = 64;  // of the package itself

struct FreeArchive {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, FreeArchive>;

std::string why(archive* reader) {
  const char* text = archive_error_string(reader);
  return text == nullptr ? "damaged" : provision::printable_path(text);
}

// "./usr/bin/env" as "/usr/bin/env"; nothing where no package of good faith says so.
std::optional<std::string> installed_path(std::string_view path, std::size_t max_bytes) {
  if (path.empty() || path.size() > max_bytes || path.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::string out;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t slash = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, slash - start);
    start = slash + 1;
    if (part == "..") return std::nullopt;
    if (part.empty() || part == ".") continue;
    out += '/';
    out += part;
  }
  return out.empty() ? std::nullopt : std::optional(std::move(out));
}

class Package {
 public:
  Package(std::string name, const DebLimits& limits, provision::FileSink& sink)
      : name_(std::move(name)), limits_(limits), sink_(sink) {}

  Result<void> read(const std::string& file) {
    std::error_code unknown;
    const auto type = std::filesystem::status(file, unknown).type();
    if (type == std::filesystem::file_type::not_found) return bad("there is no such file");
    if (type == std::filesystem::file_type::directory) {
      return bad("is a folder; expected a Debian package (.deb)");
    }
    outer_.reset(archive_read_new());
    if (outer_ == nullptr) return retryable(name_ + ": out of memory");
    if (archive_read_support_format_ar(outer_.get()) != ARCHIVE_OK ||
        archive_read_open_filename(outer_.get(), file.c_str(), kPiece) != ARCHIVE_OK) {
      const int error = archive_errno(outer_.get());
      const bool there = error != ENOENT && error != EACCES && error != EISDIR;
      return bad((there ? "no Debian package: " : "") + why(outer_.get()));
    }
    bool data = false;
    for (std::size_t members = 0;; ++members) {
      archive_entry* entry = nullptr;
      const int got = archive_read_next_header(outer_.get(), &entry);
      if (got == ARCHIVE_EOF) break;
      if (got != ARCHIVE_OK) return bad("no Debian package: " + why(outer_.get()));
      if (members == kMaxMembers) return bad("more than 64 members");
      const char* text = archive_entry_pathname(entry);
      const std::string member = text == nullptr ? "" : text;
      if (members == 0) {
        AVOUCH_CHECK(check_version(member));
      } else if (member.starts_with("data.tar")) {
        if (std::exchange(data, true)) return bad("has two data.tar");
        AVOUCH_CHECK(read_data(member));
      }
    }
    if (!data) return bad("has no data.tar: expected a Debian package (.deb)");
    return {};
  }

 private:
  Error bad(const std::string& what) const { return rejected(name_ + ": " + what); }
  Error bad(const std::string& path, const std::string& what) const {
    return bad(provision::printable_path(path) + ": " + what);
  }

  Result<void> check_version(const std::string& member) {
    std::array<char, 4> text{};
    const la_ssize_t got =
        member == "debian-binary" ? archive_read_data(outer_.get(), text.data(), text.size()) : 0;
    if (got < 3 || text[0] != '2' || text[1] != '.') {
      return bad("no Debian package: its first member must be debian-binary, of version 2.x");
    }
    return {};
  }

  // What one reader asks for, the one before it gives.
  struct Stage {
    archive* from;
    std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(kPiece);
  };
  static la_ssize_t next_piece(archive* reader, void* client, const void** piece) {
    auto& stage = *static_cast<Stage*>(client);
    const la_ssize_t got = archive_read_data(stage.from, stage.buffer.data(), stage.buffer.size());
    *piece = stage.buffer.data();
    if (got >= 0) return got;
    archive_set_error(reader, EILSEQ, "%s", why(stage.from).c_str());
    return ARCHIVE_FATAL;
  }
  static bool open(archive* reader, Stage& stage) {
    return archive_read_open(reader, &stage, nullptr, &next_piece, nullptr) == ARCHIVE_OK;
  }

  // Two readers, one of the compression and one of tar, so that after tar's own end the rest can be
  // read as well: what is cut off or damaged there shows.
  Result<void> read_data(const std::string& member) {
    const Reader plain(archive_read_new()), tar(archive_read_new());
    if (plain == nullptr || tar == nullptr) return retryable(name_ + ": out of memory");
    Stage packed{outer_.get()}, unpacked{plain.get()};
    archive_entry* entry = nullptr;
    // One compression, and no format but tar: nothing nests further.
    if (archive_read_support_format_raw(plain.get()) != ARCHIVE_OK ||
        !add_filter(plain.get(), member) || !open(plain.get(), packed) ||
        archive_read_next_header(plain.get(), &entry) != ARCHIVE_OK) {
      return bad(member, why(plain.get()));
    }
    if (archive_read_support_format_tar(tar.get()) != ARCHIVE_OK || !open(tar.get(), unpacked)) {
      return bad(member, why(tar.get()));
    }
    while (true) {
      const int got = archive_read_next_header(tar.get(), &entry);
      if (got == ARCHIVE_EOF) return drain(member, plain.get());
      if (got != ARCHIVE_OK) return bad(member, why(tar.get()));
      if (++entries_ > limits_.entries) {
        return bad("more than " + std::to_string(limits_.entries) + " entries");
      }
      AVOUCH_CHECK(read_entry(tar.get(), entry));
    }
  }

  Result<void> count(std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ <= limits_.bytes) return {};
    return bad("more than " + std::to_string(limits_.bytes) + " bytes unpacked");
  }

  Result<void> drain(const std::string& member, archive* plain) {
    for (archive* reader : {plain, outer_.get()}) {
      while (true) {
        const la_ssize_t got = archive_read_data(reader, content_.data(), content_.size());
        if (got < 0) return bad(member, why(reader));
        if (got == 0) break;
        AVOUCH_CHECK(count(static_cast<std::size_t>(got)));
      }
    }
    return {};
  }

  static bool add_filter(archive* reader, const std::string& member) {
    if (member == "data.tar") return true;
    const std::string_view suffix = std::string_view(member).substr(8);
    int added = ARCHIVE_FATAL;
    if (suffix == ".gz") added = archive_read_support_filter_gzip(reader);
    if (suffix == ".xz") added = archive_read_support_filter_xz(reader);
    if (suffix == ".zst") added = archive_read_support_filter_zstd(reader);
    if (suffix == ".bz2") added = archive_read_support_filter_bzip2(reader);
    if (suffix == ".lzma") added = archive_read_support_filter_lzma(reader);
    if (added == ARCHIVE_OK) return true;
    archive_set_error(reader, EILSEQ,
                      "expected data.tar, or it with .gz, .xz, .zst, .bz2 or .lzma");
    return false;
  }

  Result<void> read_entry(archive* reader, archive_entry* entry) {
    const char* text = archive_entry_pathname(entry);
    const std::string given = text == nullptr ? "" : text;
    // The root itself is "./".
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
      return {};
    }
    const auto path = installed_path(given, limits_.path_bytes);
    if (!path) return bad(given, "is no path of an installed file");
    if (archive_entry_size_is_set(entry) == 0 || archive_entry_size(entry) < 0) {
      return bad(given, "says no size");
    }
    const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
    AVOUCH_CHECK(sink_.begin(*path));
    std::uint64_t read = 0;
    while (true) {
      const la_ssize_t got = archive_read_data(reader, content_.data(), content_.size());
      if (got < 0) return bad(given, why(reader));
      if (got == 0) break;
      const auto bytes = static_cast<std::size_t>(got);
      read += bytes;
      AVOUCH_CHECK(count(bytes));
      AVOUCH_CHECK(sink_.feed(ByteView(content_).first(bytes)));
    }
    if (read != size) {
      return bad(given, std::to_string(read) + " bytes, expected " + std::to_string(size));
    }
    return sink_.end();
  }

  const std::string name_;
  const DebLimits& limits_;
  provision::FileSink& sink_;
  Reader outer_;
  std::vector<std::uint8_t> content_ = std::vector<std::uint8_t>(kPiece);
  std::uint64_t entries_ = 0, bytes_ = 0;
};

}  // namespace

Result<void> DebFiles::read(provision::FileSink& sink) {
  return Package(provision::printable_path(file_.string()), limits_, sink).read(file_.string());
}

}  // namespace avouch::adapters
