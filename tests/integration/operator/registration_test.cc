// A controller as a process on a real API server, with a registration policy: a statement of
// another party becomes an entry for who may send one, and for nobody else.

#include <gtest/gtest.h>

#include "integration/operator/controller_scene.h"
#include "support/log_vectors.h"
#include "tlog/receipt.h"

namespace avouch::testing {
namespace {

constexpr const char* kMaySend =
    R"([{"op":"replace","path":"/rules/0","value":{"apiGroups":["avouch.dev"],)"
    R"("resources":["statements"],"verbs":["create"]}}])";

class Registration : public ControllerScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ControllerScene::SetUp());
    ASSERT_NO_FATAL_FAILURE(create_account("sender"));
    ASSERT_NO_FATAL_FAILURE(create_account("stranger"));
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"create", "clusterrole", "senders", "--verb=create",
                                   "--resource=pods"},
          {"patch", "clusterrole", "senders", "--type=json", "-p", kMaySend},
          {"create", "clusterrolebinding", "senders", "--clusterrole=senders",
           std::string("--serviceaccount=") + kNamespace + ":sender"}}) {
      ASSERT_NO_FATAL_FAILURE(kubectl(command));
    }
  }

  std::string register_it(const std::string& authorization, ByteView statement) const {
    return send("POST /entries HTTP/1.1\r\nContent-Type: application/cose\r\n" + authorization,
                std::string(as_text(statement)));
  }
};

TEST_F(Registration, IsForThoseWhoMayAndOutlastsARestart) {
  const LogVectors vectors("statements.txt");
  const Bytes statement = vectors.bytes("es256");
  std::string pem = crypto::PublicKey::from_spki_der(vectors.bytes("p256-spki")).value().pem();
  for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += 2) {
    pem.replace(at, 1, "\\n");
  }
  configure("registration: {issuers: [{issuer: \"https://vendor.example\", keys: \"" + pem +
            "\", kinds: [application/spdx+json]}]}");
  start();

  const std::string nobody = register_it("", statement);
  EXPECT_TRUE(nobody.starts_with("HTTP/1.1 401")) << nobody;
  const std::string stranger = register_it(bearer("stranger"), statement);
  EXPECT_TRUE(stranger.starts_with("HTTP/1.1 403")) << stranger;
  const std::string sender = bearer("sender");
  const std::string garbage = register_it(sender, to_bytes("garbage"));
  EXPECT_TRUE(garbage.starts_with("HTTP/1.1 400")) << garbage;
  const std::string other = register_it(sender, vectors.bytes("es384-with-all"));
  EXPECT_TRUE(other.starts_with("HTTP/1.1 400")) << other;
  EXPECT_EQ(header_of(other, "Content-Type"), "application/concise-problem-details+cbor");

  const std::string taken = register_it(sender, statement);
  ASSERT_TRUE(taken.starts_with("HTTP/1.1 201")) << taken << log();
  const std::string place = header_of(taken, "Location");
  const std::string policy = header_of(taken, "Avouch-Registration-Policy");
  EXPECT_FALSE(policy.empty());
  const auto map = client_->get(kube::config_maps(kNamespace), "avouch-trust");
  ASSERT_TRUE(map.has_value());
  const auto keys =
      crypto::PublicKey::list_from_pem(map->text({"data", "verifier-keys.pem"})).value();
  const std::string origin(map->text({"data", "log.origin"}));
  const auto verify = [&](const std::string& answer) {
    const Bytes body = to_bytes(answer.substr(answer.find("\r\n\r\n") + 4));
    const auto receipt = tlog::verify_receipt(body, tlog::leaf_hash(statement), keys, origin);
    EXPECT_TRUE(receipt.has_value()) << receipt.error().message;
    return receipt.has_value() ? "/entries/" + std::to_string(receipt->inclusion().index) : "";
  };
  EXPECT_EQ(verify(taken), place);

  // The same policy and the same statement are the same entries after a restart.
  stop();
  start();
  const std::string again = register_it(bearer("sender"), statement);
  ASSERT_TRUE(again.starts_with("HTTP/1.1 201")) << again << log();
  EXPECT_EQ(header_of(again, "Location"), place);
  EXPECT_EQ(header_of(again, "Avouch-Registration-Policy"), policy);
  EXPECT_EQ(verify(send("GET " + place + " HTTP/1.1\r\n")), place);
  stop();

  // Where the policy is taken away nobody's are taken, and what is there stays.
  configure("registration: {}");
  start();
  const std::string closed = register_it(bearer("sender"), statement);
  EXPECT_TRUE(closed.starts_with("HTTP/1.1 405")) << closed;
  EXPECT_EQ(verify(send("GET " + place + " HTTP/1.1\r\n")), place);
}

}  // namespace
}  // namespace avouch::testing
