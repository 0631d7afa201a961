#include "logserve/witness_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "crypto/hash.h"
#include "support/growing_log.h"
#include "support/manual_clock.h"
#include "support/memory_witness_memory.h"

namespace avouch::logserve {
namespace {

using testing::GrowingLog;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

class WitnessHandlerTest : public ::testing::Test {
 protected:
  WitnessHandlerTest() { make({}); }

  void make(const WitnessRates& rates, const std::string& prefix = "/w") {
    handler_ = std::make_unique<WitnessHandler>(
        witness_, clock_, prefix, rates,
        [this](const std::function<void()>& task) {
          if (full_) return false;
          task();
          return true;
        },
        [this](const WitnessOutcome& outcome) { outcomes_.push_back(outcome); });
  }

  HttpResponse ask(const std::string& method, const std::string& path, const std::string& body = "",
                   const std::string& network = "10.0.0.1") {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.network = network;
    const auto plan = handler_->plan(request);
    EXPECT_TRUE(plan.has_value());
    if (plan->refusal) return *plan->refusal;
    EXPECT_LE(body.size(), plan->limit);
    request.body = body;
    std::optional<HttpResponse> answer;
    handler_->handle(std::move(request), nullptr,
                     [&](HttpResponse response) { answer = std::move(response); });
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(HttpResponse{});
  }
  HttpResponse add(const std::string& body, const std::string& network = "10.0.0.1") {
    return ask("POST", "/w/add-checkpoint", body, network);
  }
  static std::string path_of(const GrowingLog& log) {
    return "/w/" + to_hex(crypto::sha256(as_bytes(log.origin()))) + "/checkpoint";
  }

  GrowingLog log_{"log.example/one"}, other_{"log.example/two"};
  testing::MemoryWitnessMemory memory_;
  tlog::Witness witness_ =
      tlog::Witness::make(tlog::Cosigner::make("witness.example", crypto::PrivateKey::generate(
                                                                      crypto::KeyType::kEd25519))
                              .value(),
                          {log_.witnessed(), other_.witnessed()}, memory_)
          .value();
  testing::ManualClock clock_;
  bool full_ = false;
  std::vector<WitnessOutcome> outcomes_;
  std::unique_ptr<WitnessHandler> handler_;
};

TEST_F(WitnessHandlerTest, CosignsAndShowsWhatItCosigned) {
  EXPECT_EQ(ask("GET", path_of(log_)).status, 404);
  const HttpResponse cosigned = add(log_.body(0, 5));
  ASSERT_EQ(cosigned.status, 200) << cosigned.body;
  EXPECT_EQ(cosigned.content_type, "text/plain; charset=utf-8");
  EXPECT_TRUE(cosigned.body.starts_with("\u2014 witness.example "));
  const HttpResponse shown = ask("GET", path_of(log_));
  EXPECT_EQ(shown.status, 200);
  EXPECT_EQ(shown.body, log_.note(5) + cosigned.body);
  EXPECT_EQ(shown.headers.find("Cache-Control"), "no-cache");
  EXPECT_EQ(ask("HEAD", path_of(log_)).status, 200);
  EXPECT_EQ(ask("GET", path_of(other_)).status, 404);
}

TEST_F(WitnessHandlerTest, SaysFromWhereToProve) {
  add(log_.body(0, 5));
  const HttpResponse answer = add(log_.body(0, 9));
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.body, "5\n");
  EXPECT_EQ(answer.content_type, "text/x.tlog.size");
}

TEST_F(WitnessHandlerTest, KnowsTwoPathsOnly) {
  const std::string digest = path_of(log_).substr(3, 64);
  for (const std::string& path : {std::string("/"), std::string("/w"), std::string("/w/"),
                                  std::string("/add-checkpoint"), std::string("/w/add-checkpoint/"),
                                  "/w/" + digest, "/w//" + digest.substr(1) + "/checkpoint",
                                  "/" + digest + "/checkpoint", "/w/" + digest + "/checkpoint/"}) {
    EXPECT_EQ(ask("GET", path).status, 404) << path;
    EXPECT_EQ(ask("POST", path).status, 404) << path;
  }
}

TEST_F(WitnessHandlerTest, NamesTheMethodsOfItsPaths) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE"}) {
    const HttpResponse answer = ask(method, "/w/add-checkpoint");
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.headers.find("Allow"), "POST");
  }
  for (const char* method : {"POST", "PUT", "DELETE"}) {
    const HttpResponse answer = ask(method, path_of(log_));
    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_EQ(answer.headers.find("Allow"), "GET, HEAD");
  }
}

TEST_F(WitnessHandlerTest, BoundsBodies) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/w/add-checkpoint";
  EXPECT_EQ(handler_->plan(request)->limit, 64U * 1024);
  request.method = "GET";
  request.path = path_of(log_);
  EXPECT_EQ(handler_->plan(request)->limit, 0U);
}

TEST_F(WitnessHandlerTest, LimitsWhatIsCosignedOfOneLog) {
  make({.log_burst = 2, .log_per_second = 0.25, .network_burst = 1000, .network_per_second = 1});
  EXPECT_EQ(add(log_.body(0, 1)).status, 200);
  EXPECT_EQ(add(log_.body(1, 2)).status, 200);
  const HttpResponse limited = add(log_.body(2, 3));
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.headers.find("Retry-After"), "4");
  EXPECT_EQ(ask("GET", path_of(log_)).body.substr(0, 20), log_.note(2).substr(0, 20));
  EXPECT_EQ(add(other_.body(0, 1)).status, 200) << "another log is not held up";
  clock_.advance(4s);
  EXPECT_EQ(add(log_.body(2, 3)).status, 200);
}

// Else whoever sends garbage in a log's name would keep the log from being cosigned.
TEST_F(WitnessHandlerTest, SpendsNothingOfALogOnWhatItDoesNotCosign) {
  make({.log_burst = 1, .log_per_second = 1, .network_burst = 1000, .network_per_second = 1});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(add(log_.body(3, 5)).status, 409);
    EXPECT_EQ(add("old 0\n\n" + log_.origin() + "\n").status, 400);
    EXPECT_EQ(add(tlog::format_add_checkpoint({0, {tlog::Hash{}}, log_.note(5)})).status, 422);
  }
  EXPECT_EQ(add(log_.body(0, 5)).status, 200);
}

TEST_F(WitnessHandlerTest, LimitsEachNetworkByItself) {
  make({.log_burst = 1000, .log_per_second = 1, .network_burst = 3, .network_per_second = 2});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(add("garbage", "10.0.0.9").status, 400);
  const HttpResponse limited = add(log_.body(0, 1), "10.0.0.9");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.headers.find("Retry-After"), "1");
  EXPECT_THAT(limited.body, HasSubstr("10.0.0.9"));
  EXPECT_EQ(add(log_.body(0, 1), "10.0.0.1").status, 200);
  EXPECT_EQ(ask("GET", path_of(log_), "", "10.0.0.9").status, 200) << "monitors only read";
}

TEST_F(WitnessHandlerTest, TellsClientsToComeBackWhereTooManyWait) {
  full_ = true;
  const HttpResponse answer = add(log_.body(0, 1));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.headers.find("Retry-After"), "1");
  full_ = false;
  EXPECT_EQ(add(log_.body(0, 1)).status, 200);
}

TEST_F(WitnessHandlerTest, TellsOfEachAnswer) {
  make({.log_burst = 1, .log_per_second = 1, .network_burst = 4, .network_per_second = 1});
  add(other_.body(0, 1));
  add("garbage");
  add(other_.body(1, 2));
  add(other_.body(0, 2));
  add(log_.body(0, 1));
  std::vector<std::pair<int, std::optional<std::size_t>>> told;
  for (const WitnessOutcome& outcome : outcomes_) told.emplace_back(outcome.status, outcome.log);
  EXPECT_THAT(told, ::testing::ElementsAre(std::pair(200, std::optional<std::size_t>(1)),
                                           std::pair(400, std::nullopt),
                                           std::pair(429, std::optional<std::size_t>(1)),
                                           std::pair(409, std::optional<std::size_t>(1)),
                                           std::pair(429, std::nullopt)));
  EXPECT_EQ(outcomes_[0].received, clock_.now());
}

TEST_F(WitnessHandlerTest, ServesUnderNoPrefixToo) {
  make({}, "");
  EXPECT_EQ(ask("POST", "/add-checkpoint", log_.body(0, 5)).status, 200);
  EXPECT_EQ(ask("GET", path_of(log_).substr(2)).status, 200);
}

}  // namespace
}  // namespace avouch::logserve
