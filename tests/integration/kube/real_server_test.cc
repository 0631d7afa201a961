// What only a real server, real credentials and real signals can show.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>

#include "adapters/rest_transport.h"
#include "adapters/system_clock.h"
#include "crypto/random.h"
#include "integration/kube/shared_apiserver.h"
#include "kube/informer.h"
#include "kube/lease.h"

namespace avouch::kube {
namespace {

using adapters::RestOptions;
using adapters::RestTransport;
using adapters::SystemClock;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::shared_apiserver;

std::unique_ptr<RestTransport> connect(const std::string& kubeconfig) {
  return RestTransport::create(adapters::kubeconfig_options(kubeconfig).value()).value();
}

std::unique_ptr<RestTransport> connect_as_admin() {
  return connect(shared_apiserver().write_kubeconfig(shared_apiserver().admin()));
}

// Looks until `holds`, at most `limit`.
template <typename Holds>
bool eventually(Holds holds, seconds limit = seconds(60)) {
  const auto deadline = steady_clock::now() + limit;
  while (!holds()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return true;
}

Json config_map(const std::string& name) {
  Json object;
  object["apiVersion"] = "v1";
  object["kind"] = "ConfigMap";
  object["metadata"]["name"] = name;
  return object;
}

TEST(MutualTls, MakesTheCertificateNameTheUser) {
  const auto admin = connect_as_admin();
  EXPECT_TRUE(Client(*admin).list(nodes()).has_value());

  const auto files = shared_apiserver().issue("carol", {"nobodies"});
  ASSERT_TRUE(files.has_value()) << files.error().message;
  const auto carol = connect(shared_apiserver().write_kubeconfig(*files));
  const auto refused = Client(*carol).list(nodes());
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is_forbidden());
  EXPECT_NE(refused.error().message.find("carol"), std::string::npos) << refused.error().message;
}

RestOptions with_token_file(const std::string& file) {
  RestOptions options;
  options.base_url = shared_apiserver().url();
  options.ca_pem = testing::read_text(shared_apiserver().ca_file());
  options.token_file = file;
  return options;
}

TEST(TokenFile, IsFollowedWhileItRotates) {
  const testing::TempDir dir;
  testing::write_text(dir / "token", "alpha-token");
  const auto transport = RestTransport::create(with_token_file(dir / "token")).value();
  const Client client(*transport);
  EXPECT_TRUE(client.list(nodes()).has_value());

  testing::write_text(dir / "token", "beta-token\n");
  EXPECT_TRUE(eventually([&] {
    const auto answer = client.list(nodes());
    return !answer.has_value() && answer.error().is_forbidden() &&
           answer.error().message.find("bob") != std::string::npos;
  }));

  testing::write_text(dir / "token", "unknown-token");
  EXPECT_TRUE(eventually([&] {
    const auto answer = client.list(nodes());
    return !answer.has_value() && answer.error().is_unauthorized() &&
           answer.error().kind == ErrorKind::kRetryable;
  }));

  testing::write_text(dir / "token", "alpha-token");
  EXPECT_TRUE(eventually([&] { return client.list(nodes()).has_value(); }));
}

TEST(Transport, KnowsNoOtherServerByTheSameAddress) {
  auto other_ca = testing::run_command({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other",
                                        "-keyout", shared_apiserver().folder() + "/other.key",
                                        "-out", shared_apiserver().folder() + "/other.crt"});
  ASSERT_TRUE(other_ca.has_value());
  RestOptions options = with_token_file("");
  options.token = "alpha-token";
  options.ca_pem = testing::read_text(shared_apiserver().folder() + "/other.crt");
  const auto transport = RestTransport::create(options).value();
  const auto answer = Client(*transport).list(nodes());
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().code, 0);
}

class RunningInformer {
 public:
  RunningInformer(const Client& client, InformerOptions options)
      : informer_(client, clock_, crypto::system_random(), std::move(options)) {
    informer_.start();
  }
  Informer* operator->() { return &informer_; }

 private:
  SystemClock clock_;
  Informer informer_;
};

InformerOptions config_maps_of_default() {
  InformerOptions options;
  options.resource = config_maps("default");
  options.min_backoff = milliseconds(100);
  options.max_backoff = milliseconds(1000);
  return options;
}

TEST(RealInformer, SurvivesARestartOfTheServerInTheMiddleOfItsWatch) {
  const auto transport = connect_as_admin();
  const Client client(*transport);
  RunningInformer informer(client, config_maps_of_default());
  ASSERT_TRUE(client.create(config_maps("default"), config_map("before")).has_value());
  ASSERT_TRUE(eventually([&] { return informer->find("default/before") != nullptr; }));

  shared_apiserver().stop_server();
  EXPECT_TRUE(eventually([&] { return informer->stats().failures > 0; }));
  EXPECT_TRUE(informer->synced());
  EXPECT_NE(informer->find("default/before"), nullptr);  // the last that is known
  EXPECT_FALSE(informer->fresh(milliseconds(50)));

  ASSERT_TRUE(shared_apiserver().start_server().has_value());
  ASSERT_TRUE(client.create(config_maps("default"), config_map("after")).has_value());
  EXPECT_TRUE(eventually([&] { return informer->find("default/after") != nullptr; }));
  EXPECT_NE(informer->find("default/before"), nullptr);
}

TEST(RealInformer, NoticesAServerThatFallsSilentAndFollowsItAgain) {
  const auto transport = connect_as_admin();
  const Client client(*transport);
  InformerOptions options = config_maps_of_default();
  options.read_timeout = seconds(2);
  RunningInformer informer(client, options);
  ASSERT_TRUE(eventually([&] { return informer->synced(); }));
  const auto failures = informer->stats().failures;
  shared_apiserver().server().signal(SIGSTOP);
  EXPECT_TRUE(eventually([&] { return informer->stats().failures > failures; }));
  EXPECT_FALSE(informer->fresh(seconds(1)));
  const auto begun = steady_clock::now();
  shared_apiserver().server().signal(SIGCONT);
  ASSERT_TRUE(eventually([&] {
    return client.create(config_maps("default"), config_map("after-silence")).has_value();
  }));
  EXPECT_TRUE(eventually([&] { return informer->find("default/after-silence") != nullptr; }));
  informer->stop();
  RecordProperty("seconds_to_recover",
                 static_cast<int>((steady_clock::now() - begun) / seconds(1)));
}

// Long before any of its timeouts, on a busy machine too.
TEST(RealInformer, StopsAtOnceWhileTheServerIsSilent) {
  const auto transport = connect_as_admin();
  const Client client(*transport);
  RunningInformer watching(client, config_maps_of_default());
  ASSERT_TRUE(eventually([&] { return watching->stats().watches > 0; }));
  shared_apiserver().server().signal(SIGSTOP);
  RunningInformer listing(client, config_maps_of_default());
  auto begun = steady_clock::now();
  watching->stop();
  EXPECT_LT(steady_clock::now() - begun, seconds(5));
  begun = steady_clock::now();
  listing->stop();
  EXPECT_LT(steady_clock::now() - begun, seconds(5));
  shared_apiserver().server().signal(SIGCONT);
}

// Two processes, one of which is stopped and woken by signals.

LeaseOptions short_lease(const std::string& identity) {
  return {.ns = "default",
          .name = "stopped-leader",
          .identity = identity,
          .lease_duration = milliseconds(3000),
          .renew_deadline = milliseconds(2000),
          .retry_period = milliseconds(500)};
}

// The other process: says every few milliseconds what it believes, with the machine's time.
TEST(StoppedLeader, DISABLED_OtherProcess) {
  const auto transport = connect(std::getenv("AVOUCH_TEST_KUBECONFIG"));
  const Client client(*transport);
  SystemClock clock;
  LeaderElector elector(client, clock, short_lease("other process"));
  elector.on_lost([] { std::printf("LOST 0 0\n"); });
  elector.start();
  while (true) {
    const bool leader = elector.is_leader();
    // After the question: a stop between the two makes the time too late, never too early.
    const auto now = clock.steady_now().time_since_epoch().count();
    std::printf("BELIEF %lld %d\n", static_cast<long long>(now), leader ? 1 : 0);
    std::fflush(stdout);
    std::this_thread::sleep_for(milliseconds(2));
  }
}

struct Beliefs {
  explicit Beliefs(const std::string& log) {
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string kind;
      long long time = 0;
      int leader = 0;
      words >> kind >> time >> leader;
      if (kind == "BELIEF") leading[SteadyTime(milliseconds(time))] = leader != 0;
      if (kind == "LOST") lost = true;
    }
  }
  std::map<SteadyTime, bool> leading;
  bool lost = false;
};

TEST(StoppedLeader, KnowsThatItHasLostBeforeItDoesAnything) {
  const auto transport = connect_as_admin();
  const Client client(*transport);
  SystemClock clock;
  const testing::TempDir dir;
  setenv("AVOUCH_TEST_KUBECONFIG",
         shared_apiserver().write_kubeconfig(shared_apiserver().admin()).c_str(), 1);
  auto other = testing::ChildProcess::start(
      {"/proc/self/exe", "--gtest_filter=StoppedLeader.DISABLED_OtherProcess",
       "--gtest_also_run_disabled_tests"},
      dir / "log");
  unsetenv("AVOUCH_TEST_KUBECONFIG");
  ASSERT_TRUE(other.has_value());
  const auto beliefs = [&] { return Beliefs(testing::read_text(dir / "log")); };
  ASSERT_TRUE(eventually([&] {
    const Beliefs now = beliefs();
    return !now.leading.empty() && now.leading.rbegin()->second;
  })) << testing::read_text(dir / "log");

  other->signal(SIGSTOP);
  LeaderElector mine(client, clock, short_lease("test"));
  ASSERT_TRUE(eventually([&] {
    mine.step();
    return mine.is_leader();
  }));
  const SteadyTime taken_over = clock.steady_now();
  EXPECT_EQ(mine.term(), 2);
  other->signal(SIGCONT);
  ASSERT_TRUE(eventually([&] {
    mine.step();
    const Beliefs now = beliefs();
    return now.lost && now.leading.rbegin()->first > taken_over + milliseconds(500);
  })) << testing::read_text(dir / "log");

  std::size_t after = 0;
  // One answer may have been given before the stop and printed after it.
  bool first = true;
  for (const auto& [time, leader] : beliefs().leading) {
    if (time < taken_over) continue;
    ++after;
    EXPECT_TRUE(!leader || first) << "still leading at " << time.time_since_epoch().count();
    first = false;
  }
  EXPECT_GT(after, 10U);
  EXPECT_TRUE(mine.is_leader());
  other->kill();
  mine.release();
}

}  // namespace
}  // namespace avouch::kube
