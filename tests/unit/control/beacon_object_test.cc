#include "control/beacon_object.h"

#include <gtest/gtest.h>

#include "codec/json.h"
#include "support/fake_kube.h"

namespace avouch::control {
namespace {

constexpr const char* kOrigin = "log.example/one";

tlog::NoteSigner any_signer() {
  return tlog::NoteSigner::make(kOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
      .value();
}

class BeaconObjectTest : public ::testing::Test {
 protected:
  static std::string note(const tlog::NoteSigner& signer, std::uint64_t size, std::uint8_t root = 0,
                          const std::string& origin = kOrigin) {
    tlog::Hash hash{};
    hash[0] = root;
    const std::string text = tlog::format_checkpoint({origin, size, hash, {}}).value();
    return tlog::sign_note(text, std::span(&signer, 1)).value();
  }
  std::string note(std::uint64_t size, std::uint8_t root = 0) const {
    return note(signer_, size, root);
  }
  BeaconObject object() const {
    return {client_,
            {.ns = "ns", .name = "r-beacon", .origin = kOrigin, .log_keys = {signer_.verifier()}}};
  }
  std::string shown() const {
    const auto map = client_.get(kube::config_maps("ns"), "r-beacon");
    return map.has_value() ? std::string(map->text({"data", "checkpoint"})) : "(none)";
  }
  // Somebody else writes.
  void put(const std::string& text) const {
    BeaconObject other = object();
    ASSERT_TRUE(other.read().has_value());
    const codec::Json map = codec::Json::Object{
        {"apiVersion", "v1"},
        {"kind", "ConfigMap"},
        {"metadata", codec::Json::Object{{"name", "r-beacon"}, {"namespace", "ns"}}},
        {"data", codec::Json::Object{{"checkpoint", text}}}};
    ASSERT_TRUE(
        client_.apply(kube::config_maps("ns"), map, {.field_manager = "other"}).has_value());
  }
  std::optional<std::uint64_t> remembered() const {
    BeaconObject reader = object();
    const auto there = reader.read().value();
    return there ? std::optional(there->size()) : std::nullopt;
  }

  testing::FakeKube server_;
  kube::Client client_{server_};
  const crypto::PrivateKey key_ = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  tlog::NoteSigner signer_ = tlog::NoteSigner::make(kOrigin, key_).value();
};

TEST_F(BeaconObjectTest, ShowsEachCheckpointAndRemembersTheLast) {
  EXPECT_EQ(remembered(), std::nullopt);
  BeaconObject beacon = object();
  for (const std::uint64_t size : {2U, 3U, 3U, 9U}) {
    const auto outcome = beacon.show(note(size));
    ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
    EXPECT_EQ(shown(), note(size));
    EXPECT_EQ(remembered(), size);
  }
}

// Which of the chain's logs the cluster knows, by their own key alone.
TEST_F(BeaconObjectTest, TellsWhichLogOfTheChainWasShownLast) {
  const tlog::NoteVerifier key = signer_.verifier();
  const auto label = [&] {
    return beacon_shard(client_, "ns", "r-beacon", kOrigin, std::span(&key, 1)).value();
  };
  const auto of = [&](const std::string& origin, const crypto::PrivateKey& with) {
    return note(tlog::NoteSigner::make(origin, with).value(), 7, 0, origin);
  };
  const auto another = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  EXPECT_EQ(label(), std::nullopt);
  put(of(kOrigin, key_));
  EXPECT_EQ(label(), "");
  put(of(std::string(kOrigin) + "/2027-q1", key_));
  EXPECT_EQ(label(), "2027-q1");
  for (const std::string& other :
       {of(std::string(kOrigin) + "/2027-q1", another), of(std::string(kOrigin) + "/x", key_),
        of("log.example/two/2027", key_), note(signer_, 7, 0, std::string(kOrigin) + "/2027"),
        std::string("no note")}) {
    put(other);
    EXPECT_EQ(label(), std::nullopt) << other;
  }
}

TEST_F(BeaconObjectTest, RemembersNothingOfAnotherLogOrKey) {
  put(note(any_signer(), 7));
  EXPECT_EQ(remembered(), std::nullopt);
  put(note(signer_, 7, 0, "log.example/two"));
  EXPECT_EQ(remembered(), std::nullopt);
  put("no note");
  EXPECT_EQ(remembered(), std::nullopt);
  put(note(7));
  EXPECT_EQ(remembered(), 7U);
}

TEST_F(BeaconObjectTest, NeverReplacesACheckpointThatIsAheadOrAnother) {
  for (const std::string& theirs : {note(10), note(9, 1)}) {
    put(theirs);
    BeaconObject beacon = object();
    const auto outcome = beacon.show(note(9));
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().kind, ErrorKind::kFatal);
    EXPECT_EQ(shown(), theirs);
  }
}

TEST_F(BeaconObjectTest, NoticesASecondWriterThatComesInBetween) {
  BeaconObject beacon = object();
  ASSERT_TRUE(beacon.show(note(5)).has_value());
  put(note(8));
  const auto first = beacon.show(note(6));
  ASSERT_FALSE(first.has_value());
  EXPECT_EQ(first.error().kind, ErrorKind::kRetryable) << "it was changed: look again";
  EXPECT_EQ(shown(), note(8));
  EXPECT_EQ(beacon.show(note(6)).error().kind, ErrorKind::kFatal);
  EXPECT_EQ(shown(), note(8));
}

TEST_F(BeaconObjectTest, GoesOnWhereSomebodyOnlySpoiledOrDeletedIt) {
  BeaconObject beacon = object();
  ASSERT_TRUE(beacon.show(note(5)).has_value());
  for (const std::string& theirs : {std::string("spoiled"), note(4), note(any_signer(), 100)}) {
    put(theirs);
    EXPECT_EQ(beacon.show(note(6)).error().kind, ErrorKind::kRetryable);
    EXPECT_TRUE(beacon.show(note(6)).has_value());
    EXPECT_EQ(shown(), note(6));
  }
  ASSERT_TRUE(client_.remove(kube::config_maps("ns"), "r-beacon").has_value());
  for (int i = 0; i < 2 && shown() != note(7); ++i) static_cast<void>(beacon.show(note(7)));
  EXPECT_EQ(shown(), note(7));
}

}  // namespace
}  // namespace avouch::control
