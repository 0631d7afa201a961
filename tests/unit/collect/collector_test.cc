#include "collect/collector.h"

#include <gtest/gtest.h>

#include <deque>

#include "attest/enrolment.h"
#include "crypto/hash.h"
#include "support/manual_clock.h"
#include "support/vectors.h"

namespace avouch::collect {
namespace {

using namespace std::chrono_literals;

// A TPM whose answers the test sets. Quotes are those of a real one, replayed.
class FakeDevice final : public tpm::Device {
 public:
  Result<tpm::DeviceState> state() override {
    if (down) return retryable("TPM lost");
    return tpm::DeviceState{.active_banks = {crypto::HashAlgorithm::kSha256},
                            .manufacturer = "IBM"};
  }
  Result<tpm::Endorsement> endorsement() override {
    if (down) return retryable("TPM lost");
    return tpm::Endorsement{.ek_public = ek_public};
  }
  Result<tpm::WrappedKey> create_attestation_key() override {
    ++keys_made;
    return tpm::WrappedKey{ak_public, to_bytes("private " + std::to_string(keys_made))};
  }
  Result<Bytes> activate(const tpm::WrappedKey&, ByteView blob, ByteView) override {
    if (as_text(blob) == "for another key") return rejected("integrity");
    return to_bytes("secret");
  }
  Result<tpm::SignedQuote> quote(const tpm::WrappedKey&, ByteView qualifying,
                                 const tpm::PcrSelection&) override {
    if (down) return retryable("TPM lost");
    if (key_lost) {
      key_lost = false;
      return rejected("integrity check failed");
    }
    qualifying_seen.emplace_back(qualifying.begin(), qualifying.end());
    return tpm::SignedQuote{message, signature};
  }
  Result<tpm::PcrValues> read_pcrs(const tpm::PcrSelection&) override { return pcrs; }

  Bytes ek_public = testing::corpus("ek.pub"), ak_public = testing::corpus("ak.pub");
  Bytes message = testing::corpus("quote.msg"), signature = testing::corpus("quote.sig");
  tpm::PcrValues pcrs = testing::corpus_pcrs();
  std::vector<Bytes> qualifying_seen;
  bool down = false;
  bool key_lost = false;
  int keys_made = 0;
};

class MemoryKeys final : public KeyStore {
 public:
  Result<std::optional<tpm::WrappedKey>> load() override { return key; }
  Result<void> save(const tpm::WrappedKey& fresh) override {
    key = fresh;
    return {};
  }
  std::optional<tpm::WrappedKey> key;
};

class NoLogs final : public LogSource {
 public:
  Result<std::optional<Bytes>> boot_log() override { return std::optional(to_bytes("boot log")); }
  Result<std::optional<Bytes>> runtime_log(std::uint64_t, std::size_t) override {
    return std::optional<Bytes>();
  }
};

class FakeUplink final : public Uplink {
 public:
  Result<std::string> node_uid() override { return uid; }
  Result<HeartbeatAnswer> heartbeat(const attest::UnverifiedEvidence& evidence) override {
    if (intake_down) return retryable("connection refused");
    heartbeats.push_back(evidence);
    return answer;
  }
  Result<void> put_blob(const crypto::Sha256& digest, ByteView content) override {
    EXPECT_EQ(crypto::sha256(content), digest);
    ++blobs;
    return {};
  }
  Result<std::uint64_t> append_runtime_log(std::uint64_t offset, ByteView piece) override {
    return offset + piece.size();
  }
  Result<void> publish(const attest::UnverifiedEvidence& evidence) override {
    published.push_back(evidence);
    return {};
  }

  std::string uid = "uid-1";
  bool intake_down = false;
  HeartbeatAnswer answer{.outcome = HeartbeatAnswer::Outcome::kTaken, .phase = "Trusted"};
  std::vector<attest::UnverifiedEvidence> heartbeats, published;
  int blobs = 0;
};

std::string beacon(int size) {
  const std::string root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  return "log.example\n" + std::to_string(size) + "\n" + root + "\n\n\xE2\x80\x94 log.example " +
         root + "\n";
}

class CollectorTest : public ::testing::Test {
 protected:
  CollectorTest()
      : attester(device, keys),
        collector(attester, logs, uplink, clock, {.version = "1", .heartbeat = 10s}, {}) {}

  FakeDevice device;
  MemoryKeys keys;
  NoLogs logs;
  FakeUplink uplink;
  testing::ManualClock clock;
  Attester attester;
  Collector collector;
};

TEST_F(CollectorTest, PublishesItsIdentityBeforeThereIsABeacon) {
  collector.step();
  ASSERT_EQ(uplink.published.size(), 1U);
  EXPECT_EQ(uplink.published[0].identity->ak_public, device.ak_public);
  EXPECT_FALSE(uplink.published[0].quote.has_value());
  EXPECT_TRUE(keys.key.has_value()) << "the key outlives a restart";
  collector.step();
  EXPECT_EQ(uplink.published.size(), 1U) << "nothing changed";
}

TEST_F(CollectorTest, AnswersEachChallengeOnceWithAProofAndNotTheSecret) {
  collector.step();
  const ActivationRequest request{"challenge-1", to_bytes("blob"), to_bytes("seed")};
  collector.evidence_seen(true, request);
  collector.step();
  collector.step();
  ASSERT_EQ(uplink.published.size(), 2U);
  const auto& answer = uplink.published[1].activation;
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->challenge_id, "challenge-1");
  EXPECT_EQ(answer->proof.size(), 32U);
  EXPECT_NE(answer->proof, to_bytes("secret"));
}

TEST_F(CollectorTest, LeavesAChallengeForOtherKeysUnanswered) {
  collector.step();
  collector.evidence_seen(true, ActivationRequest{"c", to_bytes("for another key"), to_bytes("s")});
  collector.step();
  EXPECT_EQ(uplink.published.size(), 1U);
}

TEST_F(CollectorTest, QuotesOnceForEachBeaconAndBindsItToTheNode) {
  collector.beacon_published(beacon(7));
  collector.step();
  collector.step();
  ASSERT_EQ(uplink.heartbeats.size(), 1U);
  EXPECT_EQ(uplink.heartbeats[0].quote->beacon.size, 7U);
  clock.advance(10s);
  collector.beacon_published(beacon(8));
  collector.step();
  ASSERT_EQ(device.qualifying_seen.size(), 2U);
  EXPECT_NE(device.qualifying_seen[0], device.qualifying_seen[1]);
}

TEST_F(CollectorTest, WaitsForTheHeartbeatWhenBeaconsComeFaster) {
  collector.beacon_published(beacon(7));
  collector.step();
  clock.advance(1s);
  collector.beacon_published(beacon(8));
  const auto pause = collector.step();
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
  clock.advance(pause);
  collector.step();
  EXPECT_EQ(uplink.heartbeats.size(), 2U);
}

TEST_F(CollectorTest, AClockThatStepsChangesNothing) {
  collector.beacon_published(beacon(7));
  collector.step();
  clock.step_wall_clock(-std::chrono::hours(48));
  clock.advance(10s);
  collector.beacon_published(beacon(8));
  collector.step();
  EXPECT_EQ(uplink.heartbeats.size(), 2U);
}

TEST_F(CollectorTest, WritesTheCustomResourceOnlyWhenTheSubstanceChanges) {
  collector.beacon_published(beacon(7));
  collector.step();
  ASSERT_EQ(uplink.published.size(), 1U);
  clock.advance(10s);
  collector.beacon_published(beacon(8));
  collector.step();
  EXPECT_EQ(uplink.published.size(), 1U) << "a heartbeat is not a write";
}

TEST_F(CollectorTest, WritesTheCustomResourceAgainWhenItWasDeleted) {
  collector.step();
  collector.evidence_seen(false, std::nullopt);
  collector.step();
  EXPECT_EQ(uplink.published.size(), 2U);
}

TEST_F(CollectorTest, FallsBackToTheCustomResourceWhenTheIntakeIsOutOfReach) {
  collector.beacon_published(beacon(7));
  collector.step();
  uplink.intake_down = true;
  clock.advance(31s);
  collector.beacon_published(beacon(8));
  collector.step();
  ASSERT_EQ(uplink.published.size(), 2U);
  EXPECT_EQ(uplink.published[1].quote->beacon.size, 8U);
  clock.advance(10s);
  collector.beacon_published(beacon(9));
  collector.step();
  EXPECT_EQ(uplink.published.size(), 2U) << "at most one such write every 30 s";
}

TEST_F(CollectorTest, UploadsWhatTheControllerMisses) {
  uplink.answer.missing_blobs = {crypto::sha256("boot log"), crypto::sha256("something else")};
  collector.beacon_published(beacon(7));
  collector.step();
  EXPECT_EQ(uplink.blobs, 1);
}

TEST_F(CollectorTest, SurvivesALostTpmWithGrowingPauses) {
  device.down = true;
  const auto first = collector.step();
  const auto second = collector.step();
  EXPECT_GT(second, first);
  device.down = false;
  collector.step();
  EXPECT_EQ(uplink.published.size(), 1U);
}

TEST_F(CollectorTest, MakesANewKeyWhenTheTpmNoLongerLoadsTheOldOne) {
  collector.step();
  device.key_lost = true;
  collector.beacon_published(beacon(7));
  collector.step();
  collector.step();
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
  EXPECT_EQ(device.keys_made, 2);
}

TEST_F(CollectorTest, SpeaksForTheNewNodeWhenTheNodeObjectWasRecreated) {
  collector.beacon_published(beacon(7));
  collector.step();
  uplink.uid = "uid-2";
  uplink.answer.outcome = HeartbeatAnswer::Outcome::kRefused;
  clock.advance(10s);
  collector.beacon_published(beacon(8));
  collector.step();
  ASSERT_FALSE(uplink.published.empty());
  EXPECT_EQ(uplink.published.back().node_uid, "uid-2");
}

TEST_F(CollectorTest, RefusesToSendValuesThatItsOwnQuoteDoesNotCover) {
  device.pcrs.begin()->second[0] ^= 1;
  collector.beacon_published(beacon(7));
  collector.step();
  EXPECT_TRUE(uplink.heartbeats.empty());
}

}  // namespace
}  // namespace avouch::collect
