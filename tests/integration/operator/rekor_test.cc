// A controller as a process on a real API server, whose registration policy lists a key as cosign
// uses them: what that key signs becomes an entry, whoever sends it, and its proof holds.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/base64.h"
#include "codec/json.h"
#include "integration/operator/controller_scene.h"
#include "support/rekords.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/rekor_answer.h"

namespace avouch::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Rekor : public ControllerScene {
 protected:
  std::string enter(const std::string& request) const {
    return send("POST /api/v2/log/entries HTTP/1.1\r\nContent-Type: application/json\r\n", request);
  }
  // The index of the entry, where the answer proves it under the log's key.
  std::string verified(const std::string& answer,
                       const tlog::UnverifiedHashedRekord& rekord) const {
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 201")) << log();
    const auto body = codec::parse_json(body_of(answer));
    const auto map = client_->get(kube::config_maps(kNamespace), "avouch-trust");
    if (!body.has_value() || !map.has_value()) return "";
    const auto key = tlog::parse_vkey(map->text({"data", "log.vkey"})).value();
    EXPECT_EQ(key.name, "log.example.org");
    EXPECT_EQ(body->text({"logId", "keyId"}), codec::to_base64(tlog::rekor_log_id(key)));
    const auto checkpoint =
        tlog::verify_checkpoint(body->text({"inclusionProof", "checkpoint", "envelope"}),
                                std::span(&key, 1), "log.example.org");
    EXPECT_TRUE(checkpoint.has_value()) << checkpoint.error().message;
    const codec::Json* hashes = body->find_path({"inclusionProof", "hashes"});
    if (!checkpoint.has_value() || hashes == nullptr) return "";
    std::vector<tlog::Hash> path;
    for (const codec::Json& each : *hashes->as_array()) {
      const Bytes bytes = codec::from_base64(*each.as_string()).value();
      std::copy_n(bytes.begin(), 32, path.emplace_back().begin());
    }
    const std::string index(body->text({"logIndex"}));
    const tlog::Hash leaf = tlog::leaf_hash(tlog::format_hashed_rekord(rekord));
    EXPECT_TRUE(tlog::verify_inclusion(std::stoull(index), checkpoint->size(), leaf, path,
                                       checkpoint->root())
                    .has_value());
    return index;
  }
};

TEST_F(Rekor, TakesWhatAListedKeySignsAndOutlastsARestart) {
  const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const auto rekord = make_rekord(key, "what is signed");
  std::string pem = key.public_key().pem();
  for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += 2) {
    pem.replace(at, 1, "\\n");
  }
  const std::string keys = "registration: {rekorKeys: \"" + pem + "\"}";

  // A log whose name no such client can know is not begun.
  configure(keys);
  launch();
  EXPECT_TRUE(eventually([&] {
    return log().find("rekorKeys: the log's name is \"\"") != std::string::npos;
  })) << log();

  configure("origin: log.example.org, " + keys);
  start();
  const crypto::PrivateKey stranger = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const std::string unknown = enter(rekord_request(make_rekord(stranger, "what is signed")));
  EXPECT_THAT(unknown, StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(unknown, HasSubstr("UnknownKey"));
  auto changed = rekord;
  changed.digest[0] ^= 1;
  EXPECT_THAT(enter(rekord_request(changed)), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(enter("garbage"), StartsWith("HTTP/1.1 400"));

  const std::string taken = enter(rekord_request(rekord));
  const std::string index = verified(taken, rekord);
  const std::string policy = header_of(taken, "Avouch-Registration-Policy");
  EXPECT_FALSE(policy.empty());
  EXPECT_EQ(controller_.metric("avouch_log_hashed_rekords{outcome=\"registered\"}"), "1");
  EXPECT_EQ(controller_.metric("avouch_log_hashed_rekords{outcome=\"refused\"}"), "3");
  // It has no receipt, and those before it have theirs.
  EXPECT_THAT(send("GET /entries/" + index + " HTTP/1.1\r\n"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(send("GET /entries/0 HTTP/1.1\r\n"), StartsWith("HTTP/1.1 200"));

  // The same policy and the same signature are the same entries after a restart.
  stop();
  start();
  const std::string again = enter(rekord_request(rekord));
  EXPECT_EQ(verified(again, rekord), index);
  EXPECT_EQ(header_of(again, "Avouch-Registration-Policy"), policy);
  stop();

  // Where the list is taken away there is no such resource.
  configure("registration: {}");
  start();
  EXPECT_THAT(enter(rekord_request(rekord)), StartsWith("HTTP/1.1 404"));
}

}  // namespace
}  // namespace avouch::testing
