#include "adapters/log_postgres.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/log_postgres_rows.h"
#include "adapters/log_postgres_schema.h"
#include "base/hex.h"
#include "crypto/random.h"
#include "tlog/preimages.h"
#include "tlog/tile.h"

namespace avouch::adapters {
namespace {

constexpr std::uint64_t kCommitLane = 1, kPublishLane = 2;
constexpr std::uint64_t kMaxIndex = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kHolderBytes = 16;
constexpr int kAsksAfterLoss = 20;  // how often a lost commit() looks for the server again
constexpr std::chrono::milliseconds kAskAgain{250};

using Outcome = PostgresSession::Outcome;

// Connections that only read, made when they are needed.
class Readers {
 public:
  Readers(PostgresOptions options, std::size_t most) : options_(std::move(options)), most_(most) {}

  Result<std::optional<Bytes>> fetch(std::string_view path) {
    AVOUCH_TRY(const std::optional<LogObjectKey> key, log_object_key(path));
    std::unique_ptr<PostgresSession> session = take();
    const bool was_open = session->is_open();
    auto found = read(*session, path, key);
    // What is read may be read again: by a new connection where the old one was gone.
    if (was_open && !session->is_open()) found = read(*session, path, key);
    give_back(std::move(session));
    return found;
  }

 private:
  static Result<std::optional<Bytes>> read(PostgresSession& session, std::string_view path,
                                           const std::optional<LogObjectKey>& key) {
    AVOUCH_CHECK(session.connect());
    if (key) return read_log_object(session, path, *key);
    AVOUCH_TRY(const std::optional<std::string> note, read_log_checkpoint(session, false));
    if (!note) return std::optional<Bytes>();
    return std::optional(to_bytes(*note));
  }

  std::unique_ptr<PostgresSession> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !idle_.empty() || made_ < most_; });
    if (idle_.empty()) {
      ++made_;
      return std::make_unique<PostgresSession>(options_);
    }
    std::unique_ptr<PostgresSession> session = std::move(idle_.back());
    idle_.pop_back();
    return session;
  }

  void give_back(std::unique_ptr<PostgresSession> session) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(session));
    }
    changed_.notify_one();
  }

  const PostgresOptions options_;
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<PostgresSession>> idle_;  // guarded by mutex_, as made_
  std::size_t made_ = 0;
};

class LogPostgresReader final : public tlog::TileReader {
 public:
  explicit LogPostgresReader(const PostgresOptions& options) : readers_(options, 1) {}
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    return readers_.fetch(path);
  }

 private:
  Readers readers_;
};

// The writer that this process is, and what it found.
struct Tenure {
  std::uint64_t epoch = 0;
  std::string holder;            // random: epochs of a restored database come again
  std::uint64_t next_index = 0;  // entries committed
  std::optional<std::string> checkpoint;
};

class LogPostgres final : public tlog::Store {
 public:
  LogPostgres(const LogPostgresOptions& options, Tenure tenure, PostgresSession session)
      : tenure_(std::move(tenure)),
        next_index_(tenure_.next_index),
        checkpoint_(tenure_.checkpoint),
        readers_(options.database, options.readers),
        committing_(std::move(session)),
        publishing_(options.database) {}
  ~LogPostgres() override;

  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    return readers_.fetch(path);
  }
  Result<std::vector<tlog::Record>> recover(std::uint64_t from) override;
  Result<void> commit(std::span<const tlog::Record> batch) override;
  Result<void> put(std::span<const tlog::Object> objects) override;
  Result<void> set_aside(std::string_view path) override;
  Result<void> publish(std::string_view checkpoint, std::uint64_t size) override;

 private:
  Error replaced(const LogWriterLane& lane) const;
  Result<void> check_tenure(PostgresSession& session, std::uint64_t lane) const;
  Result<void> write_batch(std::span<const tlog::Record> batch, std::uint64_t next);
  Result<void> find_out(std::uint64_t before, std::uint64_t after);
  Result<void> put_one(const tlog::Object& object, const LogObjectKey& key);
  Result<void> write_checkpoint(std::string_view checkpoint, std::uint64_t size);
  Result<void> remove_what_is_published(std::uint64_t size);

  // Runs `work` in a transaction of the publishing lane. Repeating it is harmless, so that an
  // unknown outcome is a passing fault.
  template <typename Work>
  Result<void> publishing(const Work& work) {
    AVOUCH_CHECK(publishing_.begin());
    auto done = check_tenure(publishing_, kPublishLane);
    if (done.has_value()) done = work();
    if (!done.has_value()) {
      publishing_.rollback();
      return done;
    }
    AVOUCH_TRY(const Outcome outcome, publishing_.commit());
    if (outcome == Outcome::kCommitted) return {};
    return retryable("log: database: the connection was lost during COMMIT; it is repeated");
  }

  const Tenure tenure_;
  std::atomic<std::uint64_t> next_index_;
  std::optional<std::string> checkpoint_;  // the publishing thread's own, as the next
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> finished_;  // see publish()
  Readers readers_;
  PostgresSession committing_, publishing_;
};

// Says that the log was closed, so that a copy may be made of it. Nothing depends on it.
LogPostgres::~LogPostgres() {
  PostgresSession& session = publishing_.is_open() ? publishing_ : committing_;
  const std::array<SqlValue, 2> values{tenure_.epoch, std::string_view(tenure_.holder)};
  (void)session.run("UPDATE avouch_log_writer SET closed = 1 WHERE epoch = $1 AND holder = $2",
                    values);
}

Error LogPostgres::replaced(const LogWriterLane& lane) const {
  return fatal("log: database: the writer's epoch is " + std::to_string(lane.epoch) +
               ", this one's was " + std::to_string(tenure_.epoch) +
               ": another writer has taken over. Nothing is written. Stop one of the two");
}

Result<void> LogPostgres::check_tenure(PostgresSession& session, std::uint64_t lane) const {
  AVOUCH_TRY(const LogWriterLane found, lock_log_lane(session, lane));
  if (found.epoch != tenure_.epoch || found.holder != tenure_.holder) return replaced(found);
  return {};
}

// Of a publication that went before, the outcome may not have been known: what the checkpoint is
// now is asked for again, once the transaction that it was in has ended.
Result<std::vector<tlog::Record>> LogPostgres::recover(std::uint64_t from) {
  AVOUCH_CHECK(publishing_.begin());
  const auto is_ours = check_tenure(publishing_, kPublishLane);
  auto present = is_ours.has_value() ? read_log_checkpoint(publishing_, false) : is_ours.error();
  publishing_.rollback();
  AVOUCH_TRY(checkpoint_, std::move(present));
  AVOUCH_CHECK(committing_.connect());
  return read_log_batches(committing_, from, next_index_);
}

Result<void> LogPostgres::commit(std::span<const tlog::Record> batch) {
  if (batch.empty()) return {};
  const std::uint64_t before = next_index_, after = before + batch.size();
  if (batch.front().index != before || after > kMaxIndex) {
    return fatal("log: database: a batch begins with index " + std::to_string(batch.front().index) +
                 ", expected " + std::to_string(before));
  }
  AVOUCH_CHECK(committing_.begin());
  if (const auto written = write_batch(batch, after); !written.has_value()) {
    committing_.rollback();
    return written;
  }
  AVOUCH_TRY(const Outcome outcome, committing_.commit());
  if (outcome == Outcome::kUnknown) AVOUCH_CHECK(find_out(before, after));
  next_index_ = after;
  return {};
}

// The row of the lane is compared and set before anything is written: whoever was replaced, or
// writes to a database that went back in time, changes no row here.
Result<void> LogPostgres::write_batch(std::span<const tlog::Record> batch, std::uint64_t next) {
  const std::array<SqlValue, 5> mine{next, kCommitLane, tenure_.epoch,
                                     std::string_view(tenure_.holder), batch.front().index};
  AVOUCH_TRY(const PostgresRows set,
             committing_.run("UPDATE avouch_log_writer SET next_index = $1 WHERE lane = $2 "
                             "AND epoch = $3 AND holder = $4 AND next_index = $5",
                             mine));
  if (set.changed() != 1) {
    AVOUCH_TRY(const LogWriterLane found, lock_log_lane(committing_, kCommitLane));
    if (found.epoch != tenure_.epoch || found.holder != tenure_.holder) return replaced(found);
    return fatal("log: database: has " + std::to_string(found.next_index) +
                 " committed entries, expected " + std::to_string(batch.front().index) +
                 ": it went back in time, or somebody changed the row");
  }
  for (const LogBatchRow& row : make_log_batches(batch)) {
    const std::array<SqlValue, 4> values{row.first, row.next, tenure_.epoch, ByteView(row.segment)};
    AVOUCH_CHECK(
        committing_.run("INSERT INTO avouch_log_batch (first_index, next_index, epoch, segment) "
                        "VALUES ($1, $2, $3, $4)",
                        values));
  }
  return {};
}

// After a lost COMMIT: the old transaction holds its lane's row until it has ended one way or the
// other, so whoever gets that row sees which.
Result<void> LogPostgres::find_out(std::uint64_t before, std::uint64_t after) {
  Error trouble = retryable("");
  for (int i = 0; i < kAsksAfterLoss; ++i) {
    if (i > 0) std::this_thread::sleep_for(kAskAgain);
    if (const auto begun = committing_.begin(); !begun.has_value()) {
      trouble = begun.error();
      continue;
    }
    const auto found = lock_log_lane(committing_, kCommitLane);
    committing_.rollback();
    if (!found.has_value()) {
      trouble = found.error();
      if (trouble.kind != ErrorKind::kRetryable) break;
      continue;
    }
    if (found->epoch != tenure_.epoch || found->holder != tenure_.holder) return replaced(*found);
    if (found->next_index == after) return {};
    if (found->next_index == before) {
      return retryable("log: database: the connection was lost and the entries are not in");
    }
    return fatal("log: database: has " + std::to_string(found->next_index) +
                 " committed entries, expected " + std::to_string(before) + " or " +
                 std::to_string(after) + ": it went back in time, or somebody changed the row");
  }
  return fatal(
      "log: database: the connection was lost during COMMIT, and whether the entries are "
      "in cannot be found out: " +
      trouble.message + ". The next start finds out");
}

Result<void> LogPostgres::put(std::span<const tlog::Object> objects) {
  std::vector<LogObjectKey> keys;
  for (const tlog::Object& object : objects) {
    AVOUCH_TRY(const std::optional<LogObjectKey> key, log_object_key(object.path));
    if (!key) return rejected("log: the checkpoint is published, not put");
    keys.push_back(*key);
  }
  const auto put_all = [&]() -> Result<void> {
    for (std::size_t i = 0; i < keys.size(); ++i) AVOUCH_CHECK(put_one(objects[i], keys[i]));
    return {};
  };
  AVOUCH_CHECK(publishing(put_all));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (objects[i].replaceable || keys[i].width != tlog::kTileWidth) continue;
    finished_.try_emplace({keys[i].kind, keys[i].level}, keys[i].index);
  }
  return {};
}

Result<void> LogPostgres::put_one(const tlog::Object& object, const LogObjectKey& key) {
  const crypto::Sha256 digest = log_object_digest(object.path, object.bytes);
  const std::array<SqlValue, 6> values{
      key.kind, key.level, key.index, key.width, ByteView(object.bytes), ByteView(digest)};
  const char* statement =
      object.replaceable
          ? "INSERT INTO avouch_log_object (kind, level, tile_index, width, bytes, digest) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, level, tile_index, width) "
            "DO UPDATE SET bytes = excluded.bytes, digest = excluded.digest"
          : "INSERT INTO avouch_log_object (kind, level, tile_index, width, bytes, digest) "
            "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, level, tile_index, width) "
            "DO NOTHING";
  AVOUCH_TRY(const PostgresRows put, publishing_.run(statement, values));
  if (put.changed() == 1) return {};
  AVOUCH_TRY(const std::optional<Bytes> present, read_log_object(publishing_, object.path, key));
  if (!object.replaceable && present && equal(*present, object.bytes)) return {};
  return fatal("log: database: " + object.path +
               " holds other bytes than belong there: damage, or another writer");
}

// The row as it is, which need not be readable.
Result<void> LogPostgres::set_aside(std::string_view path) {
  if (!path.starts_with(tlog::kPreimagesPrefix))
    return rejected("log: only preimages are set aside");
  AVOUCH_TRY(const std::optional<LogObjectKey> key, log_object_key(path));
  const std::array<SqlValue, 3> values{kDamagedPreimages, key->kind, key->index};
  const auto move = [&]() -> Result<void> {
    AVOUCH_CHECK(publishing_.run(
        "DELETE FROM avouch_log_object WHERE kind = $1 AND tile_index = $3 AND EXISTS "
        "(SELECT 1 FROM avouch_log_object AS present WHERE kind = $2 AND tile_index = $3)",
        values));
    AVOUCH_CHECK(publishing_.run(
        "UPDATE avouch_log_object SET kind = $1 WHERE kind = $2 AND tile_index = $3", values));
    return {};
  };
  return publishing(move);
}

Result<void> LogPostgres::publish(std::string_view checkpoint, std::uint64_t size) {
  if (size > kMaxIndex) return fatal("log: database: a size beyond 2^63");
  const auto replace = [&]() -> Result<void> {
    AVOUCH_CHECK(write_checkpoint(checkpoint, size));
    return remove_what_is_published(size);
  };
  AVOUCH_CHECK(publishing(replace));
  checkpoint_ = std::string(checkpoint);
  finished_.clear();
  if (next_index_ < size) next_index_ = size;
  return {};
}

Result<void> LogPostgres::write_checkpoint(std::string_view checkpoint, std::uint64_t size) {
  AVOUCH_TRY(const std::optional<std::string> present, read_log_checkpoint(publishing_, true));
  if (present != checkpoint_ && present != checkpoint) {
    return fatal(
        "log: database: holds another checkpoint than this writer put there: somebody "
        "changed it. Nothing is published");
  }
  const crypto::Sha256 digest = log_object_digest("checkpoint", as_bytes(checkpoint));
  const std::array<SqlValue, 3> values{size, as_bytes(checkpoint), ByteView(digest)};
  AVOUCH_CHECK(publishing_.run(
      "INSERT INTO avouch_log_checkpoint (id, size, note, digest) VALUES (1, $1, $2, $3) "
      "ON CONFLICT (id) DO UPDATE SET size = excluded.size, note = excluded.note, "
      "digest = excluded.digest",
      values));
  if (size <= next_index_) return {};
  // A copy: entries that came as bundles, never through commit().
  const std::array<SqlValue, 2> next{size, kCommitLane};
  AVOUCH_CHECK(publishing_.run(
      "UPDATE avouch_log_writer SET next_index = $1 WHERE lane = $2 AND next_index < $1", next));
  return {};
}

// Batches below `size`, and the partial forms of tiles and bundles that are full now: of each level
// only the first that became full had any.
Result<void> LogPostgres::remove_what_is_published(std::uint64_t size) {
  const std::array<SqlValue, 1> published{size};
  AVOUCH_CHECK(publishing_.run(
      "DELETE FROM avouch_log_batch WHERE first_index < $1 AND next_index <= $1", published));
  for (const auto& [level, index] : finished_) {
    const std::array<SqlValue, 4> values{level.first, level.second, index,
                                         std::uint64_t{tlog::kTileWidth}};
    AVOUCH_CHECK(
        publishing_.run("DELETE FROM avouch_log_object WHERE kind = $1 AND level = $2 "
                        "AND tile_index = $3 AND width < $4",
                        values));
  }
  return {};
}

// What a server must do, of those that say: keep what it acknowledged.
Result<void> check_durability(PostgresSession& session) {
  AVOUCH_TRY(const PostgresRows rows,
             session.run("SELECT CAST(name AS TEXT) FROM pg_catalog.pg_settings "
                         "WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off'"));
  if (rows.size() == 0) return {};
  AVOUCH_TRY(const std::string name, rows.text(0, 0, 64));
  return rejected("log: the database runs with " + name +
                  " = off, so that it may lose what it acknowledged. Set it to on");
}

Result<Tenure> take_tenure(PostgresSession& session, bool take_over) {
  AVOUCH_TRY(const std::vector<LogWriterLane> lanes, lock_log_writer(session));
  if (!take_over && !lanes[0].closed) {
    return retryable("log: database: a writer is at work (epoch " + std::to_string(lanes[0].epoch) +
                     "), or ended without closing the log. Stop it first");
  }
  Tenure tenure;
  tenure.epoch = lanes[0].epoch + 1;
  tenure.holder = to_hex(crypto::random_bytes(crypto::system_random(), kHolderBytes));
  tenure.next_index = lanes[0].next_index;
  const std::array<SqlValue, 2> values{tenure.epoch, std::string_view(tenure.holder)};
  AVOUCH_TRY(
      const PostgresRows set,
      session.run("UPDATE avouch_log_writer SET epoch = $1, holder = $2, closed = 0", values));
  if (set.changed() != 2) return fatal("log: database: avouch_log_writer has not its two rows");
  AVOUCH_TRY(tenure.checkpoint, read_log_checkpoint(session, false));
  return tenure;
}

}  // namespace

Result<std::vector<std::string>> log_postgres_schemas(const PostgresOptions& options) {
  PostgresSession session(options);
  AVOUCH_CHECK(session.connect());
  return log_schema_suffixes(session);
}

Result<std::unique_ptr<tlog::Store>> open_log_postgres(const LogPostgresOptions& options) {
  if (!options.database.schema_suffix.empty()) {
    PostgresOptions without = options.database;
    without.schema_suffix.clear();
    PostgresSession own(std::move(without));
    AVOUCH_CHECK(own.connect());
    AVOUCH_CHECK(make_log_schema(own, options.database.schema_suffix));
  }
  PostgresSession session(options.database);
  AVOUCH_CHECK(session.connect());
  AVOUCH_CHECK(check_durability(session));
  AVOUCH_CHECK(migrate_log_schema(session));
  AVOUCH_CHECK(session.begin());
  auto tenure = take_tenure(session, options.take_over);
  if (!tenure.has_value()) {
    session.rollback();
    return tenure.error();
  }
  AVOUCH_TRY(const Outcome outcome, session.commit());
  if (outcome == Outcome::kUnknown) {
    return retryable("log: database: the connection was lost while the log was opened");
  }
  return std::unique_ptr<tlog::Store>(
      std::make_unique<LogPostgres>(options, std::move(tenure).value(), std::move(session)));
}

Result<std::unique_ptr<tlog::TileReader>> open_log_postgres_reader(const PostgresOptions& options) {
  PostgresSession session(options);
  AVOUCH_CHECK(session.connect());
  AVOUCH_TRY(const std::uint64_t version, log_schema_version(session));
  if (version != kLogSchemaVersion) {
    return rejected("log: the database's schema holds no log of version " +
                    std::to_string(kLogSchemaVersion));
  }
  return std::unique_ptr<tlog::TileReader>(std::make_unique<LogPostgresReader>(options));
}

Result<std::optional<std::string>> log_postgres_checkpoint(const PostgresOptions& options) {
  PostgresSession session(options);
  AVOUCH_CHECK(session.connect());
  AVOUCH_TRY(const std::uint64_t version, log_schema_version(session));
  if (version == 0) return std::optional<std::string>();
  return read_log_checkpoint(session, false);
}

}  // namespace avouch::adapters
