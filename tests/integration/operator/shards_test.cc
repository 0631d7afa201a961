// A controller as a process on a real API server, whose log is kept in shards: logs follow one
// another over restarts, and while it runs, and whoever has one finds the next.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "integration/operator/controller_scene.h"
#include "integration/operator/log_user.h"
#include "support/postgres_server.h"
#include "support/sanitized.h"
#include "tlog/recovery.h"
#include "tlog/shard.h"
#include "tlog/shard_name.h"

namespace avouch::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using tlog::ShardPeriod;

class LogInShards : public ControllerScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ControllerScene::SetUp());
    ASSERT_NO_FATAL_FAILURE(create_account("reader"));
  }
  // The same port after each start, so that a controller that begins anew is found again.
  void configure_shards(const std::string& of_log) {
    configure(of_log);
    std::string text = read_text(controller_.file("config.yaml"));
    const std::string any = "listen: 127.0.0.1:0\nhealth";
    const std::size_t at = text.find(any);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, any.size(), "listen: 127.0.0.1:" + std::to_string(port_) + "\nhealth");
    write_text(controller_.file("config.yaml"), text);
  }
  LogUser user() const { return {controller_, *client_}; }
  inspect::TrustAnchors anchors() const { return user().anchors(); }
  std::vector<inspect::UnverifiedShard> shards() const {
    ControllerProxy proxy(controller_);
    inspect::LogAccess access(proxy, controller_.release(), "");
    const auto listed = access.shards();
    return listed.has_value() ? *listed : std::vector<inspect::UnverifiedShard>();
  }
  std::vector<std::string> labels() const {
    std::vector<std::string> out;
    const auto trust = user().read_anchors();  // nothing while they are not there
    if (!trust.has_value()) return out;
    for (const auto& shard : shards()) {
      out.push_back(tlog::label_of(trust->origin, shard.origin).value_or("?"));
    }
    return out;
  }
  // Of the newest log, by the chain's key; 0 while that is not published.
  std::uint64_t newest_size() const {
    const auto all = shards();
    const auto chain = user().read_anchors();
    if (all.empty() || !chain.has_value()) return 0;
    ControllerTiles tiles(controller_.address(), all.back().prefix);
    const auto trust = inspect::anchors_for(*chain, all.back().origin);
    if (!trust.has_value()) return 0;
    const auto at = tlog::fetch_checkpoint(tiles, trust->log_keys, trust->origin);
    return at.has_value() ? at->size() : 0;
  }
  // As `kubectl avouch log shards` proves it.
  void expect_chain() const {
    ControllerProxy proxy(controller_);
    inspect::LogAccess access(proxy, controller_.release(), token({kNamespace, "reader"}));
    const auto all = shards();
    ASSERT_FALSE(all.empty());
    access.select(all.back());
    const inspect::TrustAnchors newest = *inspect::anchors_for(anchors(), all.back().origin);
    adapters::SystemClock clock;
    inspect::Verifier verifier(*client_, access, newest, clock, [](const std::string&) {});
    verifier.look_in(all);
    const auto proof = verifier.chain("");
    ASSERT_TRUE(proof.has_value()) << proof.error().message;
    EXPECT_TRUE(inspect::all_hold(*proof)) << inspect::render_text(*proof);
    EXPECT_EQ(proof->parts.size(), all.size());
  }
  std::string beacon() const {
    const auto map = client_->get(kube::config_maps(kNamespace), "avouch-beacon");
    return map.has_value() ? std::string(map->text({"data", "checkpoint"})) : "";
  }

  const int port_ = free_port();
};

using Labels = std::vector<std::string>;

TEST_F(LogInShards, FollowOneAnotherOverRestarts) {
  configure_shards("");
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return newest_size() > 3; })) << log();
  EXPECT_EQ(labels(), Labels{""});
  const std::string origin = anchors().origin;
  ASSERT_NO_FATAL_FAILURE(stop());

  // Switched on: the log that was there is closed, and read as before.
  configure_shards("shards: year");
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string label =
      tlog::label_at(ShardPeriod::kYear,
                     std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now()));
  EXPECT_EQ(labels(), (Labels{"", label}));
  ASSERT_TRUE(eventually([&] { return newest_size() > 3; })) << log();
  ASSERT_NO_FATAL_FAILURE(expect_chain());
  ControllerTiles old = user().tiles();
  const auto ended = user().checkpoint();
  const auto links = tlog::load_shard_links(old, ended);
  ASSERT_TRUE(links.has_value()) << links.error().message;
  EXPECT_EQ(links->end->next, origin + "/" + label);
  EXPECT_TRUE(eventually([&] { return beacon().starts_with(origin + "/" + label + "\n"); }));
  EXPECT_EQ(anchors().origin, origin) << "tokens are the chain's";
  EXPECT_THAT(send("GET /log/" + label + "/shard HTTP/1.1\r\n"), HasSubstr(R"("index":0)"));
  EXPECT_THAT(send("GET /log/2001/checkpoint HTTP/1.1\r\n"), HasSubstr(" 404 "));

  // Started again it goes on; switched off it stays with what is there.
  for (const char* again : {"shards: year", "shards: none"}) {
    ASSERT_NO_FATAL_FAILURE(stop());
    configure_shards(again);
    const std::uint64_t before = 3;
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_TRUE(eventually([&] { return newest_size() > before; })) << log();
    EXPECT_EQ(labels(), (Labels{"", label}));
    EXPECT_EQ(user().checkpoint().size(), ended.size());
  }
  ASSERT_NO_FATAL_FAILURE(expect_chain());

  // One that no key of the chain has signed is opened once a minute, however often anybody asks.
  ASSERT_NO_FATAL_FAILURE(stop());
  const auto stranger =
      tlog::NoteSigner::make(origin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519));
  const auto theirs =
      tlog::sign_checkpoint(origin, ended.size(), ended.root(), std::span(&*stranger, 1));
  const std::string path = dir_ / "data/log/public/checkpoint", ours = read_text(path);
  write_text(path, theirs->note());
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_THAT(send("GET /log/checkpoint HTTP/1.1\r\n"), HasSubstr(" 404 "));
  EXPECT_THAT(log(), HasSubstr("log " + origin + " is not served: "));
  EXPECT_THAT(log(), HasSubstr("former key"));
  write_text(path, ours);
  EXPECT_THAT(send("GET /log/checkpoint HTTP/1.1\r\n"), HasSubstr(" 404 ")) << "as it was";
}

TEST_F(LogInShards, FollowOneAnotherInADatabase) {
  PostgresServer& database = PostgresServer::shared();
  const std::string schema = database.new_schema();
  const std::string file = dir_ / "connection";
  write_text(file, database.connection(schema));
  const std::string engine = "engine: postgres, connectionFile: " + file;
  configure_shards(engine);
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return newest_size() > 3; })) << log();
  ASSERT_NO_FATAL_FAILURE(stop());
  configure_shards(engine + ", shards: year");
  for (int again = 0; again < 2; ++again) {
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_TRUE(eventually([&] { return newest_size() > 3; })) << log();
    EXPECT_EQ(labels().size(), 2U);
    ASSERT_NO_FATAL_FAILURE(expect_chain());
    ASSERT_NO_FATAL_FAILURE(stop());
  }
  EXPECT_FALSE(std::filesystem::exists(controller_.data() + "/log"));
  EXPECT_EQ(database.sql().run(
                "SELECT count(*) FROM " + schema + "_" +
                tlog::label_at(ShardPeriod::kYear, std::chrono::time_point_cast<milliseconds>(
                                                       std::chrono::system_clock::now())) +
                ".avouch_log_checkpoint"),
            "1");
}

// The newest shard is lost with its head file; the cluster remembers it.
TEST_F(LogInShards, AreReadOnlyWhereOneThatTheClusterRemembersIsLost) {
  configure_shards("shards: quarter");
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return newest_size() > 3 && !beacon().empty(); })) << log();
  const std::string label = labels().back();
  ASSERT_NO_FATAL_FAILURE(stop());
  std::filesystem::remove_all(controller_.data() + "/log-" + label);
  std::filesystem::remove(controller_.data() + "/log-head-" + label);
  launch();
  ASSERT_TRUE(eventually([&] { return log().find("READ-ONLY") != std::string::npos; })) << log();
}

// A month ends twelve seconds after the start.
TEST_F(LogInShards, FollowOneAnotherWhileTheControllerRuns) {
  if (kSanitized) return;  // a sanitizer's library must be the first that is loaded
  const auto now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  const auto month = today.year() / today.month() + std::chrono::months(1);
  const SystemTime ends{std::chrono::sys_days(month / 1)};
  const auto ahead = ends - now - milliseconds(12'000);
  const Labels first{tlog::label_at(ShardPeriod::kMonth, now)};
  const Labels both{first.front(), tlog::label_at(ShardPeriod::kMonth, ends)};

  configure_shards("shards: month");
  controller_.launch(kubeconfig_, {std::string("LD_PRELOAD=") + AVOUCH_TEST_CLOCK,
                                   "AVOUCH_CLOCK_AHEAD=" + std::to_string(ahead.count())});
  ASSERT_TRUE(eventually([&] { return labels() == first; })) << log();
  const pid_t process = controller_.pid();
  ASSERT_TRUE(eventually([&] { return labels() == both && newest_size() > 4; })) << log();
  EXPECT_EQ(controller_.pid(), process);
  EXPECT_TRUE(eventually([&] { return controller_.is_ready(); })) << controller_.health("/readyz");
  ASSERT_NO_FATAL_FAILURE(expect_chain());
  EXPECT_TRUE(eventually([&] { return beacon().find("/" + both.back() + "\n") < 200; }));
  EXPECT_THAT(controller_.health("/metrics"), HasSubstr("avouch_policies"));
  EXPECT_THAT(log(), HasSubstr("its period is over"));
  EXPECT_THAT(log(), ::testing::Not(HasSubstr("waits for the leadership")));
  ASSERT_NO_FATAL_FAILURE(stop());
}

}  // namespace
}  // namespace avouch::testing
