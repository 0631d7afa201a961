#include "control/trust_material.h"

#include <gtest/gtest.h>

#include "control/secret_data.h"
#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::control {
namespace {

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
                       .webhook_names = {},
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

}  // namespace
}  // namespace avouch::control
