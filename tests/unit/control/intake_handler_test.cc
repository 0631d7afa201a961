#include "control/intake_handler.h"

#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "control/names.h"
#include "kube/views.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"
#include "tests/unit/control/scene.h"
#include "tests/unit/control/silent_observer.h"

namespace avouch::control {
namespace {

using codec::Json;
using ::testing::HasSubstr;

class Blobs final : public BlobStore, public RuntimeLogStore {
 public:
  Result<std::unique_ptr<BlobWriter>> begin(const crypto::Sha256& digest,
                                            const std::string& owner) override {
    ++begun;
    owners.push_back(owner);
    return std::unique_ptr<BlobWriter>(new Writer(*this, digest));
  }
  bool contains(const crypto::Sha256& digest) override { return kept.contains(digest); }
  Result<Bytes> read(const crypto::Sha256& digest, std::size_t) override { return kept.at(digest); }
  std::uint64_t bytes() override { return 0; }
  std::uint64_t drop_unused(std::chrono::milliseconds) override { return 0; }
  std::uint64_t next_offset(const std::string&, const std::string&) override { return log.size(); }
  Result<std::uint64_t> append(const std::string&, const std::string&, std::uint64_t offset,
                               ByteView bytes) override {
    if (offset != log.size()) return rejected("offset is not where the log ends");
    avouch::append(log, bytes);
    return std::uint64_t{log.size()};
  }
  Result<Bytes> read(const std::string&, const std::string&, std::uint64_t offset,
                     std::size_t max_bytes) override {
    const ByteView rest = ByteView(log).subspan(std::min<std::size_t>(offset, log.size()));
    const ByteView piece = rest.first(std::min(rest.size(), max_bytes));
    return Bytes(piece.begin(), piece.end());
  }
  Result<void> truncate(const std::string&, const std::string&, std::uint64_t bytes) override {
    log.resize(std::min<std::size_t>(bytes, log.size()));
    return {};
  }
  Result<void> remove(const std::string&) override { return {}; }

  std::map<crypto::Sha256, Bytes> kept;
  Bytes log;
  int begun = 0;
  std::vector<std::string> owners;

 private:
  class Writer final : public BlobWriter {
   public:
    Writer(Blobs& blobs, const crypto::Sha256& digest) : blobs_(blobs), digest_(digest) {}
    Result<void> write(ByteView piece) override {
      avouch::append(bytes_, piece);
      return {};
    }
    Result<BlobOutcome> commit() override {
      if (crypto::sha256(bytes_) != digest_) return rejected("other bytes");
      blobs_.kept[digest_] = bytes_;
      return BlobOutcome::kCreated;
    }

   private:
    Blobs& blobs_;
    crypto::Sha256 digest_;
    Bytes bytes_;
  };
};

class IntakeTest : public Scene {
 protected:
  IntakeTest() {
    now.steady = clock.steady_now();  // one clock for both
    set_policies({policy("production", machine)});
    put_node("node-1", "uid-1");
    enrol("node-1", machine);
    give_agent("agent-token", "agent-1", "node-1");
    Json person;
    person["username"] = "alice";
    server.add_token("persons-token", person, {std::string(kTokenAudience)});
    loop.start();
  }

  void give_agent(const std::string& token, const std::string& pod, const std::string& node) {
    Json object;
    object["metadata"]["name"] = pod;
    object["metadata"]["namespace"] = "ns";
    object["spec"]["serviceAccountName"] = "agent";
    object["spec"]["nodeName"] = node;
    const Json stored = server.put(kube::pods("ns"), object);
    Json user;
    user["username"] = "system:serviceaccount:ns:agent";
    user["extra"]["authentication.kubernetes.io/pod-name"] = Json::Array{pod};
    user["extra"]["authentication.kubernetes.io/pod-uid"] =
        Json::Array{std::string(stored.text({"metadata", "uid"}))};
    server.add_token(token, user, {std::string(kTokenAudience)});
  }

  HttpRequest request(const std::string& method, const std::string& path, const std::string& token,
                      std::string body = "") {
    HttpRequest out;
    out.method = method;
    out.path = path.substr(0, path.find('?'));
    if (path.find('?') != std::string::npos) out.query = path.substr(path.find('?') + 1);
    if (!token.empty()) out.headers.add("Authorization", "Bearer " + token);
    out.body = std::move(body);
    return out;
  }
  HttpResponse serve(const HttpRequest& what) {
    const auto plan = intake.plan(what);
    if (!plan.has_value()) return problem(499, "Refused", plan.error().message);
    if (plan->sink && !plan->sink->write(as_bytes(what.body)).has_value()) {
      return problem(498, "SinkRefused", "");
    }
    std::promise<HttpResponse> answer;
    HttpRequest given = what;
    if (plan->sink) given.body.clear();
    intake.handle(std::move(given), plan->sink,
                  [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }
  std::string heartbeat_body() {
    publish_beacon();
    return codec::to_json(attest::to_heartbeat(quote("node-1", machine)));
  }
  // Accepted evidence that names `log` as the node's boot log; returns the path to put it at.
  std::string name_boot_log(std::string_view log) {
    publish_beacon();
    attest::UnverifiedEvidence named = quote("node-1", machine);
    named.boot_log = attest::BootLogReference{crypto::sha256(log), log.size()};
    const HttpResponse answer = serve(request("POST", "/v1/nodes/node-1/evidence", "agent-token",
                                              codec::to_json(attest::to_heartbeat(named))));
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body.find(attest::digest_text(named.boot_log->digest)) != std::string::npos,
              !blobs.kept.contains(named.boot_log->digest));
    return "/v1/blobs/" + attest::digest_text(named.boot_log->digest);
  }
  HttpResponse send_heartbeat(const std::string& node, const std::string& token) {
    return serve(request("POST", "/v1/nodes/" + node + "/evidence", token, heartbeat_body()));
  }

  Machine machine{maker};
  testing::FakeKube server;
  testing::ManualClock clock{now.wall};
  SilentObserver observer;
  Callers callers{
      kube::Client(server),
      clock,
      {.ns = "ns", .agent_service_account = "agent", .webhook_service_account = "webhook"}};
  AppraiserLoop loop{*appraiser, clock, observer};
  Blobs blobs;
  WorkPool pool{2, 16};
  FairPool strangers{1, 16};
  Reception reception{callers, pool, strangers};
  IntakeHandler intake{{}, reception, loop, blobs, blobs, pool, clock, observer};
};

TEST_F(IntakeTest, TakesEvidenceFromTheNodesOwnAgentAlone) {
  EXPECT_EQ(send_heartbeat("node-1", "").status, 401);
  EXPECT_EQ(send_heartbeat("node-1", "never-issued").status, 401);
  EXPECT_EQ(send_heartbeat("node-1", "persons-token").status, 403);
  give_agent("other-agent", "agent-2", "node-2");
  const HttpResponse other = send_heartbeat("node-1", "other-agent");
  EXPECT_EQ(other.status, 403);
  EXPECT_THAT(other.body, HasSubstr("NotOwnNode"));
}

TEST_F(IntakeTest, AnswersWithCodeAndPlaceWhatIsMalformed) {
  const HttpResponse answer = serve(
      request("POST", "/v1/nodes/node-1/evidence", "agent-token", R"({"nodeUID":"uid-1","x":1})"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("quote"));
  EXPECT_THAT(answer.body, HasSubstr("x"));
  const HttpResponse empty =
      serve(request("POST", "/v1/nodes/node-1/evidence", "agent-token", "null"));
  EXPECT_EQ(empty.status, 400);
  EXPECT_THAT(empty.body, HasSubstr("heartbeat: the document is null, expected an object"));
}

TEST_F(IntakeTest, BoundsEveryBodyBeforeItIsRead) {
  EXPECT_EQ(intake.plan(request("POST", "/v1/nodes/node-1/evidence", "t"))->limit, 64U * 1024);
  ASSERT_TRUE(callers.identify("agent-token").has_value());
  EXPECT_EQ(intake.plan(request("POST", "/v1/nodes/node-1/runtime-log", "agent-token"))->limit,
            1024U * 1024);
  for (const char* path : {"/v1/nodes/../evidence", "/v1/nodes/node-1", "/v1/nodes/A/evidence",
                           "/v1/blobs/sha256:00", "/v1/", "/v1/nodes//evidence"}) {
    const auto plan = intake.plan(request("POST", path, "agent-token"));
    EXPECT_EQ(plan->limit, 0U) << path;
    ASSERT_TRUE(plan->refusal) << path;  // whatever the body's size
    EXPECT_EQ(plan->refusal->status, 404) << path;
    EXPECT_EQ(serve(request("POST", path, "agent-token")).status, 404) << path;
  }
}

TEST_F(IntakeTest, LimitsHowOftenANodeMaySend) {
  HttpResponse last;
  for (int i = 0; i < 31; ++i) {
    last = serve(request("POST", "/v1/nodes/node-1/evidence", "agent-token", "{}"));
  }
  EXPECT_EQ(last.status, 429);
  EXPECT_TRUE(last.headers.find("Retry-After").has_value());
}

TEST_F(IntakeTest, KeepsABlobOnlyUnderItsOwnDigestAndForAKnownAgent) {
  const std::string path = name_boot_log("boot log");
  EXPECT_EQ(serve(request("PUT", path, "agent-token", "another")).status, 400);
  EXPECT_EQ(serve(request("PUT", path, "agent-token", "boot log")).status, 201);
  EXPECT_EQ(blobs.kept.size(), 1U);
  EXPECT_EQ(blobs.owners, (std::vector<std::string>{"node-1", "node-1"}));

  ASSERT_TRUE(callers.identify("persons-token").has_value());
  EXPECT_EQ(serve(request("PUT", path, "persons-token", "boot log")).status, 499);
}

TEST_F(IntakeTest, TakesNoBodyOfACallerWhomItDoesNotKnowAndAsksWithoutAThreadOfTheServers) {
  const std::string blob = "/v1/blobs/sha256:" + to_hex(crypto::sha256(std::string_view("x")));
  for (const auto& [method, path] : {std::pair<std::string, std::string>{"PUT", blob},
                                     {"POST", "/v1/nodes/node-1/runtime-log"}}) {
    give_agent("token-for-" + method, "agent-for-" + method, "node-1");
    EXPECT_EQ(intake.plan(request(method, path, ""))->refusal.value().status, 401) << path;
    const auto unknown = intake.plan(request(method, path, "token-for-" + method));
    ASSERT_FALSE(unknown.has_value()) << path;
    EXPECT_EQ(unknown.error().kind, ErrorKind::kRetryable) << path;
    while (!callers.known("token-for-" + method)) std::this_thread::yield();
  }
  EXPECT_EQ(blobs.begun, 0);
}

TEST_F(IntakeTest, TakesNoBlobThatTheNodesAcceptedEvidenceDoesNotName) {
  const auto digest_path = [](std::string_view bytes) {
    return "/v1/blobs/" + attest::digest_text(crypto::sha256(bytes));
  };
  name_boot_log("boot log");
  EXPECT_EQ(serve(request("PUT", digest_path("rubbish"), "agent-token", "rubbish")).status, 499);
  EXPECT_EQ(blobs.begun, 0);
  EXPECT_EQ(intake.plan(request("PUT", digest_path("boot log"), "agent-token"))->limit, 8U)
      << "nor more of it than the evidence says";
  // Another node's agent cannot send it either.
  give_agent("other-agent", "agent-2", "node-2");
  ASSERT_TRUE(callers.identify("other-agent").has_value());
  EXPECT_FALSE(intake.plan(request("PUT", digest_path("boot log"), "other-agent")).has_value());
  // Evidence that is refused names nothing.
  publish_beacon();
  attest::UnverifiedEvidence bad = quote("node-1", machine);
  bad.boot_log = attest::BootLogReference{crypto::sha256(std::string_view("rubbish")), 7};
  bad.quote->signature.back() ^= 1;
  EXPECT_EQ(serve(request("POST", "/v1/nodes/node-1/evidence", "agent-token",
                          codec::to_json(attest::to_heartbeat(bad))))
                .status,
            422);
  EXPECT_EQ(serve(request("PUT", digest_path("rubbish"), "agent-token", "rubbish")).status, 499);
  // What is here is not sent twice.
  EXPECT_EQ(serve(request("PUT", digest_path("boot log"), "agent-token", "boot log")).status, 201);
  name_boot_log("boot log");
  EXPECT_FALSE(intake.plan(request("PUT", digest_path("boot log"), "agent-token")).has_value());
}

TEST_F(IntakeTest, LimitsTheBytesOfANode) {
  const std::string piece(16 * 1024 * 1024, 'x');
  const std::string path = name_boot_log(piece);
  int refused = 0;
  for (int i = 0; i < 5; ++i) {
    blobs.kept.clear();
    refused += serve(request("PUT", path, "agent-token", piece)).status == 201 ? 0 : 1;
  }
  EXPECT_EQ(refused, 1) << "64 MiB at once and no more";
}

// Each request costs something, however little is in it.
TEST_F(IntakeTest, LimitsHowManySmallPiecesANodeSends) {
  const std::string path = name_boot_log("x");
  const int most = 64 * 1024 * 1024 / 4096;
  int taken = 0;
  while (taken <= most && intake.plan(request("PUT", path, "agent-token")).has_value()) ++taken;
  EXPECT_EQ(taken, most);
  ASSERT_TRUE(callers.identify("agent-token").has_value());
  EXPECT_EQ(
      serve(request("POST", "/v1/nodes/node-1/runtime-log?offset=0", "agent-token", "")).status,
      429);
}

TEST_F(IntakeTest, TakesNoRuntimeLogBeforeAQuote) {
  ASSERT_TRUE(callers.identify("agent-token").has_value());
  const auto post = [&](const std::string& query) {
    return serve(request("POST", "/v1/nodes/node-1/runtime-log" + query, "agent-token", "entries"));
  };
  EXPECT_EQ(post("").status, 400);
  EXPECT_EQ(post("?offset=-1").status, 400);
  EXPECT_EQ(post("?offset=0&offset=1").status, 400);
  const HttpResponse early = post("?offset=0");
  EXPECT_EQ(early.status, 409);
  EXPECT_THAT(early.body, HasSubstr("NotEnrolled"));
}

}  // namespace
}  // namespace avouch::control
