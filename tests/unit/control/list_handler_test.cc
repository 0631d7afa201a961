#include "control/list_handler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>

#include "attest/policy.h"
#include "control/names.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"
#include "tests/unit/control/silent_observer.h"

namespace avouch::control {
namespace {

using codec::Json;

// What is there, and whether anybody was given a place to write to.
class Lists final : public BlobStore {
 public:
  Result<std::unique_ptr<BlobWriter>> begin(const crypto::Sha256& digest,
                                            const std::string&) override {
    ++begun;
    if (full) return retryable("the store is full");
    return std::unique_ptr<BlobWriter>(new Writer(*this, digest));
  }
  bool contains(const crypto::Sha256& digest) override { return kept.contains(digest); }
  Result<Bytes> read(const crypto::Sha256& digest, std::size_t) override { return kept.at(digest); }
  std::uint64_t bytes() override { return 0; }
  std::uint64_t drop_unused(std::chrono::milliseconds) override { return 0; }

  std::map<crypto::Sha256, Bytes> kept;
  int begun = 0;
  bool full = false;

 private:
  class Writer final : public BlobWriter {
   public:
    Writer(Lists& lists, const crypto::Sha256& digest) : lists_(lists), digest_(digest) {}
    Result<void> write(ByteView piece) override {
      append(bytes_, piece);
      return {};
    }
    Result<BlobOutcome> commit() override {
      if (crypto::sha256(bytes_) != digest_) return rejected("other bytes");
      const bool is_new = lists_.kept.insert_or_assign(digest_, bytes_).second;
      return is_new ? BlobOutcome::kCreated : BlobOutcome::kExisted;
    }

   private:
    Lists& lists_;
    const crypto::Sha256 digest_;
    Bytes bytes_;
  };
};

class ListHandlerTest : public ::testing::Test {
 protected:
  ListHandlerTest() {
    for (const std::string name : {"provider", "stranger"}) {
      Json user;
      user["username"] = name;
      server.add_token(name + "s-token", user, {std::string(kTokenAudience)});
    }
    server.set_access([](const Json& spec) {
      return spec.text({"user"}) == "provider" &&
             spec.text({"resourceAttributes", "verb"}) == "update" &&
             spec.text({"resourceAttributes", "group"}) == "avouch.dev" &&
             spec.text({"resourceAttributes", "resource"}) == "referencemanifests";
    });
  }

  HttpRequest request(const std::string& method, const std::string& token,
                      const std::string& body = "", const std::string& path = "") {
    HttpRequest out;
    out.method = method;
    out.path = path.empty() ? "/v1/lists/" + attest::digest_text(crypto::sha256(list)) : path;
    if (!token.empty()) out.headers.add("Authorization", "Bearer " + token);
    out.body = body;
    return out;
  }
  HttpResponse serve(const HttpRequest& what) {
    const auto plan = handler.plan(what);
    if (!plan.has_value()) {
      return problem(plan.error().kind == ErrorKind::kRetryable ? 503 : 403, "Refused",
                     plan.error().message);
    }
    if (plan->refusal) return *plan->refusal;
    if (what.body.size() > plan->limit) return problem(413, "TooLarge", "");
    EXPECT_TRUE(plan->sink == nullptr || plan->sink->write(as_bytes(what.body)).has_value());
    std::promise<HttpResponse> answer;
    handler.handle(what, plan->sink,
                   [&](HttpResponse response) { answer.set_value(std::move(response)); });
    return answer.get_future().get();
  }

  const std::string list = std::string(64, 'a') + "  /usr/bin/a\n";
  testing::FakeKube server;
  testing::ManualClock clock;
  SilentObserver observer;
  Callers callers{
      kube::Client(server),
      clock,
      {.ns = "ns", .agent_service_account = "agent", .webhook_service_account = "webhook"}};
  const kube::Client client{server};
  kube::AccessReviewer access{client, clock};
  Lists lists;
  std::atomic<int> arrived = 0;
  WorkPool pool{1, 16};
  FairPool strangers{1, 16};
  Reception reception{callers, pool, strangers};
  ListHandler handler{1000, reception, access, lists, pool, observer, [this] { ++arrived; }};
};

TEST_F(ListHandlerTest, TakesAListFromWhoMayWriteManifestsAndTellsOfIt) {
  const HttpResponse before = serve(request("GET", "providers-token"));
  EXPECT_EQ(before.status, 404);
  EXPECT_NE(before.body.find("NoSuchList"), std::string::npos);
  EXPECT_EQ(serve(request("PUT", "providers-token", list)).status, 201);
  EXPECT_EQ(arrived, 1);
  EXPECT_EQ(as_text(lists.kept.at(crypto::sha256(list))), list);
  EXPECT_EQ(serve(request("GET", "providers-token")).status, 204);
  EXPECT_EQ(serve(request("PUT", "providers-token", list)).status, 200);
}

TEST_F(ListHandlerTest, GivesNobodyElseAnythingToWriteTo) {
  EXPECT_EQ(serve(request("GET", "")).status, 401);
  EXPECT_EQ(serve(request("PUT", "", list)).status, 401);
  EXPECT_EQ(serve(request("GET", "never-issued")).status, 401);
  EXPECT_EQ(serve(request("GET", "strangers-token")).status, 403);
  for (const char* token : {"", "never-issued", "strangers-token"}) {
    EXPECT_GE(serve(request("PUT", token, list)).status, 400) << token;
  }
  EXPECT_EQ(lists.begun, 0);
  EXPECT_EQ(arrived, 0);
}

// No waiting on a server's thread: whoever is not known yet is put off, and then known.
TEST_F(ListHandlerTest, PutsOffTheFirstRequestOfSomebodyNew) {
  EXPECT_EQ(serve(request("PUT", "providers-token", list)).status, 503);
  EXPECT_EQ(lists.begun, 0);
  EXPECT_EQ(serve(request("GET", "providers-token")).status, 404);
  EXPECT_EQ(serve(request("PUT", "providers-token", list)).status, 201);
}

TEST_F(ListHandlerTest, BelievesNoAnswerOfTheApiServerForLong) {
  ASSERT_EQ(serve(request("GET", "providers-token")).status, 404);
  server.set_access([](const Json&) { return false; });
  clock.advance(std::chrono::minutes(2));
  serve(request("PUT", "providers-token", list));
  EXPECT_EQ(serve(request("GET", "providers-token")).status, 403);
  EXPECT_EQ(serve(request("PUT", "providers-token", list)).status, 403);
  EXPECT_EQ(lists.begun, 0);
}

TEST_F(ListHandlerTest, RefusesOtherBytesThanItsNameSaysAndTooManyOfThem) {
  serve(request("GET", "providers-token"));
  EXPECT_EQ(serve(request("PUT", "providers-token", "something else")).status, 400);
  EXPECT_EQ(serve(request("PUT", "providers-token", std::string(1001, 'a'))).status, 413);
  EXPECT_TRUE(lists.kept.empty());
  EXPECT_EQ(arrived, 0);
}

TEST_F(ListHandlerTest, SaysThatTheStoreIsFull) {
  serve(request("GET", "providers-token"));
  lists.full = true;
  EXPECT_EQ(serve(request("PUT", "providers-token", list)).status, 503);
}

TEST_F(ListHandlerTest, KnowsNoOtherPathsAndMethods) {
  for (const char* path : {"/v1/lists/", "/v1/lists/sha256:00", "/v1/lists/../blobs"}) {
    EXPECT_EQ(serve(request("PUT", "providers-token", "", path)).status, 404) << path;
  }
  EXPECT_EQ(serve(request("DELETE", "providers-token")).status, 405);
}

}  // namespace
}  // namespace avouch::control
