#include "tlog/copy.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tlog/client.h"
#include "tlog/fsck.h"
#include "tlog/preimages.h"
#include "tlog/retention.h"
#include "tlog/tile.h"

namespace avouch::tlog {
namespace {

constexpr std::size_t kObjectsAtOnce = 64;
constexpr std::size_t kBytesAtOnce = 8 * 1024 * 1024;

class Copy {
 public:
  Copy(Store& from, Store& to, std::span<const NoteVerifier> log_keys, std::string_view origin,
       const CopyOptions& options)
      : from_(from), to_(to), log_keys_(log_keys), origin_(origin), options_(options) {}

  Result<CopyReport> run() {
    AVOUCH_TRY(const VerifiedCheckpoint checkpoint, published(from_, "the source"));
    size_ = report_.entries = checkpoint.size();
    if (options_.published_only) {
      AVOUCH_TRY(const std::vector<Record> pending, from_.recover(size_));
      report_.left = pending.size();
    } else {
      AVOUCH_CHECK(expect_nothing_pending(
          from_, size_, "the source",
          "start its writer once, and stop it again; where it is READ-ONLY, --published-only "
          "leaves them behind"));
    }
    AVOUCH_CHECK(check_target());
    AVOUCH_TRY(const FsckReport source, read_all(from_, checkpoint, "checking the source"));
    // What prunings come to is calculated anew from the entries, where all of them are there. What
    // is lost for good is lost in the copy too.
    report_.lost = source.lost;
    if (!options_.preimages || !is_damaged_in(source, kRetentionPath)) {
      AVOUCH_CHECK(expect_no_more_damage(source, "the source"));
    }
    AVOUCH_CHECK(copy_all(source.retention));
    AVOUCH_TRY(const FsckReport target, read_all(to_, checkpoint, "checking the target"));
    AVOUCH_CHECK(expect_no_more_damage(target, "the target"));
    AVOUCH_TRY(const VerifiedCheckpoint after, published(from_, "the source"));
    if (after.note() != checkpoint.note()) {
      return rejected("copy: the source was written to meanwhile: stop its writer");
    }
    AVOUCH_CHECK(to_.publish(checkpoint.note(), size_));
    return report_;
  }

 private:
  void tell(std::string_view what, std::uint64_t entries) const {
    if (options_.progress) options_.progress(what, entries);
  }

  Result<VerifiedCheckpoint> published(Store& store, const std::string& which) const {
    auto checkpoint = fetch_checkpoint(store, log_keys_, origin_);
    if (checkpoint.has_value()) return checkpoint;
    return rejected("copy: " + which +
                    " has no checkpoint of this key and origin: " + checkpoint.error().message);
  }

  static Result<void> expect_nothing_pending(Store& store, std::uint64_t size,
                                             const std::string& which, const std::string& advice) {
    AVOUCH_TRY(const std::vector<Record> pending, store.recover(size));
    if (pending.empty()) return {};
    return rejected("copy: " + which + " has " + std::to_string(pending.size()) +
                    " entries that are committed and not published: " + advice);
  }
  // Never that its writer is to be started: the log has gone on elsewhere.
  Result<void> expect_target_without_pending(std::uint64_t size) {
    return expect_nothing_pending(
        to_, size, "the target",
        "it was written to after it was copied, or is no copy; take an empty directory or schema");
  }

  // The target is empty or holds the beginning of this log.
  Result<void> check_target() {
    AVOUCH_TRY(const std::optional<Bytes> note, to_.fetch("checkpoint"));
    if (!note) return expect_target_without_pending(0);
    const auto present = verify_checkpoint(as_text(*note), log_keys_, origin_);
    if (!present.has_value()) {
      return rejected("copy: the target holds another log: " + present.error().message);
    }
    AVOUCH_CHECK(expect_target_without_pending(present->size()));
    if (present->size() > size_) {
      return rejected("copy: the target holds " + std::to_string(present->size()) +
                      " entries of this log, the source only " + std::to_string(size_) +
                      ": the source is the older of the two");
    }
    AVOUCH_TRY(const Hash root, make_root(present->size(), tile_nodes(from_, size_)));
    if (root != present->root()) {
      return rejected("copy: the target holds another log of this key: its first " +
                      std::to_string(present->size()) + " entries are not the source's");
    }
    report_.had = present->size();
    return {};
  }

  Result<FsckReport> read_all(Store& store, const VerifiedCheckpoint& checkpoint,
                              std::string_view what) const {
    FsckOptions options;
    options.preimages = options_.preimages;
    options.checked = [&](std::uint64_t entries) { tell(what, entries); };
    return check_log(store, checkpoint, options);
  }

  static bool is_damaged_in(const FsckReport& found, std::string_view path) {
    return found.damage_count == found.damages.size() &&
           std::all_of(found.damages.begin(), found.damages.end(),
                       [path](const Damage& damage) { return damage.path == path; });
  }

  // Than what is lost for good.
  static Result<void> expect_no_more_damage(const FsckReport& found, const std::string& which) {
    const std::uint64_t count = found.damage_count - found.groups_with_lost;
    if (count == 0) return {};
    const auto first = std::find_if(found.damages.begin(), found.damages.end(),
                                    [](const Damage& each) { return !each.is_of_lost; });
    return rejected("copy: " + which + " is damaged: " +
                    (first == found.damages.end() ? "" : first->path + ": " + first->what + "; ") +
                    std::to_string(count) + " in all");
  }

  Result<void> copy_all(const Retention& walked) {
    for (std::uint64_t n = 0; tile_width(size_, 0, n) > 0; ++n) {
      const Tile tile{0, n, tile_width(size_, 0, n)};
      AVOUCH_CHECK(take(tile_path(tile), Resource{Resource::Kind::kTile, tile}));
      AVOUCH_CHECK(take(bundle_path(tile), Resource{Resource::Kind::kBundle, tile}));
      AVOUCH_CHECK(take(preimages_path(n), std::nullopt));
      tell("copying", n * kTileWidth + tile.width);
    }
    for (unsigned level = 1; hashes_at(size_, level) > 0; ++level) {
      for (std::uint64_t n = 0; tile_width(size_, level, n) > 0; ++n) {
        const Tile tile{level, n, tile_width(size_, level, n)};
        AVOUCH_CHECK(take(tile_path(tile), Resource{Resource::Kind::kTile, tile}));
      }
    }
    AVOUCH_CHECK(copy_older_partials());
    AVOUCH_TRY(std::optional<Bytes> retention, from_.fetch(kRetentionPath));
    if (options_.preimages && (retention || !walked.sources.empty())) {
      retention = format_retention(walked);
    }
    if (retention) AVOUCH_CHECK(add(std::string(kRetentionPath), *std::move(retention), true));
    return flush();
  }

  // The unfinished tile of a level and the last bundle at older sizes: each must be the beginning
  // of what they are now, which has been checked.
  Result<void> copy_older_partials() {
    for (unsigned level = 0; hashes_at(size_, level) > 0; ++level) {
      const std::uint64_t n = hashes_at(size_, level) / kTileWidth;
      const unsigned width = tile_width(size_, level, n);
      for (unsigned older = 1; older < width; ++older) {
        const Tile tile{level, n, older};
        AVOUCH_CHECK(take_older(tile_path(tile), tile_path({level, n, width})));
        if (level == 0) {
          AVOUCH_CHECK(take_older(bundle_path(tile), bundle_path({level, n, width})));
        }
      }
    }
    return {};
  }

  Result<void> take_older(const std::string& path, const std::string& newest) {
    AVOUCH_TRY(std::optional<Bytes> bytes, from_.fetch(path));
    if (!bytes) return {};  // no checkpoint was of that size
    AVOUCH_TRY(const std::optional<Bytes> whole, from_.fetch(newest));
    if (!whole || whole->size() < bytes->size() ||
        !equal(*bytes, ByteView(*whole).first(bytes->size()))) {
      return rejected("copy: the source is damaged: " + path + " is not the beginning of " +
                      newest);
    }
    return add(path, std::move(*bytes), false);
  }

  Result<void> take(const std::string& path, const std::optional<Resource>& resource) {
    AVOUCH_TRY(std::optional<Bytes> bytes,
               resource ? find_resource(from_, *resource) : from_.fetch(path));
    if (!bytes) return rejected("copy: the source lost " + path + " meanwhile");
    return add(path, std::move(*bytes), !resource);
  }

  Result<void> add(const std::string& path, Bytes bytes, bool replaceable) {
    ++report_.objects;
    report_.bytes += bytes.size();
    waiting_bytes_ += bytes.size();
    waiting_.push_back(Object{path, std::move(bytes), replaceable});
    if (waiting_.size() < kObjectsAtOnce && waiting_bytes_ < kBytesAtOnce) return {};
    return flush();
  }

  Result<void> flush() {
    AVOUCH_CHECK(to_.put(waiting_));
    waiting_.clear();
    waiting_bytes_ = 0;
    return {};
  }

  Store& from_;
  Store& to_;
  const std::span<const NoteVerifier> log_keys_;
  const std::string_view origin_;
  const CopyOptions& options_;
  std::uint64_t size_ = 0;
  std::vector<Object> waiting_;
  std::size_t waiting_bytes_ = 0;
  CopyReport report_;
};

}  // namespace

Result<CopyReport> copy_log(Store& from, Store& to, std::span<const NoteVerifier> log_keys,
                            std::string_view origin, const CopyOptions& options) {
  return Copy(from, to, log_keys, origin, options).run();
}

}  // namespace avouch::tlog
