// A controller as a process on a real API server, with a witness of its log. The witness cosigns
// what it publishes; and when the volume comes back from a backup, with the head file on it,
// witness and cluster still know better: the log is read, and not written, until a person begins a
// new one.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>

#include "adapters/log_files.h"
#include "adapters/system_clock.h"
#include "integration/operator/controller_scene.h"
#include "support/sanitized.h"
#include "support/test_authority.h"
#include "support/tls_server.h"
#include "support/witness_peer.h"
#include "tlog/fsck.h"
#include "tlog/shard_name.h"

namespace avouch::testing {
namespace {

using codec::Json;

class WitnessedController : public ControllerScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ControllerScene::SetUp());
    ASSERT_NO_FATAL_FAILURE(create_account("avouch-webhook"));
    serve_witness();
    write_text(dir_ / "policy",
               "witness w " + peer_.vkey() + " " + witness_->url() + "/w/\nquorum w\n");
    write_text(dir_ / "ca.crt", authority_.pem());
    configure_witnesses();
  }
  void configure_witnesses(const std::string& more = "", const std::string& of_log = "") {
    configure(of_log + "witnesses: {policyFile: " + (dir_ / "policy") +
              ", caFile: " + (dir_ / "ca.crt") + ", every: 200ms" + more + "}");
  }

  void serve_witness() {
    const crypto::CertifiedKey issued = authority_.issue("witness.test");
    auto serve = [this](TlsConnection& connection) {
      for (std::string request = connection.read_request(); !request.empty();
           request = connection.read_request()) {
        if (!connection.write(witness_answer(request))) return;
      }
    };
    witness_ =
        std::make_unique<TlsServer>(TlsServerOptions{.certificate_pem = issued.certificate_pem,
                                                     .key_pem = issued.key_pem,
                                                     .client_ca_pem = {}},
                                    std::move(serve));
  }
  std::string witness_answer(const std::string& request) {
    if (is_away_) return http_answer(503, "");
    tlog::WitnessReply reply{404, "text/plain", ""};
    if (claims_more_) {
      if (!request.starts_with("POST ")) return http_answer(404, "");
      return http_answer(409, "999999\n", "Content-Type: text/x.tlog.size\r\n");
    }
    if (request.starts_with("POST /w/add-checkpoint ")) {
      reply = peer_.add_checkpoint(body_of(request));
    } else if (request.starts_with("GET /w/")) {
      reply = peer_.checkpoint(request.substr(7, request.find("/checkpoint ") - 7));
    }
    return http_answer(reply.status, reply.body, "Content-Type: " + reply.content_type + "\r\n");
  }

  static void run(const std::vector<std::string>& command) {
    const auto ran = run_command(command);
    ASSERT_TRUE(ran.has_value()) << ran.error().message;
  }
  std::string health(const std::string& path) const { return controller_.health(path); }
  bool is_ready() const { return controller_.is_ready(); }
  bool waits_for_witness() const {
    return eventually([&] {
      return health("/readyz").find("no quorum of witnesses says what it remembers") !=
             std::string::npos;
    });
  }
  std::string metric(const std::string& name) const { return controller_.metric(name); }
  std::string checkpoint(const std::string& prefix) const {
    const std::string answer = send("GET " + prefix + "checkpoint HTTP/1.1\r\n");
    return answer.starts_with("HTTP/1.1 200") ? body_of(answer) : "";
  }
  std::string trust(const std::string& key) const {
    const auto map = client_->get(kube::config_maps(kNamespace), "avouch-trust");
    return map.has_value() ? std::string(map->text({"data", key})) : "";
  }
  tlog::NoteVerifier log_key() const {
    std::string vkey = trust("log.vkey");
    while (vkey.ends_with('\n')) vkey.pop_back();
    return tlog::parse_vkey(vkey).value();
  }
  std::uint64_t size_of(const std::string& note) const {
    const auto parsed = tlog::parse_note_unverified(note);
    if (!parsed.has_value()) return 0;
    const auto text = tlog::parse_checkpoint_unverified(parsed->text);
    return text.has_value() ? text->size : 0;
  }
  std::string append() const {
    return send("POST /v1/log/entries HTTP/1.1\r\nContent-Type: application/json\r\n" +
                    bearer("avouch-webhook"),
                "{}");
  }
  bool has_event(const std::string& words) const {
    const auto events = client_->list({"", "v1", "events", "default"});
    if (!events.has_value()) return false;
    return std::any_of(events->items.begin(), events->items.end(), [&](const Json& event) {
      return event.text({"reason"}) == "LogReadOnly" &&
             event.text({"message"}).find(words) != std::string_view::npos;
    });
  }
  void expect_read_only(const std::string& why, std::uint64_t size) {
    EXPECT_NE(log().find("READ-ONLY: "), std::string::npos) << log();
    EXPECT_NE(log().find(why), std::string::npos) << log();
    EXPECT_TRUE(eventually([&] { return metric("avouch_log_read_only") == "1"; }));
    EXPECT_EQ(size_of(checkpoint("/log/")), size) << "it is still read";
    const std::string refused = append();
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 503")) << refused;
    EXPECT_NE(refused.find("LogReadOnly"), std::string::npos) << refused;
    EXPECT_TRUE(eventually([&] { return has_event(why); })) << log();
  }

  const TestAuthority authority_{};
  WitnessPeer peer_{"witness.test/w", adapters::SystemClock().now()};
  std::atomic<bool> is_away_ = false, claims_more_ = false;
  std::unique_ptr<TlsServer> witness_;
};

TEST_F(WitnessedController, IsCosignedAndReadOnlyAfterABackupUntilANewLogBegins) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return !trust("log.vkey").empty(); })) << log();
  EXPECT_TRUE(eventually([&] { return log().find("does not know this log") != std::string::npos; }))
      << log();
  EXPECT_EQ(checkpoint("/log/witnessed/"), "");
  EXPECT_GT(size_of(checkpoint("/log/")), 0U) << "published all the same";
  EXPECT_EQ(metric("avouch_log_witnessed_entries"), "0");

  const std::string origin = log_key().name;
  peer_.know(origin, log_key());
  ASSERT_TRUE(eventually([&] { return size_of(checkpoint("/log/witnessed/")) > 2; })) << log();
  const std::string witnessed = checkpoint("/log/witnessed/");
  const std::vector keys{log_key()};
  EXPECT_TRUE(tlog::verify_checkpoint(witnessed, keys, origin).has_value()) << witnessed;
  const auto lines = tlog::verify_cosignatures(tlog::parse_note_unverified(witnessed).value(),
                                               std::vector{peer_.key()});
  ASSERT_TRUE(lines.has_value()) << lines.error().message;
  EXPECT_EQ(lines->size(), 1U);
  EXPECT_EQ(metric("avouch_log_read_only"), "0");
  EXPECT_TRUE(eventually([&] {  // metrics follow what they show within a second or so
    const std::string when = metric("avouch_log_witness_success_timestamp_seconds{witness=\"w\"}");
    return !when.empty() && when != "0";
  }));

  // The whole volume, as a snapshot has it; then the log goes on.
  stop();
  run({"cp", "-a", dir_ / "data", dir_ / "backup"});
  Json beacon = client_->get(kube::config_maps(kNamespace), "avouch-beacon").value();
  beacon["metadata"].as_object()->erase("resourceVersion");
  beacon["metadata"].as_object()->erase("uid");
  ASSERT_NO_FATAL_FAILURE(start());
  const std::uint64_t backed_up = size_of(read_text(dir_ / "backup/log/public/checkpoint"));
  ASSERT_TRUE(eventually([&] { return size_of(checkpoint("/log/witnessed/")) > backed_up + 2; }))
      << log();
  stop();
  run({"rm", "-r", dir_ / "data"});
  run({"cp", "-a", dir_ / "backup", dir_ / "data"});

  // The cluster remembers, though the witness is away.
  is_away_ = true;
  ASSERT_NO_FATAL_FAILURE(start());
  expect_read_only("ConfigMap avouch-system/avouch-beacon: knows", backed_up);
  stop();

  // The witness remembers, though the cluster was restored too.
  ASSERT_TRUE(client_->remove(kube::config_maps(kNamespace), "avouch-beacon").has_value());
  is_away_ = false;
  ASSERT_NO_FATAL_FAILURE(start());
  expect_read_only("witness w: knows", backed_up);

  // Nobody can be asked: nothing is signed until the witness has answered.
  stop();
  is_away_ = true;
  launch();
  EXPECT_TRUE(waits_for_witness()) << health("/readyz");
  is_away_ = false;
  ASSERT_TRUE(eventually([&] { return is_ready(); })) << log();
  expect_read_only("witness w: knows", backed_up);
  stop();

  // Another volume: it begins no second log of that name either.
  const std::vector<const char*> files{"log", "log-head", "log-witnessed"};
  is_away_ = true;
  for (const char* name : files)
    run({"mv", dir_ / "data/" + name, dir_ / "data/" + name + ".kept"});
  launch();
  EXPECT_TRUE(waits_for_witness()) << health("/readyz");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "data/log/public/checkpoint"));
  stop();
  run({"rm", "-rf", dir_ / "data/log", dir_ / "data/log-head", dir_ / "data/log-witnessed"});
  for (const char* name : files)
    run({"mv", dir_ / "data/" + name + ".kept", dir_ / "data/" + name});

  // Where it is told to, it waits though the cluster remembers the log.
  ASSERT_TRUE(client_->create(kube::config_maps(kNamespace), beacon).has_value());
  configure_witnesses(", requireAtStart: true");
  launch();
  EXPECT_TRUE(waits_for_witness()) << health("/readyz");
  stop();
  configure_witnesses();

  // The cluster went back to the same moment as the volume, and the witness is away: its first
  // answer stops the log.
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(metric("avouch_log_read_only"), "0");
  is_away_ = false;
  ASSERT_TRUE(eventually([&] { return metric("avouch_log_read_only") == "1"; })) << log();
  EXPECT_NE(log().find("ALARM: witness w: "), std::string::npos) << log();
  EXPECT_TRUE(eventually([&] { return metric("avouch_log_witness_alarm{witness=\"w\"}") == "1"; }));
  stop();

  // docs/operations.md, "A log that is read-only": the old log stays what it was, a new one begins.
  for (const char* name : {"log", "log-head", "log-witnessed"}) {
    run({"mv", dir_ / "data/" + name, dir_ / "data/" + name + ".old"});
  }
  const auto patched =
      server_->kubectl({"-n", kNamespace, "patch", "secret", "avouch-keys", "--type=merge", "-p",
                        R"({"stringData":{"log.origin":"log.test/second"}})"});
  ASSERT_TRUE(patched.has_value()) << patched.error().message;
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return size_of(checkpoint("/log/")) > 4; })) << log();
  EXPECT_EQ(metric("avouch_log_read_only"), "0");
  EXPECT_TRUE(eventually([&] { return trust("log.origin") == "log.test/second"; })) << log();
  peer_.know("log.test/second", log_key());
  EXPECT_TRUE(eventually([&] { return size_of(checkpoint("/log/witnessed/")) > 4; })) << log();
  stop();

  const auto old_log = adapters::open_log_directory(dir_ / "data/log.old");
  ASSERT_TRUE(old_log.has_value()) << old_log.error().message;
  const auto note =
      tlog::verify_checkpoint(read_text(dir_ / "data/log.old/public/checkpoint"), keys, origin);
  ASSERT_TRUE(note.has_value()) << note.error().message;
  EXPECT_TRUE(tlog::check_log(**old_log, *note, {})->is_whole());
}

// Whoever answers in its name can say so: the cluster remembers the log, and it is served.
TEST_F(WitnessedController, StartsThoughItsWitnessClaimsMoreAndShowsNothing) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] {
    return client_->get(kube::config_maps(kNamespace), "avouch-beacon").has_value();
  })) << log();
  stop();
  claims_more_ = true;
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_NE(log().find("w: says that it has cosigned this log at size 999999"), std::string::npos)
      << log();
  // Said twice more to the log that runs, it is an alarm.
  EXPECT_TRUE(eventually([&] { return metric("avouch_log_witness_alarm{witness=\"w\"}") == "1"; }));
  EXPECT_TRUE(eventually([&] { return metric("avouch_log_read_only") == "1"; })) << log();
  EXPECT_GT(size_of(checkpoint("/log/")), 2U);
}

// docs/operations.md: a start waits for them, and a change of shard in the process does not. A
// month ends some seconds after the start.
TEST_F(WitnessedController, ChangesTheShardWhileItsWitnessIsAway) {
  if (kSanitized) return;  // a sanitizer's library must be the first that is loaded
  using std::chrono::milliseconds;
  const auto now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  const std::chrono::year_month_day today(std::chrono::floor<std::chrono::days>(now));
  const auto month = today.year() / today.month() + std::chrono::months(1);
  const SystemTime ends{std::chrono::sys_days(month / 1)};
  const auto ahead = ends - now - milliseconds(20'000);
  const auto published = [&](SystemTime time) {
    const std::string file =
        dir_ / "data/log-" + tlog::label_at(tlog::ShardPeriod::kMonth, time) + "/public/checkpoint";
    return std::filesystem::exists(file) ? size_of(read_text(file)) : 0;
  };
  configure_witnesses(", requireAtStart: true", "shards: month, ");
  const auto launch_ahead = [&] {
    controller_.launch(kubeconfig_, {std::string("LD_PRELOAD=") + AVOUCH_TEST_CLOCK,
                                     "AVOUCH_CLOCK_AHEAD=" + std::to_string(ahead.count())});
  };
  launch_ahead();
  ASSERT_TRUE(eventually([&] { return published(now) > 2; })) << log();
  is_away_ = true;
  ASSERT_EQ(published(ends), 0U) << "the machine was too slow for this test";
  ASSERT_TRUE(eventually([&] { return published(ends) > 4 && is_ready(); })) << log();
  EXPECT_NE(log().find("its period is over"), std::string::npos);
  EXPECT_NE(log().find("no quorum of witnesses says what it remembers"), std::string::npos);
  EXPECT_EQ(log().find("READ-ONLY"), std::string::npos) << log();
  stop();

  launch_ahead();
  EXPECT_TRUE(waits_for_witness()) << health("/readyz");
  stop();
}

// docs/operations.md, "Lost keys".
TEST_F(WitnessedController, MakesNoNewKeysForALogThatIsThere) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return !trust("log.vkey").empty(); })) << log();
  const std::string vkey = trust("log.vkey");
  const kube::ResourcePath secrets = kube::secrets(kNamespace);
  Json keys = client_->get(secrets, "avouch-keys").value();
  keys["metadata"].as_object()->erase("resourceVersion");
  keys["metadata"].as_object()->erase("uid");
  const auto lose_keys = [&] {
    stop();
    ASSERT_TRUE(client_->remove(secrets, "avouch-keys").has_value());
    launch();
  };
  const auto expect_refusal = [&](const std::string& place) {
    const std::string why =
        "waits for release keys: Secret avouch-system/avouch-keys is not there, and the log " +
        place + " was signed";
    EXPECT_TRUE(eventually([&] { return health("/readyz").find(why) != std::string::npos; }))
        << health("/readyz");
    EXPECT_TRUE(health("/healthz").starts_with("HTTP/1.1 200")) << "nothing ends it meanwhile";
    const auto found = client_->get(secrets, "avouch-keys");
    EXPECT_TRUE(!found.has_value() && found.error().is_not_found());
  };

  lose_keys();
  expect_refusal("in " + (dir_ / "data/log"));
  ASSERT_TRUE(client_->create(secrets, keys).has_value());
  ASSERT_TRUE(eventually([&] { return is_ready(); })) << log();
  EXPECT_EQ(metric("avouch_log_read_only"), "0");
  EXPECT_EQ(trust("log.vkey"), vkey);

  // There is no backup: the old log is kept, and a new one begun, while the controller waits.
  lose_keys();
  expect_refusal("in " + (dir_ / "data/log"));
  run({"mv", dir_ / "data/log", dir_ / "data/log.ended"});
  expect_refusal("that head file " + (dir_ / "data/log-head") + " remembers");
  run({"mv", dir_ / "data/log-head", dir_ / "data/log-head.ended"});
  ASSERT_TRUE(eventually([&] { return is_ready(); })) << log();
  EXPECT_EQ(metric("avouch_log_read_only"), "0");
  EXPECT_TRUE(eventually([&] { return trust("log.vkey") != vkey; })) << log();
  EXPECT_GT(size_of(checkpoint("/log/")), 0U);
}

}  // namespace
}  // namespace avouch::testing
