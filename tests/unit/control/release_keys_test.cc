#include "control/release_keys.h"

#include <gtest/gtest.h>

namespace avouch::control {
namespace {

const SystemTime kReleaseStart{std::chrono::seconds(1'800'000'000)};
const CaRules kReleaseRules{.common_name = "avouch CA"};

ReleaseKeys made(const std::string& origin = "") {
  return generate_keys(kReleaseRules, origin, "avouch/ns/r", crypto::system_random(),
                       kReleaseStart);
}

TEST(ReleaseKeys, AreTheSameAfterTheyWereStored) {
  ReleaseKeys keys = made();
  keys.ca.next = new_ca(kReleaseRules, kReleaseStart).current;
  keys.ca.previous = {new_ca(kReleaseRules, kReleaseStart).current.certificate_pem};
  const auto again = parse_keys(encode_keys(keys));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(encode_keys(*again), encode_keys(keys));
}

TEST(ReleaseKeys, SignWithTwoKeysOfTheLogWhileOneTakesTheOthersPlace) {
  ReleaseKeys keys = made("log.example");
  ASSERT_EQ(log_signers(keys)->size(), 1U);
  const std::string own = log_vkeys(*log_signers(keys));
  SecretData data = encode_keys(keys);
  data["log-next.key"] = crypto::PrivateKey::generate(crypto::KeyType::kEd25519).pem();
  const ReleaseKeys both = parse_keys(data).value();
  EXPECT_EQ(encode_keys(both), data) << "a CA that is renewed takes no key away";
  const auto signers = log_signers(both).value();
  ASSERT_EQ(signers.size(), 2U);
  EXPECT_EQ(log_vkeys(signers), own + "\n" + tlog::format_vkey(signers[1].verifier()));
  EXPECT_EQ(signers[1].verifier().name, "log.example");

  // The last step: the next key is the log's, and there is no other.
  data["log.key"] = data["log-next.key"];
  EXPECT_NE(log_signers(parse_keys(data).value()).error().message.find("remove it"),
            std::string::npos);
  data.erase("log-next.key");
  EXPECT_EQ(log_vkeys(*log_signers(parse_keys(data).value())),
            tlog::format_vkey(signers[1].verifier()));

  data["log-next.key"] = data["verifier.key"];
  EXPECT_NE(parse_keys(data).error().message.find("log-next.key is a key of type"),
            std::string::npos);
}

TEST(ReleaseKeys, KnowFormerKeysOfTheLogForWhatTheySigned) {
  const ReleaseKeys before = made("log.example");
  SecretData data = encode_keys(before);
  data["log.key"] = crypto::PrivateKey::generate(crypto::KeyType::kEd25519).pem();
  data["log-former.vkey"] = log_vkeys(*log_signers(before)) + "\n";
  const ReleaseKeys after = parse_keys(data).value();
  EXPECT_EQ(encode_keys(after), data);
  EXPECT_EQ(log_signers(after)->size(), 1U) << "they sign nothing";
  const auto known = log_verifiers(after, "log.example/2027").value();
  ASSERT_EQ(known.size(), 2U);
  EXPECT_EQ(tlog::format_vkey(known[1]), log_vkeys(*log_signers(before, "log.example/2027")));
  data["log-former.vkey"] = "log.example+00";
  EXPECT_NE(parse_keys(data).error().message.find("log-former.vkey"), std::string::npos);
}

TEST(ReleaseKeys, NameEveryLogDifferently) {
  const std::string one = made().log_origin;
  EXPECT_TRUE(one.starts_with("avouch/ns/r/"));
  EXPECT_EQ(one.size(), std::string("avouch/ns/r/").size() + 16);
  EXPECT_NE(one, made().log_origin);
  EXPECT_EQ(made("example.org/log").log_origin, "example.org/log");
}

// Verdicts and the log's history hang on these keys: what is lost is said, never made anew.
TEST(ReleaseKeys, AreNeverFilledIn) {
  const SecretData good = encode_keys(made());
  for (const auto& [name, value] : good) {
    SecretData without = good;
    without.erase(name);
    const auto missing = parse_keys(without);
    ASSERT_FALSE(missing.has_value()) << name;
    EXPECT_NE(missing.error().message.find(name), std::string::npos) << missing.error().message;

    SecretData empty = good;
    empty[name] = "";
    EXPECT_FALSE(parse_keys(empty).has_value()) << name;
  }
}

TEST(ReleaseKeys, RefuseKeysOfAnotherKind) {
  SecretData swapped = encode_keys(made());
  std::swap(swapped["verifier.key"], swapped["log.key"]);
  EXPECT_NE(parse_keys(swapped).error().message.find("verifier.key"), std::string::npos);

  SecretData foreign = encode_keys(made());
  foreign["ca.key"] = encode_keys(made())["ca.key"];
  EXPECT_EQ(parse_keys(foreign).error().message, "ca.key is not the key of ca.crt");

  SecretData cut = encode_keys(made());
  cut["pseudonym.key"].pop_back();
  EXPECT_FALSE(parse_keys(cut).has_value());
}

}  // namespace
}  // namespace avouch::control
