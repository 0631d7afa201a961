#include "control/trust_material.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "codec/base64.h"
#include "control/secret_data.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::control {
namespace {

using ::testing::ElementsAre;

class TrustMaterialTest : public ::testing::Test {
 protected:
  SecretData stored() {
    const auto secret = server.peek(kube::secrets("ns"), "avouch-keys");
    return secret ? read_secret(*secret).value() : SecretData{};
  }

  testing::FakeKube server;
  testing::ManualClock clock;
  Result<std::optional<std::string>> log_place{std::nullopt};  // as the options' place_of_log says
  const kube::Client client{server};
  TrustMaterial trust{{.names = {.release = "avouch", .ns = "ns"},
                       .log_origin = "",
                       .ca = {.common_name = "avouch"},
                       .own_names = {.dns = {"avouch-controller.ns.svc"}},
                       .webhook = {},
                       .webhook_configuration = "avouch",
                       .webhook_certificate = false,
                       .place_of_log = [this] { return log_place; }},
                      client,
                      crypto::system_random(),
                      clock};
};

TEST_F(TrustMaterialTest, PutsTheKeysBackThatSomebodyDeletes) {
  ASSERT_TRUE(trust.load_or_create().has_value());
  ASSERT_TRUE(trust.step().has_value());
  const SecretData keys = stored();
  ASSERT_FALSE(keys.empty());
  server.erase(kube::secrets("ns"), "avouch-keys");
  const auto done = trust.step();
  EXPECT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(stored(), keys);
}

TEST_F(TrustMaterialTest, ReplacesNoKeysThatAreThereAndUnusable) {
  ASSERT_TRUE(trust.load_or_create().has_value());
  codec::Json broken = server.peek(kube::secrets("ns"), "avouch-keys").value();
  broken["data"] = codec::Json::Object{};
  server.put(kube::secrets("ns"), broken);
  EXPECT_FALSE(trust.step().has_value());
  EXPECT_EQ(stored(), SecretData{});
  EXPECT_FALSE(trust.load_or_create().has_value());
}

TEST_F(TrustMaterialTest, MakesNoKeysForALogThatOthersHaveSigned) {
  ASSERT_TRUE(trust.load_or_create().has_value());
  const codec::Json secret = server.peek(kube::secrets("ns"), "avouch-keys").value();
  const SecretData keys = stored();
  server.erase(kube::secrets("ns"), "avouch-keys");
  log_place = std::optional<std::string>("in /data/log");
  for (int again = 0; again < 2; ++again) {
    const auto refused = trust.load_or_create();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::kRetryable) << "somebody may put the Secret back";
    for (const char* words : {"Secret ns/avouch-keys is not there", "the log in /data/log",
                              "Restore the Secret from a backup", "begin a new log"}) {
      EXPECT_NE(refused.error().message.find(words), std::string::npos)
          << words << ": " << refused.error().message;
    }
    EXPECT_EQ(stored(), SecretData{});
  }

  server.put(kube::secrets("ns"), secret);
  const auto restored = trust.load_or_create();
  ASSERT_TRUE(restored.has_value()) << restored.error().message;
  EXPECT_EQ(encode_keys(*restored), keys);
}

TEST_F(TrustMaterialTest, MakesNoKeysWhileNobodyKnowsOfALog) {
  log_place = retryable("database: no connection");
  const auto refused = trust.load_or_create();
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message, "database: no connection");
  EXPECT_EQ(stored(), SecretData{});
  log_place = std::optional<std::string>();
  EXPECT_TRUE(trust.load_or_create().has_value()) << "a first start";
  EXPECT_FALSE(stored().empty());
}

class WebhookKeyTest : public TrustMaterialTest {
 protected:
  void SetUp() override {
    server.put(kube::validating_webhook_configurations(),
               codec::parse_json(R"({"metadata":{"name":"avouch"},"webhooks":[
                   {"name":"a","clientConfig":{"service":{"name":"s"}}},
                   {"name":"b","clientConfig":{"service":{"name":"s"}}}]})")
                   .value());
    ASSERT_TRUE(made.load_or_create().has_value());
    step();
  }
  void step() {
    const auto done = made.step();
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  SecretData tls() {
    const auto secret = server.peek(kube::secrets("ns"), "avouch-webhook-tls");
    return secret ? read_secret(*secret).value() : SecretData{};
  }
  // PEM that the API server accepts, of all webhooks alike.
  std::string accepted() {
    const codec::Json live =
        server.peek(kube::validating_webhook_configurations(), "avouch").value();
    const codec::Json::Array& webhooks = *live.find("webhooks")->as_array();
    const std::string_view one = webhooks[0].text({"clientConfig", "caBundle"});
    EXPECT_EQ(one, webhooks[1].text({"clientConfig", "caBundle"}));
    return std::string(as_text(codec::from_base64(one).value()));
  }

  TrustOptions options(std::function<void(const std::string&)> on_webhook_key) {
    return {.names = {.release = "avouch", .ns = "ns"},
            .log_origin = "",
            .ca = {.common_name = "avouch"},
            .own_names = {.dns = {"avouch-controller.ns.svc"}},
            .webhook = {.common_name = "avouch webhook CA",
                        .names = {.dns = {"avouch-webhook.ns.svc"}}},
            .webhook_configuration = "avouch",
            .place_of_log = [this] { return log_place; },
            .on_webhook_key = std::move(on_webhook_key)};
  }

  std::vector<std::string> told;
  TrustMaterial made{options([this](const std::string& why) { told.push_back(why); }), client,
                     crypto::system_random(), clock};
};

TEST_F(WebhookKeyTest, IsAcceptedByTheApiServerAndNotByTheReleasesAuthority) {
  EXPECT_EQ(accepted(), tls().at("ca.crt"));
  EXPECT_NE(tls().at("ca.crt"), stored().at("ca.crt"));
  EXPECT_FALSE(tls().contains("ca.key")) << "nobody signs another one";
  EXPECT_EQ(told.size(), 1U);
  const SecretData before = tls();
  const std::string key = made.webhook_key();
  EXPECT_EQ(key.size(), 16U);
  step();
  EXPECT_EQ(tls(), before);
  EXPECT_EQ(told.size(), 1U);
  EXPECT_EQ(made.webhook_key(), key);
}

TEST_F(WebhookKeyTest, IsReplacedOnceThoseWhoFailHaveItNoLonger) {
  const SecretData before = tls();
  ASSERT_TRUE(made.set_holders(KeyHolders::kNotAllGood, "bad").has_value());
  server.clear_requests();
  ASSERT_TRUE(made.set_holders(KeyHolders::kNotAllGood, "bad").has_value());
  EXPECT_TRUE(server.requests().empty()) << "it is asked whenever a node changes";
  step();
  EXPECT_EQ(tls(), before);

  ASSERT_TRUE(made.set_holders(KeyHolders::kAllGood, "").has_value());
  const std::string key = made.webhook_key();
  step();
  EXPECT_NE(tls().at("tls.key"), before.at("tls.key"));
  EXPECT_NE(made.webhook_key(), key);
  EXPECT_EQ(accepted(), tls().at("ca.crt") + before.at("ca.crt")) << "other replicas have it still";
  EXPECT_EQ(made.look_again(), std::chrono::seconds(30));
  clock.advance(std::chrono::seconds(10));
  step();
  EXPECT_EQ(made.look_again(), std::chrono::seconds(20)) << "whatever called it in between";
  ASSERT_EQ(told.size(), 2U);
  EXPECT_NE(told.back().find("on failing node bad"), std::string::npos) << told.back();

  clock.advance(std::chrono::seconds(20));
  step();
  EXPECT_EQ(accepted(), tls().at("ca.crt"));
  EXPECT_EQ(made.look_again(), std::nullopt);
  EXPECT_EQ(told.size(), 2U);
}

// A node may delete its pod before it fails.
TEST_F(WebhookKeyTest, IsReplacedWhereANodeFailsThatHadIt) {
  const SecretData before = tls();
  EXPECT_THAT(made.held_by({"bad", "good"}).value(), ElementsAre("bad", "good"));
  server.clear_requests();
  EXPECT_THAT(made.held_by({"good"}).value(), ElementsAre("bad", "good"));
  EXPECT_TRUE(server.requests().empty()) << "it is asked whenever a pod changes";

  TrustMaterial next{options({}), client, crypto::system_random(), clock};
  ASSERT_TRUE(next.load_or_create().has_value());
  EXPECT_THAT(next.held_by({"good"}).value(), ElementsAre("bad", "good")) << "whoever leads";
  ASSERT_TRUE(next.set_holders(KeyHolders::kAllGood, "bad").has_value());
  ASSERT_TRUE(next.step().has_value());
  EXPECT_NE(tls().at("tls.key"), before.at("tls.key"));
  EXPECT_THAT(next.held_by({"good"}).value(), ElementsAre("good")) << "the new one";
}

// They keep a connection for as long as they are told the same.
TEST_F(WebhookKeyTest, IsSoughtAnewByApiServersThatMayBeConnectedToWhoFails) {
  const SecretData before = tls();
  const std::string authorities = accepted();
  ASSERT_TRUE(made.connect_anew().has_value());
  const std::string anew = accepted();
  EXPECT_NE(anew, authorities);
  EXPECT_EQ(tls(), before);
  const auto list = crypto::Certificate::list_from_pem(anew);
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(list->size(), 1U);
  EXPECT_EQ(list->front().pem(), before.at("ca.crt"));
  step();
  EXPECT_EQ(accepted(), anew) << "once is enough";
  clock.advance(std::chrono::seconds(5));
  ASSERT_TRUE(made.connect_anew().has_value());
  EXPECT_NE(accepted(), anew);
}

// What is known of it is in the Secret: the next leader goes on.
TEST_F(WebhookKeyTest, IsReplacedByAnotherControllerThanTheOneThatSawIt) {
  ASSERT_TRUE(made.set_holders(KeyHolders::kNotAllGood, "bad").has_value());
  const SecretData before = tls();
  TrustMaterial next{options({}), client, crypto::system_random(), clock};
  ASSERT_TRUE(next.load_or_create().has_value());
  ASSERT_TRUE(next.step().has_value());
  EXPECT_EQ(tls(), before) << "it does not know yet where the pods are";
  ASSERT_TRUE(next.set_holders(KeyHolders::kAllGood, "").has_value());
  ASSERT_TRUE(next.step().has_value());
  EXPECT_NE(tls().at("tls.key"), before.at("tls.key"));
}

TEST_F(WebhookKeyTest, IsServedByNoPodBeforeTheApiServerAcceptsIt) {
  const SecretData before = tls();
  server.erase(kube::secrets("ns"), "avouch-webhook-tls");
  server.fail_next(retryable("no connection"), [](const HttpRequest& request) {
    return request.method == "PATCH" && request.path.find("validatingwebhook") != std::string::npos;
  });
  EXPECT_FALSE(made.step().has_value());
  EXPECT_TRUE(tls().empty());
  step();
  EXPECT_EQ(accepted(), tls().at("ca.crt") + before.at("ca.crt"));
}

TEST_F(WebhookKeyTest, IsMadeWithoutAConfigurationToo) {
  server.erase(kube::validating_webhook_configurations(), "avouch");
  server.erase(kube::secrets("ns"), "avouch-webhook-tls");
  step();
  EXPECT_FALSE(tls().empty());
  EXPECT_FALSE(tls().contains("ca-former.crt"));
}

}  // namespace
}  // namespace avouch::control
