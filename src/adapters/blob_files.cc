#include "adapters/blob_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/files.h"
#include "adapters/folder_entries.h"
#include "adapters/log_disk.h"
#include "base/hex.h"

namespace avouch::adapters {
namespace {

using control::BlobOutcome;

constexpr std::chrono::hours kKeepAfterUse{1};
// Files cost a block and a name, however small they are.
constexpr std::size_t kMostBlobsOfOneNode = 1024;
constexpr std::size_t kMaxUidBytes = 64;
constexpr std::size_t kMaxBootBytes = 64;

std::string reason() { return std::error_code(errno, std::generic_category()).message(); }

// A full disk passes; a failed fsync does not.
Error io_error(const std::string& what) {
  const int code = errno;
  const std::string message =
      what + ": " + std::error_code(code, std::generic_category()).message();
  return retryable(message);
}

Result<void> write_blob(int fd, ByteView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return io_error("write " + path.string());
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

// Where the file at `path` is about to be cut to `bytes` and others keep a link to it, it becomes a
// file of its own: what they keep stays whole.
Result<void> part_from_links(const std::filesystem::path& path, std::uint64_t bytes,
                             const std::filesystem::path& incoming) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};  // not there yet
  if (status.st_nlink < 2 || static_cast<std::uint64_t>(status.st_size) <= bytes) return {};
  AVOUCH_TRY(const auto file, OpenFile::open(path));
  if (!file) return {};
  AVOUCH_TRY(const Bytes kept, file->read(0, static_cast<std::size_t>(bytes)));
  AVOUCH_CHECK(write_file_atomically(incoming, kept));
  if (::rename(incoming.c_str(), path.c_str()) != 0) return io_error("rename " + incoming.string());
  return {};
}

Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::create_directory(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) return retryable("make " + folder.string() + ": " + error.message());
  return {};
}

// Names become parts of paths.
bool is_plain(std::string_view text, std::size_t max) {
  if (text.empty() || text.size() > max) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

std::optional<crypto::Sha256> digest_of_name(const std::string& name) {
  const auto bytes = from_hex(name);
  crypto::Sha256 digest{};
  if (!bytes.has_value() || bytes->size() != digest.size() || to_hex(*bytes) != name) {
    return std::nullopt;
  }
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

}  // namespace

std::filesystem::path blob_file(const std::filesystem::path& directory,
                                const crypto::Sha256& digest) {
  return directory / "blobs" / to_hex(digest);
}

std::filesystem::path runtime_log_file(const std::filesystem::path& directory,
                                       const std::string& node_uid, const std::string& boot) {
  return directory / "runtime" / (node_uid + "." + boot);
}

class BlobFiles::Writer final : public control::BlobWriter {
 public:
  Writer(BlobFiles& store, const crypto::Sha256& digest, std::string owner,
         std::filesystem::path path, int fd)
      : store_(store), digest_(digest), owner_(std::move(owner)), path_(std::move(path)), fd_(fd) {}
  ~Writer() override {
    if (fd_ >= 0) ::close(fd_);
    if (!kept_) ::unlink(path_.c_str());
    if (!kept_) store_.release(owner_, reserved_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Result<void> write(ByteView piece) override {
    AVOUCH_CHECK(store_.reserve(owner_, piece.size()));
    reserved_ += piece.size();
    hasher_.update(piece);
    return write_blob(fd_, piece, path_);
  }

  Result<BlobOutcome> commit() override {
    const Bytes actual = hasher_.finish();
    if (!equal(actual, digest_)) {
      return rejected("the bytes have the digest sha256:" + to_hex(actual) + ", not sha256:" +
                      to_hex(digest_) + "; send the bytes that the name stands for");
    }
    if (::fsync(fd_) != 0) return fatal("fsync " + path_.string() + ": " + reason());
    AVOUCH_TRY(const BlobOutcome outcome, store_.keep(digest_, owner_, path_, reserved_));
    kept_ = outcome == BlobOutcome::kCreated;
    return outcome;
  }

 private:
  BlobFiles& store_;
  const crypto::Sha256 digest_;
  const std::string owner_;
  const std::filesystem::path path_;
  int fd_;
  crypto::Hasher hasher_{crypto::HashAlgorithm::kSha256};
  std::uint64_t reserved_ = 0;
  bool kept_ = false;
};

BlobFiles::BlobFiles(BlobFilesOptions options, Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

Result<std::unique_ptr<BlobFiles>> BlobFiles::open(BlobFilesOptions options, Clock& clock) {
  AVOUCH_CHECK(make_folder(options.directory));
  for (const char* part : {"blobs", "incoming", "owners", "runtime"}) {
    AVOUCH_CHECK(make_folder(options.directory / part));
  }
  std::unique_ptr<BlobFiles> store(new BlobFiles(std::move(options), clock));
  AVOUCH_CHECK(store->scan());
  return store;
}

Result<void> BlobFiles::scan() {
  using Entry = std::filesystem::directory_entry;
  std::error_code error;
  const auto remove = [&](const Entry& entry) -> Result<void> {
    std::filesystem::remove(entry.path(), error);
    if (error) return retryable("remove " + entry.path().string() + ": " + error.message());
    return {};
  };
  AVOUCH_CHECK(for_each_entry(options_.directory / "incoming", remove));

  std::vector<std::pair<std::filesystem::file_time_type, crypto::Sha256>> found;
  const auto take_blob = [&](const Entry& entry) -> Result<void> {
    const auto digest = digest_of_name(entry.path().filename().string());
    if (!digest) return fatal(entry.path().string() + ": not a blob; move it elsewhere");
    Blob blob;
    blob.bytes = entry.file_size(error);
    if (error) return unreadable(entry, error);
    blob.used = clock_.steady_now() - kKeepAfterUse;
    const auto time = entry.last_write_time(error);
    if (error) return unreadable(entry, error);
    used_bytes_ += blob.bytes;
    found.emplace_back(time, *digest);
    blobs_.emplace(*digest, blob);
    return {};
  };
  AVOUCH_CHECK(for_each_entry(options_.directory / "blobs", take_blob));
  std::sort(found.begin(), found.end());
  for (const auto& [time, digest] : found) {
    blobs_.at(digest).place = by_use_.insert(by_use_.end(), digest);
  }
  AVOUCH_CHECK(scan_owners());

  return for_each_entry(options_.directory / "runtime", [&](const Entry& entry) -> Result<void> {
    const std::string name = entry.path().filename().string();
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) return fatal(entry.path().string() + ": not a runtime log");
    const std::uint64_t bytes = entry.file_size(error);
    if (error) return unreadable(entry, error);
    used_bytes_ += bytes;
    runtime_logs_[name.substr(0, dot)] = {name.substr(dot + 1), bytes};
    return {};
  });
}

// One that a crash left without its blob goes.
Result<void> BlobFiles::scan_owners() {
  return for_each_entry(options_.directory / "owners",
                        [&](const std::filesystem::directory_entry& entry) -> Result<void> {
                          std::error_code error;
                          const auto digest = digest_of_name(entry.path().filename().string());
                          const auto found = digest ? blobs_.find(*digest) : blobs_.end();
                          if (found == blobs_.end()) {
                            std::filesystem::remove(entry.path(), error);
                            return {};
                          }
                          const std::string owner =
                              std::filesystem::read_symlink(entry.path(), error).string();
                          if (error) return unreadable(entry, error);
                          own_locked(found->second, owner);
                          shares_[owner] += found->second.bytes;
                          return {};
                        });
}

void BlobFiles::own_locked(Blob& blob, const std::string& owner) {
  blob.owner = owner;
  if (!owner.empty()) ++counts_[owner];
}

Result<std::unique_ptr<control::BlobWriter>> BlobFiles::begin(const crypto::Sha256& digest,
                                                              const std::string& owner) {
  const std::filesystem::path path =
      options_.directory / "incoming" / std::to_string(next_incoming_.fetch_add(1));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return io_error("create " + path.string());
  return std::unique_ptr<control::BlobWriter>(new Writer(*this, digest, owner, path, fd));
}

bool BlobFiles::contains(const crypto::Sha256& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = blobs_.find(digest);
  if (found == blobs_.end()) return false;
  use_locked(found->second);
  return true;
}

Result<Bytes> BlobFiles::read(const crypto::Sha256& digest, std::size_t max_bytes) {
  const std::string name = "sha256:" + to_hex(digest);
  if (!contains(digest)) return rejected("blob " + name + " is not in the store");
  AVOUCH_TRY(std::optional<Bytes> content, read_file(blob_path(digest), max_bytes));
  if (!content) return fatal("blob " + name + " has lost its file");
  if (!equal(crypto::sha256(*content), digest)) {
    return fatal("blob " + name + " is damaged; remove " + blob_path(digest).string());
  }
  return *std::move(content);
}

std::uint64_t BlobFiles::bytes() {
  const std::lock_guard lock(mutex_);
  return used_bytes_;
}

std::uint64_t BlobFiles::next_offset(const std::string& node_uid, const std::string& boot) {
  const std::lock_guard lock(mutex_);
  const auto found = runtime_logs_.find(node_uid);
  return found != runtime_logs_.end() && found->second.boot == boot ? found->second.bytes : 0;
}

Result<std::uint64_t> BlobFiles::append(const std::string& node_uid, const std::string& boot,
                                        std::uint64_t offset, ByteView bytes) {
  if (!is_plain(node_uid, kMaxUidBytes) || !is_plain(boot, kMaxBootBytes)) {
    return rejected("node UID or boot cannot name a file");
  }
  std::unique_lock lock(mutex_);
  RuntimeLog& log = runtime_logs_[node_uid];  // a busy one is not removed
  if (log.busy) {
    return retryable("an append to the runtime log of node UID " + node_uid + " is under way");
  }
  if (log.boot != boot) {
    if (!log.boot.empty()) {
      ::unlink(runtime_path(node_uid, log.boot).c_str());
      used_bytes_ -= log.bytes;
    }
    log = {boot, 0, false};
  }
  if (offset != log.bytes) {
    return rejected("offset " + std::to_string(offset) + " does not follow what is here, " +
                    std::to_string(log.bytes) + " bytes");
  }
  if (log.bytes > options_.runtime_log_bytes ||
      bytes.size() > options_.runtime_log_bytes - log.bytes) {
    return retryable("the runtime log would be longer than " +
                     std::to_string(options_.runtime_log_bytes) + " bytes");
  }
  AVOUCH_CHECK(
      reserve_locked(bytes.size(), {.owner = "", .node_uid = node_uid, .bytes = log.bytes}));
  used_bytes_ += bytes.size();
  log.busy = true;
  lock.unlock();  // a slow disk holds up this node alone

  const std::filesystem::path path = runtime_path(node_uid, boot);
  Result<void> written = part_from_links(
      path, log.bytes,
      options_.directory / "incoming" / std::to_string(next_incoming_.fetch_add(1)));
  const int fd =
      written.has_value() ? ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (written.has_value() && fd < 0) written = io_error("open " + path.string());
  if (fd >= 0) {
    // What a failed append left behind is cut off.
    if (::ftruncate(fd, static_cast<off_t>(log.bytes)) != 0 ||
        ::lseek(fd, static_cast<off_t>(log.bytes), SEEK_SET) < 0) {
      written = io_error("cut " + path.string());
    }
    if (written.has_value()) written = write_blob(fd, bytes, path);
    if (written.has_value() && ::fdatasync(fd) != 0) {
      written = fatal("fsync " + path.string() + ": " + reason());
    }
    ::close(fd);
  }
  lock.lock();
  log.busy = false;
  if (!written.has_value()) {
    used_bytes_ -= bytes.size();
    return std::move(written).error();
  }
  log.bytes += bytes.size();
  return log.bytes;
}

Result<Bytes> BlobFiles::read(const std::string& node_uid, const std::string& boot,
                              std::uint64_t offset, std::size_t max_bytes) {
  std::uint64_t left = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = runtime_logs_.find(node_uid);
    if (found == runtime_logs_.end() || found->second.boot != boot) return Bytes();
    // What an append that is under way has written does not count.
    left = found->second.bytes - std::min(found->second.bytes, offset);
  }
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, max_bytes));
  if (wanted == 0) return Bytes();
  AVOUCH_TRY(const auto file, OpenFile::open(runtime_path(node_uid, boot)));
  if (!file) return Bytes();  // removed meanwhile
  AVOUCH_TRY(Bytes out, file->read(offset, wanted));
  if (out.size() < wanted) {
    return fatal(runtime_path(node_uid, boot).string() + ": is shorter than what was written");
  }
  return out;
}

Result<void> BlobFiles::truncate(const std::string& node_uid, const std::string& boot,
                                 std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = runtime_logs_.find(node_uid);
  if (found == runtime_logs_.end() || found->second.boot != boot) return {};
  RuntimeLog& log = found->second;
  if (log.busy) return retryable("an append to the runtime log is under way");
  if (bytes >= log.bytes) return {};
  // The file is cut by the next append, which begins at what counts.
  used_bytes_ -= log.bytes - bytes;
  log.bytes = bytes;
  return {};
}

Result<void> BlobFiles::remove(const std::string& node_uid) {
  const std::lock_guard lock(mutex_);
  const auto found = runtime_logs_.find(node_uid);
  if (found == runtime_logs_.end()) return {};
  if (found->second.busy) {
    return retryable("an append to the runtime log of node UID " + node_uid + " is under way");
  }
  remove_locked(found);
  return {};
}

void BlobFiles::remove_locked(RuntimeLogs::iterator log) {
  ::unlink(runtime_path(log->first, log->second.boot).c_str());
  used_bytes_ -= log->second.bytes;
  runtime_logs_.erase(log);
}

std::filesystem::path BlobFiles::blob_path(const crypto::Sha256& digest) const {
  return blob_file(options_.directory, digest);
}

std::filesystem::path BlobFiles::owner_path(const crypto::Sha256& digest) const {
  return options_.directory / "owners" / to_hex(digest);
}

std::filesystem::path BlobFiles::runtime_path(const std::string& node_uid,
                                              const std::string& boot) const {
  return runtime_log_file(options_.directory, node_uid, boot);
}

void BlobFiles::use_locked(Blob& blob) {
  blob.used = clock_.steady_now();
  by_use_.splice(by_use_.end(), by_use_, blob.place);
}

Result<void> BlobFiles::reserve_locked(std::uint64_t more, const Holder& holder) {
  if (more > options_.total_bytes) return retryable("the evidence store is too small for this");
  if (options_.has_room && !options_.has_room(more)) {
    return retryable(
        "the volume is short of space, and what is left is for the log: make it larger");
  }
  const SteadyTime idle_since = clock_.steady_now() - kKeepAfterUse;
  while (used_bytes_ > options_.total_bytes - more) {
    const auto oldest = by_use_.empty() ? blobs_.end() : blobs_.find(by_use_.front());
    if (oldest != blobs_.end() && oldest->second.used <= idle_since) {
      drop_locked(by_use_.begin());
    } else if (!take_from_largest_locked(more, holder)) {
      return retryable("the evidence store is full: " + std::to_string(used_bytes_) + " of " +
                       std::to_string(options_.total_bytes) +
                       " bytes, all used within the last hour; raise limits.storeBytes");
    }
  }
  return {};
}

// False where nobody has more than an equal part, or `holder` would have.
bool BlobFiles::take_from_largest_locked(std::uint64_t more, const Holder& holder) {
  // Runtime logs are most of what honest nodes have.
  const std::uint64_t for_blobs = options_.total_bytes / 8;
  const std::uint64_t part_of_blobs = for_blobs / std::max<std::size_t>(shares_.size(), 1);
  const std::uint64_t part_of_logs =
      (options_.total_bytes - for_blobs) / std::max<std::size_t>(runtime_logs_.size(), 1);
  if (holder.bytes + more > (holder.node_uid.empty() ? part_of_blobs : part_of_logs)) return false;
  std::uint64_t most = 0;  // beyond an equal part
  auto log = runtime_logs_.end();
  for (auto each = runtime_logs_.begin(); each != runtime_logs_.end(); ++each) {
    const std::uint64_t bytes = each->second.bytes;
    if (each->second.busy || bytes <= part_of_logs + most || each->first == holder.node_uid) {
      continue;
    }
    most = bytes - part_of_logs;
    log = each;
  }
  std::string owner;  // of blobs, if they are more
  for (const auto& [name, bytes] : shares_) {
    if (bytes <= part_of_blobs + most || name.empty() || name == holder.owner ||
        !counts_.contains(name)) {
      continue;
    }
    most = bytes - part_of_blobs;
    owner = name;
  }
  if (!owner.empty()) {
    const auto oldest = std::find_if(by_use_.begin(), by_use_.end(), [&](const auto& digest) {
      return blobs_.at(digest).owner == owner;
    });
    if (oldest == by_use_.end()) return false;
    drop_locked(oldest);
    return true;
  }
  if (log == runtime_logs_.end()) return false;
  remove_locked(log);
  return true;
}

Result<void> BlobFiles::reserve_share_locked(const std::string& owner, std::uint64_t more) {
  const std::uint64_t limit = options_.node_blob_bytes;
  const auto share = [&] { return shares_[owner]; };
  const SteadyTime idle_since = clock_.steady_now() - kKeepAfterUse;
  const auto has_too_many = [&] {
    const auto found = counts_.find(owner);
    return !owner.empty() && found != counts_.end() && found->second >= kMostBlobsOfOneNode;
  };
  for (auto place = by_use_.begin();
       (share() + more > limit || has_too_many()) && place != by_use_.end();) {
    const Blob& blob = blobs_.at(*place);
    if (blob.used > idle_since) break;
    place = blob.owner == owner ? drop_locked(place) : std::next(place);
  }
  if (has_too_many()) {
    return retryable("node \"" + owner + "\" has " + std::to_string(kMostBlobsOfOneNode) +
                     " blobs in the evidence store, used within the last hour: expected no more");
  }
  if (share() + more <= limit) return {};
  return retryable("the share of node \"" + owner +
                   "\" in the evidence store is full: " + std::to_string(share()) + " of " +
                   std::to_string(limit) + " bytes, used within the last hour");
}

BlobFiles::Uses::iterator BlobFiles::drop_locked(Uses::iterator place) {
  const auto found = blobs_.find(*place);
  ::unlink(blob_path(found->first).c_str());
  ::unlink(owner_path(found->first).c_str());
  give_back_locked(found->second.owner, found->second.bytes);
  const auto count = counts_.find(found->second.owner);
  if (count != counts_.end() && --count->second == 0) counts_.erase(count);
  blobs_.erase(found);
  return by_use_.erase(place);
}

void BlobFiles::give_back_locked(const std::string& owner, std::uint64_t bytes) {
  used_bytes_ -= bytes;
  const auto share = shares_.find(owner);
  if (share == shares_.end()) return;  // nobody's
  share->second -= bytes;
  if (share->second == 0) shares_.erase(share);
}

std::uint64_t BlobFiles::drop_unused(std::chrono::milliseconds idle) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t before = used_bytes_;
  const SteadyTime idle_since = clock_.steady_now() - idle;
  while (!by_use_.empty() && blobs_.at(by_use_.front()).used <= idle_since) {
    drop_locked(by_use_.begin());
  }
  return before - used_bytes_;
}

Result<void> BlobFiles::reserve(const std::string& owner, std::uint64_t more) {
  const std::lock_guard lock(mutex_);
  AVOUCH_CHECK(reserve_share_locked(owner, more));
  AVOUCH_CHECK(reserve_locked(more, {.owner = owner, .node_uid = "", .bytes = shares_[owner]}));
  used_bytes_ += more;
  shares_[owner] += more;
  return {};
}

void BlobFiles::release(const std::string& owner, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  give_back_locked(owner, bytes);
}

Result<BlobOutcome> BlobFiles::keep(const crypto::Sha256& digest, const std::string& owner,
                                    const std::filesystem::path& incoming, std::uint64_t bytes) {
  std::unique_lock lock(mutex_);
  if (const auto found = blobs_.find(digest); found != blobs_.end()) {
    use_locked(found->second);
    return BlobOutcome::kExisted;
  }
  const std::filesystem::path owned = owner_path(digest);
  ::unlink(owned.c_str());
  if (!owner.empty() && ::symlink(owner.c_str(), owned.c_str()) != 0) {
    return io_error("link " + owned.string());
  }
  if (::rename(incoming.c_str(), blob_path(digest).c_str()) != 0) {
    return io_error("rename " + incoming.string());
  }
  Blob blob;
  blob.bytes = bytes;
  blob.used = clock_.steady_now();
  own_locked(blob, owner);
  blob.place = by_use_.insert(by_use_.end(), digest);
  blobs_.emplace(digest, blob);
  lock.unlock();  // a slow disk holds up this node alone; what a crash takes is asked for again
  auto synced = sync_directory(options_.directory / "blobs");
  if (synced.has_value()) return BlobOutcome::kCreated;
  lock.lock();
  if (const auto found = blobs_.find(digest); found != blobs_.end()) {
    found->second.bytes = 0;  // the writer gives them back
    drop_locked(found->second.place);
  }
  return std::move(synced).error();
}

}  // namespace avouch::adapters
