#include "adapters/log_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include "adapters/files.h"
#include "adapters/folder_entries.h"
#include "adapters/log_disk.h"
#include "adapters/log_journal.h"
#include "tlog/note.h"
#include "tlog/preimages.h"
#include "tlog/retention.h"
#include "tlog/tile.h"

namespace avouch::adapters {
namespace {

constexpr std::string_view kFormat = "avouch-log-files 1\n";

// Where an object lies. kRejected for a path that names none.
Result<std::filesystem::path> locate(const std::filesystem::path& directory,
                                     std::string_view path) {
  if (path.starts_with(tlog::kPreimagesPrefix)) {
    const std::string index(path.substr(tlog::kPreimagesPrefix.size()));
    AVOUCH_TRY(const tlog::Resource resource, tlog::parse_resource("tile/entries/" + index));
    if (resource.tile.width != tlog::kTileWidth) return rejected("preimages have no partial form");
    return directory / "private" / path;
  }
  if (path == tlog::kRetentionPath) return directory / "public" / path;
  AVOUCH_CHECK(tlog::parse_resource(path));
  return directory / "public" / path;
}

class LogDirectory final : public tlog::TileReader {
 public:
  explicit LogDirectory(std::filesystem::path directory) : directory_(std::move(directory)) {}

  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    AVOUCH_TRY(const std::filesystem::path file, locate(directory_, path));
    return read_file(file, tlog::kMaxStoredObjectBytes);
  }

 private:
  std::filesystem::path directory_;
};

class LogFiles final : public tlog::Store {
 public:
  LogFiles(const LogFilesOptions& options, FileHandle lock)
      : root_(options.directory),
        lock_(std::move(lock)),
        reader_(root_),
        writer_(root_ / "private" / "scratch"),
        journal_(root_ / "private" / "journal", root_ / "private" / "segment",
                 options.segment_bytes) {}

  Result<std::optional<Bytes>> fetch(std::string_view path) override { return reader_.fetch(path); }

  Result<std::vector<tlog::Record>> recover(std::uint64_t from) override {
    return journal_.recover(from);
  }

  Result<void> commit(std::span<const tlog::Record> batch) override {
    return journal_.append(batch);
  }

  Result<void> put(std::span<const tlog::Object> objects) override;
  Result<void> set_aside(std::string_view path) override;
  Result<void> publish(std::string_view checkpoint, std::uint64_t size) override;

 private:
  void remove_partial_tiles();

  const std::filesystem::path root_;
  const FileHandle lock_;
  LogDirectory reader_;
  DurableWriter writer_;
  LogJournal journal_;
  std::vector<std::filesystem::path> finished_;  // full tiles and bundles put since publish()
};

Result<void> LogFiles::put(std::span<const tlog::Object> objects) {
  std::vector<DurableWriter::File> files;
  for (const tlog::Object& object : objects) {
    AVOUCH_TRY(std::filesystem::path file, locate(root_, object.path));
    if (!object.replaceable) {
      if (file.parent_path().extension() != ".p") finished_.push_back(file);
      AVOUCH_TRY(const std::optional<Bytes> present, read_file(file, tlog::kMaxStoredObjectBytes));
      // An equal file was put by an interrupted put(): written again, so that it is durable.
      if (present && !equal(*present, object.bytes)) {
        return fatal("log: " + file.string() +
                     " holds other bytes than belong there: damage, or "
                     "another writer");
      }
    }
    files.push_back(
        {std::move(file), object.bytes, !object.path.starts_with(tlog::kPreimagesPrefix)});
  }
  AVOUCH_CHECK(writer_.write(root_, files));
  const bool erases = std::any_of(objects.begin(), objects.end(),
                                  [](const tlog::Object& object) { return object.erases; });
  if (erases) journal_.leave_segment();
  return {};
}

Result<void> LogFiles::set_aside(std::string_view path) {
  if (!path.starts_with(tlog::kPreimagesPrefix))
    return rejected("log: only preimages are set aside");
  AVOUCH_TRY(const std::filesystem::path file, locate(root_, path));
  return writer_.move(root_, file,
                      root_ / "private" / "damaged" / path.substr(tlog::kPreimagesPrefix.size()));
}

Result<void> LogFiles::publish(std::string_view checkpoint, std::uint64_t size) {
  const std::vector<DurableWriter::File> files{
      {root_ / "public" / "checkpoint", as_bytes(checkpoint), true}};
  AVOUCH_CHECK(journal_.make_way(size));
  AVOUCH_CHECK(writer_.write(root_, files));
  journal_.retire(size);
  remove_partial_tiles();
  return {};
}

void LogFiles::remove_partial_tiles() {
  for (const std::filesystem::path& full : finished_) {
    const std::filesystem::path partial = full.string() + ".p";
    std::error_code ignored;  // what is left over does no harm
    std::filesystem::remove_all(partial, ignored);
    writer_.forget(partial);
  }
  finished_.clear();
}

Result<void> make_directory(const std::filesystem::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return disk_error("make directory", path);
}

// The format file says what the directory is; a directory with files but without it is not ours.
Result<void> check_format(const std::filesystem::path& directory) {
  AVOUCH_TRY(const std::optional<Bytes> format, read_file(directory / "format", 4096));
  if (format && as_text(*format) != kFormat) {
    return rejected("log: " + directory.string() + " is of another format: expected \"" +
                    std::string(kFormat.substr(0, kFormat.size() - 1)) + "\" in its format file");
  }
  if (format) return {};
  std::error_code failure;
  const auto expect_ours = [&](const auto& entry) -> Result<void> {
    const std::string name = entry.path().filename();
    if (name == "lock" || name == "format.new") return {};
    return rejected("log: " + directory.string() + " is not empty and is no log directory (" +
                    name + "): choose another");
  };
  AVOUCH_CHECK(for_each_entry(directory, failure, expect_ours));
  if (failure) return fatal("list " + directory.string() + ": " + failure.message());
  return write_file_atomically(directory / "format", as_bytes(kFormat));
}

Result<void> clear_scratch(const std::filesystem::path& directory) {
  std::error_code failure;
  std::filesystem::remove_all(directory, failure);
  if (failure) return fatal("clear " + directory.string() + ": " + failure.message());
  return make_directory(directory, 0700);
}

class HeadFile final : public tlog::Anchor {
 public:
  HeadFile(std::filesystem::path file, FileHandle lock)
      : file_(std::move(file)), lock_(std::move(lock)) {}

  std::string name() const override { return "head file " + file_.string(); }

  Result<std::optional<std::string>> read() override {
    AVOUCH_TRY(const std::optional<Bytes> bytes, read_file(file_, tlog::kMaxNoteBytes));
    if (!bytes) return std::optional<std::string>();
    return std::optional<std::string>(as_text(*bytes));
  }

  Result<void> replace(const std::optional<std::string>& expected, std::string_view next) override {
    AVOUCH_TRY(const std::optional<std::string> present, read());
    if (present && *present == next) return write_file_atomically(file_, as_bytes(next));
    if (present != expected) {
      return fatal(name() +
                   ": holds another checkpoint than this log put there: a second writer "
                   "is at work. Nothing is published. Stop one of the two");
    }
    return write_file_atomically(file_, as_bytes(next));
  }

 private:
  std::filesystem::path file_;
  FileHandle lock_;
};

}  // namespace

Result<std::unique_ptr<tlog::Store>> open_log_files(const LogFilesOptions& options) {
  const std::filesystem::path& root = options.directory;
  AVOUCH_CHECK(make_directory(root, 0755));
  AVOUCH_TRY(FileHandle lock, lock_file(root / "lock", "log " + root.string()));
  AVOUCH_CHECK(check_format(root));
  AVOUCH_CHECK(make_directory(root / "public", 0755));
  AVOUCH_CHECK(make_directory(root / "private", 0700));
  AVOUCH_CHECK(make_directory(root / "private" / "journal", 0700));
  AVOUCH_CHECK(clear_scratch(root / "private" / "scratch"));
  AVOUCH_CHECK(clear_scratch(root / "private" / "segment"));
  AVOUCH_CHECK(sync_directory(root / "private"));
  AVOUCH_CHECK(sync_directory(root));
  AVOUCH_CHECK(sync_directory(root.has_parent_path() ? root.parent_path() : "."));
  return std::unique_ptr<tlog::Store>(std::make_unique<LogFiles>(options, std::move(lock)));
}

Result<std::unique_ptr<tlog::TileReader>> open_log_directory(
    const std::filesystem::path& directory) {
  AVOUCH_TRY(const std::optional<Bytes> format, read_file(directory / "format", 4096));
  if (!format || as_text(*format) != kFormat) {
    return rejected("log: " + directory.string() + " is no log directory of this format");
  }
  return std::unique_ptr<tlog::TileReader>(std::make_unique<LogDirectory>(directory));
}

Result<std::unique_ptr<tlog::Anchor>> open_head_file(const std::filesystem::path& file) {
  AVOUCH_TRY(FileHandle lock, lock_file(file.string() + ".lock", "head file " + file.string()));
  return std::unique_ptr<tlog::Anchor>(std::make_unique<HeadFile>(file, std::move(lock)));
}

}  // namespace avouch::adapters
