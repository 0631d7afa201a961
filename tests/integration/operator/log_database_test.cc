// Controllers as processes on a real API server, with their log in a real PostgreSQL server: it
// goes on through restarts and while the database is away, and whoever led before writes nothing.

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <memory>

#include "adapters/log_postgres.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "integration/operator/controller_scene.h"
#include "support/postgres_server.h"
#include "tlog/fsck.h"
#include "tlog/note.h"

namespace avouch::testing {
namespace {

// A denial as a webhook reports it.
std::string denial(const std::string& id) {
  using codec::Cbor;
  Cbor::Map map;
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"id", id},
                                    {"decision", "deny"},
                                    {"operation", "pods"},
                                    {"namespace", "shop"},
                                    {"pod", "web-0"}}) {
    map.emplace_back(Cbor::text(name), Cbor::text(value));
  }
  map.emplace_back(Cbor::text("time"),
                   Cbor::integer(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count()));
  const Bytes payload = codec::to_cbor(Cbor::map(std::move(map)));
  return R"({"entries":[{"id":")" + id + R"(","payload":")" + codec::to_base64(payload) + "\"}]}";
}

class LogInADatabase : public ApiScene {
 protected:
  struct Controller {
    ChildProcess process;
    std::string log_file;
    std::string log() const { return read_text(log_file); }
    std::string health(const std::string& path) const {
      return get(serving_address(log(), "health"), path);
    }
    bool is_ready() const { return health("/readyz").starts_with("HTTP/1.1 200"); }
    std::string metric(const std::string& name) const {
      const std::string text = health("/metrics");
      const std::size_t begin = text.find("\n" + name + " ");
      if (begin == std::string::npos) return "";
      const std::size_t value = begin + name.size() + 2;
      return text.substr(value, text.find('\n', value) - value);
    }
  };

  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ApiScene::SetUp());
    ASSERT_NO_FATAL_FAILURE(create_namespace(kNamespace));
    ASSERT_NO_FATAL_FAILURE(create_account("avouch-webhook"));
    ASSERT_TRUE(run_command({"mkdir", "-m", "0700", dir_ / "data"}).has_value());
  }

  // Each names itself to the database, which so tells who wrote.
  std::string connection_of(const std::string& name) const {
    return PostgresServer::shared().connection(schema_) + " application_name=" + name;
  }
  Controller start(const std::string& name) {
    write_text(dir_ / (name + ".connection"), connection_of(name) + "\n");
    return start_with(name, dir_ / (name + ".connection"));
  }
  // The Lease is a long one: a busy machine may keep a renewal waiting for seconds.
  Controller start_with(const std::string& name, const std::string& connection_file) {
    write_text(
        dir_ / (name + ".yaml"),
        "release: {name: avouch, namespace: avouch-system}\nlisten: 127.0.0.1:0\n"
        "health: 127.0.0.1:0\ndataDir: " +
            (dir_ / "data") +
            "\nlog: {cadence: 1s, engine: postgres, connectionFile: " + connection_file +
            "}\n"
            "leaderElection: {leaseDuration: 20s, renewDeadline: 15s, retryPeriod: 500ms}\n");
    const std::string log_file = dir_ / ("log" + std::to_string(++starts_));
    auto process = ChildProcess::start(
        {"/usr/bin/env", "POD_NAME=" + name, "POD_UID=uid" + std::to_string(starts_),
         AVOUCH_OPERATOR, "--config", dir_ / (name + ".yaml"), "--kubeconfig", kubeconfig_},
        log_file);
    return {std::move(process).value(), log_file};
  }
  static void expect_end(Controller& controller) {
    controller.process.signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return !controller.process.running(); })) << controller.log();
    EXPECT_NE(controller.log().find("message=\"done\""), std::string::npos) << controller.log();
  }

  std::string append(const Controller& to, const std::string& id) const {
    return ask(serving_address(to.log(), "server"),
               "POST /v1/log/entries HTTP/1.1\r\nContent-Type: application/json\r\n" +
                   bearer({kNamespace, "avouch-webhook"}),
               denial(id));
  }
  // What the log says about the entry, its index: the same whenever it is handed in. "" where it is
  // not taken.
  std::string place(const Controller& in, const std::string& id) const {
    const std::string answer = append(in, id);
    return answer.starts_with("HTTP/1.1 200") ? body_of(answer) : "";
  }
  static std::string tiles(const Controller& of, const std::string& path) {
    return ask(serving_address(of.log(), "server"), "GET /log/" + path + " HTTP/1.1\r\n");
  }
  static std::uint64_t size_of(const Controller& controller) {
    const std::string answer = tiles(controller, "checkpoint");
    const auto note = tlog::parse_note_unverified(body_of(answer));
    if (!answer.starts_with("HTTP/1.1 200") || !note.has_value()) return 0;
    const auto text = tlog::parse_checkpoint_unverified(note->text);
    return text.has_value() ? text->size : 0;
  }
  std::string trust(const std::string& key) const {
    const auto map = client_->get(kube::config_maps(kNamespace), "avouch-trust");
    std::string text = map.has_value() ? std::string(map->text({"data", key})) : "";
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }
  // All that lies in the database, with whoever may still write there.
  void expect_whole() const {
    const auto reader =
        adapters::open_log_postgres_reader({.connection = connection_of("reader")}).value();
    const auto note = reader->fetch("checkpoint").value();
    ASSERT_TRUE(note.has_value());
    const auto checkpoint = tlog::verify_checkpoint(
        as_text(*note), std::vector{tlog::parse_vkey(trust("log.vkey")).value()},
        trust("log.origin"));
    ASSERT_TRUE(checkpoint.has_value()) << checkpoint.error().message;
    EXPECT_GT(checkpoint->size(), 2U);
    EXPECT_TRUE(tlog::check_log(*reader, *checkpoint, {})->is_whole());
  }
  std::string sql(const std::string& statements) const {
    return PostgresServer::shared().sql().run("SET search_path = " + schema_ + "; " + statements);
  }
  // From now on each row that is written leaves a row that says by whom.
  void watch_writers() const {
    sql("CREATE TABLE wrote (who TEXT); CREATE FUNCTION tell() RETURNS trigger AS "
        "'BEGIN INSERT INTO " +
        schema_ +
        ".wrote VALUES (current_setting(''application_name'')); RETURN NULL; END' LANGUAGE "
        "plpgsql");
    for (const char* table : {"writer", "batch", "object", "checkpoint"}) {
      sql(std::string("CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON avouch_log_") +
          table + " FOR EACH ROW EXECUTE FUNCTION tell()");
    }
  }
  int rows_by(const std::string& who) const {
    return std::stoi(sql("SELECT count(*) FROM wrote WHERE who = '" + who + "'"));
  }

  const std::string schema_ = PostgresServer::shared().new_schema();
  int starts_ = 0;
};

TEST_F(LogInADatabase, GoesOnAfterRestartsAndAfterTheDatabaseWasAway) {
  Controller controller = start("c");
  ASSERT_TRUE(eventually([&] { return controller.is_ready(); })) << controller.log();
  const std::string a = place(controller, "a");
  ASSERT_NE(a, "") << append(controller, "a");
  const std::uint64_t early = size_of(controller);
  ASSERT_TRUE(eventually([&] { return size_of(controller) > early + 1; })) << controller.log();
  EXPECT_FALSE(std::filesystem::exists(dir_ / "data/log"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "data/log-head"));

  const std::uint64_t before = size_of(controller);
  controller.process.kill();
  controller = start("c");
  ASSERT_TRUE(eventually([&] { return controller.is_ready(); })) << controller.log();
  EXPECT_GE(size_of(controller), before);
  EXPECT_EQ(place(controller, "a"), a);

  PostgresServer::shared().crash();
  std::string refused;
  ASSERT_TRUE(eventually([&] {
    refused = append(controller, "b");
    return refused.starts_with("HTTP/1.1 503");
  })) << refused;
  EXPECT_NE(refused.find("database: "), std::string::npos) << refused;
  std::string readiness;
  ASSERT_TRUE(eventually([&] {
    readiness = controller.health("/readyz");
    return readiness.find("log-database") != std::string::npos;
  })) << readiness;
  EXPECT_NE(readiness.find("the log takes no entries: database: "), std::string::npos) << readiness;
  EXPECT_NE(readiness.find("It goes on by itself"), std::string::npos) << readiness;
  EXPECT_TRUE(controller.health("/healthz").starts_with("HTTP/1.1 200"));
  const std::string unread = tiles(controller, "checkpoint");
  EXPECT_TRUE(unread.starts_with("HTTP/1.1 503")) << unread;
  EXPECT_EQ(unread.find("postgres"), std::string::npos) << "anybody may ask: " << unread;
  PostgresServer::shared().restart();
  std::string b;
  ASSERT_TRUE(eventually([&] {
    // Lost in the middle of a COMMIT, it ends, and the kubelet starts it again.
    if (!controller.process.running()) controller = start("c");
    b = place(controller, "b");
    return !b.empty();
  })) << controller.log();
  EXPECT_NE(b, a);
  ASSERT_TRUE(eventually([&] { return controller.is_ready(); })) << controller.health("/readyz");

  // The database takes entries and no checkpoint: who is told to end waits for neither.
  {
    Sql other(connection_of("other"));
    other.run("BEGIN; SELECT 1 FROM avouch_log_writer WHERE lane = 2 FOR UPDATE");
    ASSERT_TRUE(eventually([&] {
      return controller.health("/readyz").find("statement timeout") != std::string::npos;
    })) << controller.health("/readyz");
    expect_end(controller);
  }

  // Nor does it need the database to start: it waits for it.
  PostgresServer::shared().crash();
  controller = start("c");
  ASSERT_TRUE(eventually([&] {
    return controller.health("/readyz").find("waits for log: database: no connection") !=
           std::string::npos;
  })) << controller.log();
  EXPECT_TRUE(controller.health("/healthz").starts_with("HTTP/1.1 200"));
  PostgresServer::shared().restart();
  ASSERT_TRUE(eventually([&] { return controller.is_ready(); })) << controller.log();
  EXPECT_EQ(place(controller, "a"), a);
  EXPECT_EQ(place(controller, "b"), b);
  expect_end(controller);
  EXPECT_EQ(sql("SELECT min(closed) FROM avouch_log_writer"), "1");
  expect_whole();

  // The head file belongs to the log, wherever that lies.
  std::filesystem::remove(dir_ / "data/log-head");
  controller = start("c");
  ASSERT_TRUE(eventually([&] { return controller.is_ready(); })) << controller.log();
  EXPECT_EQ(controller.metric("avouch_log_read_only"), "1") << controller.log();
  EXPECT_NE(append(controller, "c").find("LogReadOnly"), std::string::npos);
  EXPECT_GT(size_of(controller), early) << "it is still read";
  expect_end(controller);
}

TEST_F(LogInADatabase, IsNotContinuedUnderNewKeys) {
  Controller controller = start("c");
  ASSERT_TRUE(eventually([&] { return controller.is_ready(); })) << controller.log();
  expect_end(controller);
  const kube::ResourcePath secrets = kube::secrets(kNamespace);
  ASSERT_TRUE(client_->remove(secrets, "avouch-keys").has_value());
  controller = start("c");
  const std::string why =
      "Secret avouch-system/avouch-keys is not there, and the log in the "
      "database of " +
      (dir_ / "c.connection") + " was signed";
  EXPECT_TRUE(eventually([&] {
    return controller.health("/readyz").find(why) != std::string::npos;
  })) << controller.log();
  const auto found = client_->get(secrets, "avouch-keys");
  EXPECT_TRUE(!found.has_value() && found.error().is_not_found());
  controller.process.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !controller.process.running(); })) << controller.log();
}

TEST_F(LogInADatabase, WhoeverLedBeforeWritesNothing) {
  Controller first = start("first");
  ASSERT_TRUE(eventually([&] { return first.is_ready(); })) << first.log();
  watch_writers();
  const std::string a = place(first, "a");
  ASSERT_NE(a, "");
  ASSERT_TRUE(eventually([&] { return rows_by("first") > 0; }));
  Controller second = start("second");

  // Stopped: the second leads and has the log, and waits for the head file alone.
  first.process.signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] {
    return second.log().find("there can be one writer only") != std::string::npos;
  })) << second.log();
  EXPECT_EQ(sql("SELECT min(epoch) FROM avouch_log_writer"), "2");
  const int by_first = rows_by("first");
  first.process.signal(SIGCONT);
  ASSERT_TRUE(eventually([&] { return !first.process.running(); })) << first.log();
  ASSERT_TRUE(eventually([&] { return second.is_ready(); })) << second.log();
  EXPECT_EQ(place(second, "a"), a);
  const std::uint64_t early = size_of(second);
  ASSERT_TRUE(eventually([&] { return size_of(second) > early + 1; })) << second.log();
  EXPECT_EQ(rows_by("first"), by_first);

  // Stopped, and replaced before its Lease has run out: the database alone keeps it out.
  second.process.signal(SIGSTOP);
  std::unique_ptr<tlog::Store> taken;
  ASSERT_TRUE(eventually([&] {
    auto opened = adapters::open_log_postgres({.database = {.connection = connection_of("third")}});
    if (opened.has_value()) taken = *std::move(opened);
    return taken != nullptr;
  }));
  const int by_second = rows_by("second");
  second.process.signal(SIGCONT);
  ASSERT_TRUE(eventually([&] { return !second.process.running(); })) << second.log();
  EXPECT_EQ(rows_by("second"), by_second);

  Controller fourth = start("fourth");
  ASSERT_TRUE(eventually([&] { return fourth.is_ready(); })) << fourth.log();
  EXPECT_EQ(place(fourth, "a"), a);
  const auto late = taken->publish("late", 0);
  ASSERT_FALSE(late.has_value());
  EXPECT_NE(late.error().message.find("another writer has taken over"), std::string::npos);
  expect_end(fourth);
  expect_whole();
}

TEST_F(LogInADatabase, EndsAtOnceWhereTheConnectionStringIsNoUse) {
  struct Case {
    std::string name, said;
  };
  const std::string secret = "s3cret";
  write_text(dir_ / "empty", "\n");
  write_text(dir_ / "malformed", "host=db password=" + secret + " nonsense");
  write_text(dir_ / "long", std::string(5000, 'x'));
  write_text(dir_ / "huge", std::string(20'000, 'x'));
  ASSERT_TRUE(run_command({"mkdir", dir_ / "folder"}).has_value());
  ASSERT_TRUE(run_command({"mkfifo", dir_ / "pipe"}).has_value());
  for (const Case& one : std::vector<Case>{{"none", "there is none; expected a file with"},
                                           {"empty", "is empty; expected a file with"},
                                           {"folder", "is no regular file"},
                                           {"pipe", "is no regular file"},
                                           {"huge", "more than 16384 bytes"},
                                           {"long", "the connection string cannot be read"},
                                           {"malformed", "the connection string cannot be read"}}) {
    SCOPED_TRACE(one.name);
    Controller controller = start_with("c", dir_ / one.name);
    ASSERT_TRUE(eventually([&] { return !controller.process.running(); })) << controller.log();
    const std::string log = controller.log();
    EXPECT_NE(log.find("cannot start"), std::string::npos) << log;
    EXPECT_NE(log.find(one.said), std::string::npos) << log;
    EXPECT_NE(log.find(dir_ / one.name), std::string::npos) << log;
    EXPECT_EQ(log.find(secret), std::string::npos) << log;
  }
}

}  // namespace
}  // namespace avouch::testing
