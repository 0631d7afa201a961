#include "control/intake_handler.h"

#include <gmock/gmock.h>

#include <future>

#include "control/names.h"
#include "kube/views.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"
#include "tests/unit/control/scene.h"

namespace avouch::control {
namespace {

using codec::Json;
using ::testing::HasSubstr;

class Silent final : public ControlObserver {
 public:
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}
  void problem(std::string_view, std::string_view) override {}
  void note(std::string_view, std::string_view) override {}
  void fatal(std::string_view, const Error&) override {}
};

class Blobs final : public BlobStore, public RuntimeLogStore {
 public:
  Result<std::unique_ptr<BlobWriter>> begin(const crypto::Sha256& digest) override {
    ++begun;
    return std::unique_ptr<BlobWriter>(new Writer(*this, digest));
  }
  bool contains(const crypto::Sha256& digest) override { return kept.contains(digest); }
  Result<Bytes> read(const crypto::Sha256& digest, std::size_t) override { return kept.at(digest); }
  std::uint64_t bytes() override { return 0; }
  std::uint64_t next_offset(const std::string&, const std::string&) override { return log.size(); }
  Result<std::uint64_t> append(const std::string&, const std::string&, std::uint64_t offset,
                               ByteView bytes) override {
    if (offset != log.size()) return rejected("offset is not where the log ends");
    avouch::append(log, bytes);
    return std::uint64_t{log.size()};
  }
  void remove(const std::string&) override {}

  std::map<crypto::Sha256, Bytes> kept;
  Bytes log;
  int begun = 0;

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
  HttpResponse send_heartbeat(const std::string& node, const std::string& token) {
    return serve(request("POST", "/v1/nodes/" + node + "/evidence", token, heartbeat_body()));
  }

  Machine machine{maker};
  testing::FakeKube server;
  testing::ManualClock clock{now.wall};
  Silent observer;
  Callers callers{
      kube::Client(server),
      clock,
      {.ns = "ns", .agent_service_account = "agent", .webhook_service_account = "webhook"}};
  AppraiserLoop loop{*appraiser, clock, observer};
  Blobs blobs;
  WorkPool pool{2, 16};
  IntakeHandler intake{{}, callers, loop, blobs, blobs, pool, clock, observer};
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
}

TEST_F(IntakeTest, BoundsEveryBodyBeforeItIsRead) {
  EXPECT_EQ(intake.plan(request("POST", "/v1/nodes/node-1/evidence", "t"))->limit, 64U * 1024);
  EXPECT_EQ(intake.plan(request("POST", "/v1/nodes/node-1/runtime-log", "t"))->limit, 1024U * 1024);
  for (const char* path : {"/v1/nodes/../evidence", "/v1/nodes/node-1", "/v1/nodes/A/evidence",
                           "/v1/blobs/sha256:00", "/v1/", "/v1/nodes//evidence"}) {
    EXPECT_EQ(intake.plan(request("POST", path, "agent-token"))->limit, 0U) << path;
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
  const std::string path =
      "/v1/blobs/sha256:" + to_hex(crypto::sha256(std::string_view("boot log")));
  const std::size_t asked = server.requests().size();
  EXPECT_EQ(serve(request("PUT", path, "agent-token", "boot log")).status, 499)
      << "nobody has vouched for this token yet";
  EXPECT_EQ(server.requests().size(), asked) << "and the server's threads ask nobody";
  EXPECT_EQ(blobs.begun, 0);

  EXPECT_EQ(serve(request("POST", "/v1/nodes/node-1/evidence", "agent-token", "{}")).status, 400);
  EXPECT_EQ(serve(request("PUT", path, "agent-token", "another")).status, 400);
  EXPECT_EQ(serve(request("PUT", path, "agent-token", "boot log")).status, 201);
  EXPECT_EQ(blobs.kept.size(), 1U);

  ASSERT_TRUE(callers.identify("persons-token").has_value());
  EXPECT_EQ(serve(request("PUT", path, "persons-token", "boot log")).status, 499);
}

TEST_F(IntakeTest, LimitsTheBytesOfANode) {
  ASSERT_TRUE(callers.identify("agent-token").has_value());
  const std::string piece(16 * 1024 * 1024, 'x');
  const std::string path = "/v1/blobs/sha256:" + to_hex(crypto::sha256(piece));
  int refused = 0;
  for (int i = 0; i < 5; ++i) {
    refused += serve(request("PUT", path, "agent-token", piece)).status == 498 ? 1 : 0;
  }
  EXPECT_EQ(refused, 1) << "64 MiB at once and no more";
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
