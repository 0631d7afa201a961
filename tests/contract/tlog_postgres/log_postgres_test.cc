// What only the postgres engine does: epochs, connections, transactions, rows that were changed.

#include "adapters/log_postgres.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "contract/tlog/one_life.h"
#include "support/postgres_engine.h"
#include "tlog/fsck.h"
#include "tlog/serve.h"

namespace avouch::tlog {
namespace {

using adapters::PostgresEvent;
using testing::LogProcess;
using testing::PostgresLogEngine;
using testing::PostgresServer;
using testing::Sql;
using testing::submission;
using testing::submissions;

Record record(std::uint64_t index, const std::string& text = "entry") {
  return {index, to_bytes(text), to_bytes("preimage"), "id" + std::to_string(index)};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class LogPostgresTest : public ::testing::Test {
 protected:
  // Entries 0 to 299 published, in three batches 300 to 304 sequenced only.
  void fill() {
    LogProcess process(engine_);
    ASSERT_TRUE(process.open().has_value());
    ASSERT_TRUE(process.append(submissions("a", 300)).has_value());
    published_ = process.publish().value();
    ASSERT_TRUE(process.append(submissions("b", 2)).has_value());
    ASSERT_TRUE(process.append(submissions("c", 2)).has_value());
    ASSERT_TRUE(process.append(submissions("d", 1)).has_value());
    process.die();
  }

  PostgresLogEngine engine_;
  std::optional<VerifiedCheckpoint> published_;
};

// IF NOT EXISTS looks, and then makes: a connection that was lost may commit in between.
TEST_F(LogPostgresTest, MakesItsTablesThoughAnotherConnectionMakesOneOfThem) {
  Sql other(PostgresServer::shared().connection(engine_.schema));
  other.run(
      "BEGIN; CREATE TABLE avouch_log_schema (version BIGINT PRIMARY KEY); "
      "SELECT count(*) FROM avouch_log_schema");
  std::jthread late([&] {
    const char* waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE "
        "'CREATE TABLE IF NOT EXISTS avouch_log_s%'";
    for (int look = 0; look < 20'000 && engine_.sql().run(waiting) == "0"; ++look) {
    }
    other.run("COMMIT");
  });
  auto store = engine_.open_store();
  ASSERT_TRUE(store.has_value()) << store.error().message;
  const auto records = (*store)->recover(0);
  late.join();
  EXPECT_TRUE(records.has_value()) << records.error().message;
}

// As where a log is opened again in one process.
TEST_F(LogPostgresTest, TakesUpACheckpointWhoseCommitWasLost) {
  bool is_armed = false;
  engine_.options.database.observe = [&](const PostgresEvent& event) {
    if (!is_armed || event.when == PostgresEvent::When::kBefore || event.statement != "COMMIT") {
      return;
    }
    is_armed = false;
    testing::lose_answer(engine_.sql(), event);
  };
  const auto store = engine_.open_store().value();
  ASSERT_TRUE(store->recover(0).has_value());
  is_armed = true;
  EXPECT_EQ(store->publish("one", 0).error().kind, ErrorKind::kRetryable);
  EXPECT_FALSE(is_armed);
  ASSERT_TRUE(store->recover(0).has_value());
  EXPECT_EQ(store->fetch("checkpoint").value(), to_bytes("one"));
  const auto published = store->publish("two", 0);
  EXPECT_TRUE(published.has_value()) << published.error().message;
}

TEST_F(LogPostgresTest, SetsAsideARowThatCannotBeRead) {
  const auto store = engine_.open_store().value();
  const std::vector<Object> group{{"preimages/000", to_bytes("any"), true}};
  for (int again = 0; again < 2; ++again) {
    ASSERT_TRUE(store->put(group).has_value());
    engine_.run("UPDATE avouch_log_object SET bytes = bytes || 'x' WHERE kind = 3");
    EXPECT_EQ(store->fetch("preimages/000").error().kind, ErrorKind::kFatal);
    for (int twice = 0; twice < 2; ++twice) {
      const auto done = store->set_aside("preimages/000");
      ASSERT_TRUE(done.has_value()) << done.error().message;
    }
    EXPECT_EQ(store->fetch("preimages/000").value(), std::nullopt);
    EXPECT_EQ(engine_.run("SELECT convert_from(bytes, 'UTF8') FROM avouch_log_object "
                          "WHERE kind = 5 AND tile_index = 0"),
              "anyx");
  }
}

TEST_F(LogPostgresTest, FencesAWriterThatWasReplaced) {
  const auto old = engine_.open_store().value();
  const std::vector first{record(0), record(1)};
  ASSERT_TRUE(old->commit(first).has_value());
  const auto next = engine_.open_store().value();
  const std::vector late{record(2, "late")}, own{record(2, "own")};
  const std::vector<Object> tile{{"tile/0/000.p/2", Bytes(64, 1)}};
  for (const auto& refused : {old->commit(late), old->put(tile), old->publish("late", 2)}) {
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::kFatal);
    EXPECT_TRUE(contains(refused.error().message, "the writer's epoch is 2, this one's was 1"))
        << refused.error().message;
  }
  ASSERT_TRUE(next->commit(own).has_value());
  EXPECT_FALSE(next->fetch("tile/0/000.p/2")->has_value());
  EXPECT_FALSE(next->fetch("checkpoint")->has_value());
  const auto third = engine_.open_store().value();
  const auto records = third->recover(0).value();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[2].entry, to_bytes("own"));
}

TEST_F(LogPostgresTest, KnowsAWriterOfARestoredDatabaseFromItsOwn) {
  const auto first = engine_.open_store().value();
  engine_.back_up_store();
  const auto old = engine_.open_store().value();
  engine_.restore_store();
  const auto next = engine_.open_store().value();  // of the same epoch as `old`
  EXPECT_EQ(old->commit(std::vector{record(0)}).error().kind, ErrorKind::kFatal);
  EXPECT_TRUE(next->commit(std::vector{record(0)}).has_value());
}

TEST_F(LogPostgresTest, StopsALogWhoseWriterWasReplaced) {
  LogProcess old(engine_), next(engine_);
  old.anchor_names = next.anchor_names = {};
  ASSERT_TRUE(old.open().has_value());
  ASSERT_TRUE(old.append(submissions("a", 3)).has_value());
  ASSERT_TRUE(next.open().has_value());
  EXPECT_EQ(old.append(submissions("late", 1)).error().kind, ErrorKind::kFatal);
  EXPECT_TRUE(old.log().status().failure.has_value());
  ASSERT_TRUE(next.append(submissions("b", 3)).has_value());
  const auto checkpoint = next.publish().value();
  EXPECT_EQ(checkpoint.size(), 6U);
  testing::check_whole_log(next.store(), checkpoint.checkpoint());
}

// A writer that stops in the middle of a transaction, before each of its statements, while another
// takes over: nothing that it does when it wakes up has an effect.
TEST_F(LogPostgresTest, FencesAWriterThatIsPausedAnywhere) {
  const std::vector<std::pair<std::string, std::function<Result<void>(Store&)>>> works{
      {"commit", [](Store& store) { return store.commit(std::vector{record(0, "late")}); }},
      {"put",
       [](Store& store) {
         return store.put(std::vector<Object>{{"tile/0/000.p/1", Bytes(32, 1)}});
       }},
      {"publish", [](Store& store) { return store.publish("late", 0); }}};
  for (const auto& [name, work] : works) {
    std::size_t pauses = 0;
    for (std::size_t at = 0;; ++at) {
      SCOPED_TRACE(name + " paused before statement " + std::to_string(at));
      PostgresLogEngine engine;
      engine.options.database.statement_within = std::chrono::seconds(1);
      std::unique_ptr<Store> next;
      auto paused = engine.options;
      std::atomic<bool> armed = false;
      std::size_t statement = 0;
      paused.database.observe = [&](const PostgresEvent& event) {
        if (!armed || event.when != PostgresEvent::When::kBefore || statement++ != at) return;
        armed = false;
        ++pauses;
        for (int i = 0; i < 10 && !next; ++i) {  // the server ends the paused transaction
          auto opened = engine.open_store();
          if (opened.has_value()) next = std::move(opened).value();
        }
      };
      const auto old = adapters::open_log_postgres(paused).value();
      ASSERT_TRUE(old->recover(0).has_value());  // its connection is there
      armed = true;
      const auto done = work(*old);
      if (!next) break;  // that was its last statement
      EXPECT_FALSE(done.has_value());
      EXPECT_FALSE(work(*old).has_value());
      EXPECT_TRUE(next->recover(0)->empty());
      EXPECT_FALSE(next->fetch("tile/0/000.p/1")->has_value());
      EXPECT_FALSE(next->fetch("checkpoint")->has_value());
      EXPECT_TRUE(next->commit(std::vector{record(0)}).has_value());
      if (HasFatalFailure()) return;
    }
    EXPECT_GE(pauses, 4U) << name;
  }
}

TEST_F(LogPostgresTest, LeavesALogWithAWriterAloneIfAskedTo) {
  auto polite = engine_.options;
  polite.take_over = false;
  {
    const auto writer = engine_.open_store().value();
    const auto refused = adapters::open_log_postgres(polite);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable);
    EXPECT_TRUE(contains(refused.error().message, "a writer is at work (epoch 1)"));
    EXPECT_TRUE(writer->commit(std::vector{record(0)}).has_value());
  }
  EXPECT_TRUE(adapters::open_log_postgres(polite).has_value());
}

TEST_F(LogPostgresTest, KeepsWhatAnImmutablePathHolds) {
  const auto store = engine_.open_store().value();
  const std::vector<Object> first{{"tile/0/000.p/1", Bytes(32, 1)},
                                  {"preimages/000", to_bytes("a"), true}};
  const std::vector<Object> other{{"tile/entries/000.p/1", Bytes(4, 0)},
                                  {"tile/0/000.p/1", Bytes(32, 2)}};
  const std::vector<Object> replaced{{"preimages/000", to_bytes("b"), true}};
  EXPECT_TRUE(store->put(first).has_value());
  EXPECT_TRUE(store->put(first).has_value());
  EXPECT_EQ(store->put(other).error().kind, ErrorKind::kFatal);
  EXPECT_FALSE(store->fetch("tile/entries/000.p/1")->has_value());  // nothing of it
  EXPECT_TRUE(store->put(replaced).has_value());
  EXPECT_EQ(store->fetch("preimages/000").value(), to_bytes("b"));
  EXPECT_EQ(store->fetch("tile/0/000.p/1").value(), Bytes(32, 1));
}

TEST_F(LogPostgresTest, HasNoPathsOutsideItsObjects) {
  const auto store = engine_.open_store().value();
  for (const char* path : {"", "/etc/passwd", "tile/0/000'", "preimages/000.p/5", "tile/0/1"}) {
    EXPECT_EQ(store->fetch(path).error().kind, ErrorKind::kRejected) << path;
    EXPECT_EQ(store->put(std::vector<Object>{{path, to_bytes("x")}}).error().kind,
              ErrorKind::kRejected)
        << path;
  }
  EXPECT_EQ(store->put(std::vector<Object>{{"checkpoint", to_bytes("x")}}).error().kind,
            ErrorKind::kRejected);
}

TEST_F(LogPostgresTest, TakesBatchesInTheirOrderOnly) {
  const auto store = engine_.open_store().value();
  EXPECT_EQ(store->commit(std::vector{record(1)}).error().kind, ErrorKind::kFatal);
  ASSERT_TRUE(store->commit(std::vector{record(0)}).has_value());
  EXPECT_EQ(store->commit(std::vector{record(0)}).error().kind, ErrorKind::kFatal);
  EXPECT_TRUE(store->commit({}).has_value());
  EXPECT_TRUE(store->commit(std::vector{record(1)}).has_value());
}

TEST_F(LogPostgresTest, TakesTheLargestRecords) {
  const auto store = engine_.open_store().value();
  std::vector<Record> batch;
  for (std::uint64_t i = 0; i < 40; ++i) {
    batch.push_back({i, Bytes(65'535, 1), Bytes(65'535, 2), std::string(128, 'i')});
  }
  ASSERT_TRUE(store->commit(batch).has_value());
  EXPECT_GT(std::stoi(engine_.run("SELECT count(*) FROM avouch_log_batch")), 5);
  for (const std::uint64_t from : {0U, 1U, 7U, 39U, 40U}) {
    const auto records = store->recover(from);
    ASSERT_TRUE(records.has_value()) << records.error().message;
    EXPECT_EQ(records->size(), 40 - from);
  }
}

TEST_F(LogPostgresTest, RemovesWhatIsPublished) {
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(process.append(submissions(std::to_string(i) + "/", 85)).has_value());
    ASSERT_TRUE(process.publish().has_value());
  }
  const std::string partial = "SELECT count(*) FROM avouch_log_object WHERE width < 256";
  EXPECT_EQ(engine_.run(partial), "6");
  EXPECT_EQ(engine_.run("SELECT count(*) FROM avouch_log_batch"), "0");
  ASSERT_TRUE(process.append(submissions("last", 1)).has_value());
  ASSERT_TRUE(process.publish().has_value());
  EXPECT_EQ(engine_.run(partial), "1");  // tile/1/000.p/1
}

TEST_F(LogPostgresTest, CanBeReadWhileItIsWritten) {
  EXPECT_EQ(engine_.open_reader().error().kind, ErrorKind::kRejected);  // no log yet
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(submissions("a", 300)).has_value());
  const auto checkpoint = process.publish();
  const auto reader = engine_.open_reader().value();
  testing::check_whole_log(*reader, checkpoint->checkpoint());
  EXPECT_TRUE(process.append(submissions("b", 1)).has_value());
}

TEST_F(LogPostgresTest, KeepsEachLogOfAChainInASchemaOfItsOwn) {
  using Suffixes = std::vector<std::string>;
  const auto known = [&] {
    Suffixes all = adapters::log_postgres_schemas(engine_.options.database).value();
    std::sort(all.begin(), all.end());
    return all;
  };
  EXPECT_EQ(known(), Suffixes());
  adapters::LogPostgresOptions shard = engine_.options;
  shard.database.schema_suffix = "_2027_q1";
  EXPECT_EQ(adapters::open_log_postgres_reader(shard.database).error().kind, ErrorKind::kRejected);
  for (int start = 0; start < 2; ++start) {  // made once
    const auto store = adapters::open_log_postgres(shard);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    ASSERT_TRUE((*store)->publish("a note", 0).has_value());
  }
  EXPECT_EQ(known(), Suffixes{"_2027_q1"});
  ASSERT_TRUE(engine_.open_store().has_value());
  EXPECT_EQ(known(), (Suffixes{"", "_2027_q1"}));
  EXPECT_EQ(engine_.open_reader().value()->fetch("checkpoint").value(), std::nullopt);
  EXPECT_EQ(adapters::open_log_postgres_reader(shard.database).value()->fetch("checkpoint").value(),
            to_bytes("a note"));
  // Another log's schema, whose name only begins alike, is seen; what is no log is not.
  engine_.sql().run("CREATE SCHEMA " + engine_.schema + "_2028");
  EXPECT_EQ(known(), (Suffixes{"", "_2027_q1"}));
  for (const char* suffix : {"_2027_q1", "_2028"}) {
    engine_.sql().run("DROP SCHEMA " + engine_.schema + suffix + " CASCADE");
  }
}

TEST_F(LogPostgresTest, RefusesANewerSchema) {
  ASSERT_TRUE(engine_.open_store().has_value());
  engine_.run("INSERT INTO avouch_log_schema (version) VALUES (2)");
  const auto store = engine_.open_store();
  const auto reader = engine_.open_reader();
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().kind, ErrorKind::kRejected);
  EXPECT_TRUE(contains(store.error().message, "have version 2, this program knows up to 1"));
  EXPECT_EQ(reader.error().kind, ErrorKind::kRejected);
}

TEST_F(LogPostgresTest, MakesTablesThatAnInterruptedStartLeftHalfMade) {
  ASSERT_TRUE(engine_.open_store().has_value());
  engine_.run("DELETE FROM avouch_log_schema; DROP TABLE avouch_log_checkpoint");
  const auto store = engine_.open_store();
  ASSERT_TRUE(store.has_value()) << store.error().message;
  EXPECT_TRUE((*store)->publish("note", 0).has_value());
}

TEST_F(LogPostgresTest, RefusesAServerThatForgets) {
  for (const std::string setting : {"fsync", "full_page_writes"}) {
    engine_.sql().run("ALTER SYSTEM SET " + setting + " = off");
    engine_.sql().run("SELECT pg_reload_conf()");
    while (engine_.sql().run("SHOW " + setting) != "off")
      engine_.sql().run("SELECT pg_sleep(0.01)");
    const auto store = engine_.open_store();
    engine_.sql().run("ALTER SYSTEM RESET " + setting);
    engine_.sql().run("SELECT pg_reload_conf()");
    while (engine_.sql().run("SHOW " + setting) != "on") engine_.sql().run("SELECT pg_sleep(0.01)");
    ASSERT_FALSE(store.has_value());
    EXPECT_EQ(store.error().kind, ErrorKind::kRejected);
    EXPECT_TRUE(contains(store.error().message, setting + " = off")) << store.error().message;
  }
}

TEST_F(LogPostgresTest, WaitsForStableStorageWhateverTheRoleIsSetTo) {
  std::atomic<int> set = 0;
  engine_.options.database.observe = [&](const PostgresEvent& event) {
    if (event.when != PostgresEvent::When::kBefore) return;
    if (event.statement == "SET synchronous_commit = on") ++set;
  };
  engine_.options.database.connection +=
      " options='-c search_path=" + engine_.schema + " -c synchronous_commit=off'";
  const auto store = engine_.open_store().value();
  EXPECT_EQ(set, 1);
  ASSERT_TRUE(store->publish("note", 0).has_value());
  EXPECT_EQ(set, 2);  // on a connection of its own
}

TEST_F(LogPostgresTest, NeverRepeatsTheConnectionString) {
  for (const std::string text :
       {"host=/nowhere password=s3cret user=x", "host=/nowhere password=s3cret novalue",
        "postgresql://u:s3cret@[/db", "password='s3cret"}) {
    const auto store = adapters::open_log_postgres({.database = {.connection = text}});
    ASSERT_FALSE(store.has_value()) << text;
    EXPECT_FALSE(contains(store.error().message, "s3cret")) << store.error().message;
  }
  const auto store =
      adapters::open_log_postgres({.database = {.connection = std::string(5000, 'x')}});
  EXPECT_EQ(store.error().kind, ErrorKind::kRejected);
}

TEST_F(LogPostgresTest, AsksForAVerifiedServerUnlessToldOtherwise) {
  const PostgresServer server(PostgresServer::Listen::kNetworkToo);
  const auto open = [&](const std::string& more) {
    return adapters::open_log_postgres(
        {.database = {.connection = server.network_connection() + more}});
  };
  const std::string root = " sslrootcert=" + server.certificate_file();
  ASSERT_TRUE(open(" host=localhost" + root).has_value());
  ASSERT_TRUE(open(" host=localhost sslmode=disable").has_value());
  const std::pair<std::string, std::string> refusals[] = {
      {" host=localhost", "root certificate file"},
      {" host=localhost sslrootcert=" + server.other_certificate_file(),
       "certificate verify failed"},
      {" host=elsewhere.example" + root, "does not match host name"}};
  for (const auto& [more, why] : refusals) {
    const auto refused = open(more);
    ASSERT_FALSE(refused.has_value()) << more;
    EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable);
    EXPECT_TRUE(contains(refused.error().message, why)) << refused.error().message;
  }
}

TEST_F(LogPostgresTest, WaitsForALockNoLongerThanItMust) {
  engine_.options.database.statement_within = std::chrono::seconds(1);
  const auto store = engine_.open_store().value();
  testing::Sql other(PostgresServer::shared().connection(engine_.schema));
  other.run("BEGIN; SELECT lane FROM avouch_log_writer FOR UPDATE");
  const auto refused = store->commit(std::vector{record(0)});
  EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable);
  EXPECT_EQ(engine_.open_store().error().kind, ErrorKind::kRetryable);
  other.run("ROLLBACK");
  EXPECT_TRUE(store->commit(std::vector{record(0)}).has_value());
}

TEST_F(LogPostgresTest, RefusesAppendsWhereTheServerHasNoRoomAndRecovers) {
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(submissions("a", 3)).has_value());
  // What a server says whose disk is full.
  engine_.run(
      "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
      "'could not extend file' USING ERRCODE = '53100'; END $$; "
      "CREATE TRIGGER full_disk BEFORE INSERT ON avouch_log_batch FOR EACH ROW EXECUTE FUNCTION "
      "full_disk(); CREATE TRIGGER full_disk BEFORE INSERT ON avouch_log_object FOR EACH ROW "
      "EXECUTE FUNCTION full_disk()");
  const auto refused = process.append(submissions("b", 1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable);
  EXPECT_TRUE(contains(refused.error().message, "SQLSTATE 53100")) << refused.error().message;
  process.log().publish([](auto) {});
  while (process.log().status().publish_retries == 0) std::this_thread::yield();
  EXPECT_EQ(process.log().checkpoint().size(), 0U);
  engine_.run(
      "DROP TRIGGER full_disk ON avouch_log_batch; "
      "DROP TRIGGER full_disk ON avouch_log_object");
  EXPECT_EQ(process.append(submissions("b", 1))->front().index, 3U);
  EXPECT_EQ(process.publish()->size(), 4U);
}

TEST_F(LogPostgresTest, GoesOnWhenTheServerComesBack) {
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(submissions("a", 300)).has_value());
  ASSERT_TRUE(process.publish().has_value());
  ASSERT_TRUE(process.append(submissions("b", 3)).has_value());
  PostgresServer::shared().crash_and_restart();
  // The first call finds its connection gone; its entries are not in.
  const auto places = process.append(submissions("c", 1));
  if (!places.has_value()) {
    EXPECT_EQ(places.error().kind, ErrorKind::kRetryable);
  }
  EXPECT_EQ(process.append(submissions("c", 1))->front().index, 303U);
  const auto checkpoint = process.publish().value();
  EXPECT_EQ(checkpoint.size(), 304U);
  testing::check_whole_log(process.store(), checkpoint.checkpoint());
}

struct Tampering {
  std::string name, sql, said;
};

// XOR of a byte of a column.
std::string flip(const std::string& column) {
  return column + " = set_byte(" + column + ", 20, get_byte(" + column + ", 20) # 1)";
}

// Whatever is done to rows that a start reads: it does not start, says where, and signs nothing.
TEST_F(LogPostgresTest, StartsOnNoRowThatWasChanged) {
  const std::string batch = "UPDATE avouch_log_batch SET ",
                    object = "UPDATE avouch_log_object SET ";
  const std::string digest = "digest = sha256(convert_to('avouch-log-object 1' || chr(10) || '";
  const std::string behind = "' || chr(10), 'UTF8') || ";
  const std::vector<Tampering> all{
      {"tile", object + flip("bytes") + " WHERE kind = 1", "its digest is not that of its bytes"},
      {"tile with digest",
       object + "bytes = set_byte(bytes, 1, get_byte(bytes, 1) # 1), " + digest +
           "tile/0/001.p/44" + behind +
           "set_byte(bytes, 1, get_byte(bytes, 1) # 1)) WHERE kind = 1 AND tile_index = 1",
       "does not have the root of the signed checkpoint"},
      {"short tile",
       object + "bytes = substring(bytes, 1, 32), " + digest + "tile/0/001.p/44" + behind +
           "substring(bytes, 1, 32)) WHERE kind = 1 AND tile_index = 1",
       "tile/0/001.p/44 has 32 bytes, expected 1408"},
      {"no tile", "DELETE FROM avouch_log_object WHERE kind = 1 AND level = 1", "tile/1/000"},
      {"huge bundle", object + "bytes = convert_to(repeat('x', 40000000), 'UTF8') WHERE kind = 2",
       "has 40000000 bytes, expected at most"},
      {"bundle", object + flip("bytes") + " WHERE kind = 2", "tile/entries/001.p/44: its digest"},
      {"preimages", object + flip("bytes") + " WHERE kind = 3", "preimages/001: its digest"},
      {"null",
       "ALTER TABLE avouch_log_object ALTER COLUMN digest DROP NOT NULL; " + object +
           "digest = NULL",
       "is null"},
      {"type", "ALTER TABLE avouch_log_object ALTER COLUMN digest TYPE TEXT USING 'x'",
       "has type 25, expected 17"},
      {"no column", "ALTER TABLE avouch_log_object DROP COLUMN bytes", "SQLSTATE 42703"},
      {"no table", "DROP TABLE avouch_log_object", "SQLSTATE 42P01"},
      {"record", batch + flip("segment") + " WHERE first_index = 302", "batch of entry 302"},
      {"row's first", batch + "first_index = 301 WHERE first_index = 302", "a row is missing"},
      {"row's next", batch + "next_index = 303 WHERE first_index = 302", "a row is missing"},
      {"a batch less", "DELETE FROM avouch_log_batch WHERE first_index = 302", "a row is missing"},
      {"first batch less", "DELETE FROM avouch_log_batch WHERE first_index = 300",
       "expected from 300"},
      {"last batch less", "DELETE FROM avouch_log_batch WHERE first_index = 304",
       "committed entries 304 to below 305 are missing"},
      {"a batch twice",
       "INSERT INTO avouch_log_batch SELECT first_index + 1, next_index, epoch, segment "
       "FROM avouch_log_batch WHERE first_index = 302",
       "a row is missing or changed"},
      {"empty batch", batch + "segment = '' WHERE first_index = 302", "batch of entry 302"},
      {"huge batch",
       batch + "segment = convert_to(repeat('x', 5000000), 'UTF8') WHERE first_index = 302",
       "has 5000000 bytes, expected at most"},
      {"negative", batch + "next_index = -next_index, first_index = -1 WHERE first_index = 304",
       "are missing"},
      {"more committed", "UPDATE avouch_log_writer SET next_index = 400", "are missing"},
      {"less committed", "UPDATE avouch_log_writer SET next_index = 303", "expected from"},
      {"less than published", "UPDATE avouch_log_writer SET next_index = 12",
       "it went back in time"},
      {"negative count", "UPDATE avouch_log_writer SET next_index = -1",
       "expected a number, 0 or greater"},
      {"no writer", "DELETE FROM avouch_log_writer WHERE lane = 2", "has 1 rows, expected 2"},
      {"other lane", "UPDATE avouch_log_writer SET lane = 9 WHERE lane = 2", "has lane 9"},
      {"two writers", "UPDATE avouch_log_writer SET epoch = 7 WHERE lane = 2",
       "are of different writers"},
      {"long holder", "UPDATE avouch_log_writer SET holder = repeat('x', 100)",
       "has 100 bytes, expected at most 64"},
      {"checkpoint", "UPDATE avouch_log_checkpoint SET " + flip("note"),
       "checkpoint: its digest is not"},
      {"checkpoint with digest",
       "UPDATE avouch_log_checkpoint SET note = 'x', " + digest + "checkpoint" + behind + "'x')",
       "is not this log's by its present key"},
      {"huge checkpoint",
       "UPDATE avouch_log_checkpoint SET note = convert_to(repeat('x', 2000000), 'UTF8')",
       "checkpoint has 2000000 bytes"},
      {"no checkpoint", "DELETE FROM avouch_log_checkpoint", "the store has no checkpoint"}};
  for (const Tampering& one : all) {
    SCOPED_TRACE(one.name);
    PostgresLogEngine engine;
    {
      LogProcess process(engine);
      ASSERT_TRUE(process.open().has_value());
      ASSERT_TRUE(process.append(submissions("a", 300)).has_value());
      ASSERT_TRUE(process.publish().has_value());
      ASSERT_TRUE(process.append(submissions("b", 2)).has_value());
      ASSERT_TRUE(process.append(submissions("c", 2)).has_value());
      ASSERT_TRUE(process.append(submissions("d", 1)).has_value());
      process.die();
    }
    const auto anchored = engine.open_anchor("head").value()->read().value();
    engine.run(one.sql);
    LogProcess process(engine);
    const auto opened = process.open();
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().kind, ErrorKind::kFatal);
    EXPECT_TRUE(contains(opened.error().message, one.said)) << opened.error().message;
    process.close();
    EXPECT_EQ(engine.open_anchor("head").value()->read().value(), anchored);
  }
}

TEST_F(LogPostgresTest, ServesNoRowThatWasChanged) {
  fill();
  const auto store = engine_.open_store().value();
  for (const char* path : {"checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000",
                           "tile/entries/001.p/44"}) {
    ASSERT_TRUE(serve(*store, path).value().has_value()) << path;
  }
  engine_.run("UPDATE avouch_log_object SET " + flip("bytes") +
              " WHERE length(bytes) > 60; "
              "UPDATE avouch_log_object SET bytes = '\\x00' WHERE length(bytes) < 60; "
              "UPDATE avouch_log_checkpoint SET " +
              flip("note"));
  for (const char* path : {"checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000",
                           "tile/entries/001.p/44", "tile/entries/000.p/7"}) {
    const auto served = serve(*store, path);
    ASSERT_FALSE(served.has_value()) << path;
    EXPECT_EQ(served.error().kind, ErrorKind::kFatal);
  }
  FsckOptions options;
  const auto report = check_log(*store, *published_, options);
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->is_whole());
  EXPECT_EQ(report->damages[0].path, "tile/0/000");
}

TEST_F(LogPostgresTest, PublishesNothingOverACheckpointThatIsNotItsOwn) {
  LogProcess process(engine_);
  ASSERT_TRUE(process.open().has_value());
  ASSERT_TRUE(process.append(submissions("a", 3)).has_value());
  ASSERT_TRUE(process.publish().has_value());
  engine_.run(
      "UPDATE avouch_log_checkpoint SET note = 'x', digest = sha256(convert_to("
      "'avouch-log-object 1' || chr(10) || 'checkpoint' || chr(10), 'UTF8') || 'x')");
  ASSERT_TRUE(process.append(submissions("b", 3)).has_value());
  const auto refused = process.publish();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kFatal);
  EXPECT_TRUE(contains(refused.error().message, "holds another checkpoint"));
}

TEST_F(LogPostgresTest, CommitsNothingToADatabaseThatWentBack) {
  const auto store = engine_.open_store().value();
  ASSERT_TRUE(store->commit(std::vector{record(0), record(1)}).has_value());
  engine_.run("DELETE FROM avouch_log_batch; UPDATE avouch_log_writer SET next_index = 0");
  const auto refused = store->commit(std::vector{record(2)});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().kind, ErrorKind::kFatal);
  EXPECT_TRUE(contains(refused.error().message, "has 0 committed entries, expected 2"));
}

}  // namespace
}  // namespace avouch::tlog
