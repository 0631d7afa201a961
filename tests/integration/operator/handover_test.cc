// Two controllers as processes on a real API server, with one Lease and one data directory, as two
// pods with the same volume would be. Whoever dies or is stopped is followed by the other; the log
// goes on where it was, and who wakes up as a former leader writes nothing.

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "integration/operator/controller_scene.h"

namespace avouch::testing {
namespace {

using codec::Json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A checkpoint's tree size: the second line of its note.
std::uint64_t size_of(const std::string& note) {
  const std::size_t line = note.find('\n');
  return line == std::string::npos ? 0 : std::stoull(note.substr(line + 1));
}

class Handover : public ApiScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ApiScene::SetUp());
    ASSERT_NO_FATAL_FAILURE(create_namespace(kNamespace));
    first_line_ = audit_lines();
    configure();
    ASSERT_TRUE(run_command({"mkdir", "-m", "0700", dir_ / "data"}).has_value());
  }

  // `more`: further members of leaderElection.
  void configure(const std::string& more = "") {
    write_text(dir_ / "config.yaml",
               "release: {name: avouch, namespace: avouch-system}\nlisten: 127.0.0.1:0\n"
               "health: 127.0.0.1:0\ndataDir: " +
                   (dir_ / "data") +
                   "\nlog: {cadence: 1s}\n"
                   "leaderElection: {leaseDuration: 10s, renewDeadline: 7s, retryPeriod: 500ms" +
                   more + "}\n");
  }

  // Its pod, as a StatefulSet would make it; `leads`: with the mark of a leader.
  void add_pod(const std::string& name, bool leads) {
    Json pod = codec::parse_json(R"({"apiVersion": "v1", "kind": "Pod",
        "spec": {"containers": [{"name": "c", "image": "i"}]}})")
                   .value();
    pod["metadata"]["name"] = name;
    if (leads) pod["metadata"]["labels"]["avouch.dev/leads"] = "avouch";
    const auto made = client_->create(kube::pods(kNamespace), pod);
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }
  bool leads(const std::string& name) {
    const auto pod = client_->get(kube::pods(kNamespace), name);
    return pod.has_value() && pod->text({"metadata", "labels", "avouch.dev/leads"}) == "avouch";
  }
  bool is_ready(const std::string& name) {
    return get(serving_address(log_of(name), "health"), "/readyz").starts_with("HTTP/1.1 200");
  }

  // Each has a user of its own, so that the server's audit log tells who wrote.
  ChildProcess start(const std::string& name) {
    auto files = server_->issue(name, {"system:masters"});
    auto made = ChildProcess::start(
        {"/usr/bin/env", "POD_NAME=" + name, "POD_UID=uid", AVOUCH_OPERATOR, "--config",
         dir_ / "config.yaml", "--kubeconfig", server_->write_kubeconfig(files.value())},
        dir_ / (name + ".log"));
    return std::move(made).value();
  }

  std::string holder() {
    const kube::ResourcePath leases{"coordination.k8s.io", "v1", "leases", kNamespace};
    const auto lease = client_->get(leases, "avouch-controller");
    return lease.has_value() ? std::string(lease->text({"spec", "holderIdentity"})) : "";
  }
  std::string beacon() {
    const auto map = client_->get(kube::config_maps(kNamespace), "avouch-beacon");
    return map.has_value() ? std::string(map->text({"data", "checkpoint"})) : "";
  }
  // Requests of `user` that wrote something, from line `from` of the audit log on.
  std::vector<std::string> writes(const std::string& user, std::size_t from) {
    std::ifstream file(audit_log_);
    std::vector<std::string> found;
    std::string line;
    for (std::size_t number = 0; std::getline(file, line); ++number) {
      if (number < from) continue;
      const auto event = codec::parse_json(line);
      if (!event.has_value() || event->text({"user", "username"}) != user) continue;
      const auto verb = event->text({"verb"});
      const Json* code = event->find_path({"responseStatus", "code"});
      if (verb == "get" || verb == "list" || verb == "watch") continue;
      if (code != nullptr && code->as_int() && *code->as_int() >= 300) continue;
      found.push_back(line);
    }
    return found;
  }
  std::size_t audit_lines() {
    std::ifstream file(audit_log_);
    std::size_t lines = 0;
    for (std::string line; std::getline(file, line);) ++lines;
    return lines;
  }
  std::string log_of(const std::string& name) { return read_text(dir_ / (name + ".log")); }

  std::size_t first_line_ = 0;  // of this test, in the audit log
};

TEST_F(Handover, OneLeadsUntilItDiesOrIsStoppedAndThenTheOther) {
  ChildProcess first = start("first");
  ASSERT_TRUE(eventually([&] { return holder() == "first_uid" && size_of(beacon()) > 0; }))
      << log_of("first");
  ChildProcess second = start("second");
  const std::uint64_t early = size_of(beacon());
  ASSERT_TRUE(eventually([&] { return size_of(beacon()) > early; })) << log_of("first");
  EXPECT_EQ(holder(), "first_uid");
  const auto waiting = writes("second", first_line_);
  EXPECT_TRUE(waiting.empty()) << waiting.front();

  // Killed: the other follows once the lease has run out, and the log goes on from its size.
  const std::string before = beacon();
  first.kill();
  ASSERT_TRUE(eventually([&] { return holder() == "second_uid"; })) << log_of("second");
  ASSERT_TRUE(eventually([&] { return size_of(beacon()) > size_of(before) + 1; }))
      << log_of("second");
  EXPECT_EQ(beacon().substr(0, beacon().find('\n')), before.substr(0, before.find('\n')));

  // Stopped: the lease goes to the third, which cannot open the log while the second has it.
  ChildProcess third = start("third");
  second.signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return holder() == "third_uid"; })) << log_of("third");
  ASSERT_TRUE(eventually([&] {
    return log_of("third").find("there can be one writer only") != std::string::npos;
  })) << log_of("third");
  const std::string stopped_at = beacon();
  const std::size_t lines = audit_lines();

  // Woken: it ends by itself, has written nothing more, and the third goes on with the same log.
  second.signal(SIGCONT);
  ASSERT_TRUE(eventually([&] { return !second.running(); })) << log_of("second");
  ASSERT_TRUE(eventually([&] { return size_of(beacon()) > size_of(stopped_at); }))
      << log_of("third");
  EXPECT_EQ(holder(), "third_uid");
  const auto late = writes("second", lines);
  EXPECT_TRUE(late.empty()) << late.front();
  EXPECT_FALSE(writes("third", lines).empty());
  EXPECT_EQ(beacon().substr(0, beacon().find('\n')), before.substr(0, before.find('\n')));
  third.stop();
}

// The Service selects the mark: what a former leader has left is taken off, and who stands by is
// ready without it.
TEST_F(Handover, MarksThePodThatLeadsAndNoOther) {
  configure(", markPod: true");
  ChildProcess nameless =
      ChildProcess::start({"/usr/bin/env", "-u", "POD_NAME", AVOUCH_OPERATOR, "--config",
                           dir_ / "config.yaml", "--kubeconfig", kubeconfig_},
                          dir_ / "nameless.log")
          .value();
  ASSERT_TRUE(eventually([&] { return !nameless.running(); })) << log_of("nameless");
  EXPECT_NE(log_of("nameless").find("the environment variable POD_NAME"), std::string::npos)
      << log_of("nameless");

  ASSERT_NO_FATAL_FAILURE(add_pod("first", false));
  ASSERT_NO_FATAL_FAILURE(add_pod("second", true));
  ASSERT_NO_FATAL_FAILURE(add_pod("stopped", true));
  ChildProcess first = start("first");
  ASSERT_TRUE(eventually([&] { return is_ready("first"); })) << log_of("first");
  EXPECT_TRUE(leads("first"));
  EXPECT_FALSE(leads("second"));
  EXPECT_FALSE(leads("stopped"));

  kubectl({"-n", kNamespace, "label", "pod", "second", "avouch.dev/leads=avouch"});
  ChildProcess second = start("second");
  ASSERT_TRUE(eventually([&] { return is_ready("second"); })) << log_of("second");
  EXPECT_FALSE(leads("second"));
  EXPECT_TRUE(leads("first"));
  EXPECT_EQ(serving_address(log_of("second"), "server"), "") << "it only stands by";

  first.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return leads("second"); })) << log_of("second");
  EXPECT_FALSE(leads("first"));
  EXPECT_NE(serving_address(log_of("second"), "server"), "");
  second.stop();
}

}  // namespace
}  // namespace avouch::testing
