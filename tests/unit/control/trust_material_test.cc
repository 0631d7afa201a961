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
  const kube::Client client{server};
  TrustMaterial trust{{.names = {.release = "avouch", .ns = "ns"},
                       .log_origin = "",
                       .ca = {.common_name = "avouch"},
                       .own_names = {.dns = {"avouch-controller.ns.svc"}},
                       .webhook_names = {},
                       .webhook_configuration = "avouch",
                       .webhook_certificate = false},
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

}  // namespace
}  // namespace avouch::control
