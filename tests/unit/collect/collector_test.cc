#include "collect/collector.h"

#include <gtest/gtest.h>

#include <deque>

#include "attest/enrolment.h"
#include "codec/base64.h"
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
                                 const tpm::PcrSelection& selection) override {
    asked = selection;
    if (down) return retryable("TPM lost");
    if (key_lost) {
      key_lost = false;
      return rejected("integrity check failed");
    }
    qualifying_seen.emplace_back(qualifying.begin(), qualifying.end());
    return tpm::SignedQuote{message, signature};
  }
  // Where that is set, `pcrs` for the first so many readings alone, or only after them.
  Result<tpm::PcrValues> read_pcrs(const tpm::PcrSelection&) override {
    ++readings;
    const bool right = good_until ? readings <= *good_until : readings > good_after;
    tpm::PcrValues out = pcrs;
    if (!right) out.begin()->second[0] ^= 1;
    return out;
  }
  int readings = 0, good_after = 0;
  std::optional<int> good_until;

  Bytes ek_public = testing::corpus("ek.pub"), ak_public = testing::corpus("ak.pub");
  Bytes message = testing::corpus("quote.msg"), signature = testing::corpus("quote.sig");
  tpm::PcrValues pcrs = testing::corpus_pcrs();
  std::vector<Bytes> qualifying_seen;
  tpm::PcrSelection asked;  // by the last quote
  // Another boot: the quote's reset count grows.
  void reboot() {
    std::size_t at = 4 + 2;                    // magic, type
    for (int field = 0; field < 2; ++field) {  // qualifiedSigner, extraData
      at += 2U + (std::size_t{message[at]} << 8) + message[at + 1];
    }
    message[at + 8 + 3] ^= 1;  // behind the clock
  }

  bool down = false;
  bool key_lost = false;
  int keys_made = 0;
};

class MemoryKeys final : public KeyStore {
 public:
  Result<std::optional<tpm::WrappedKey>> load() override {
    if (damaged) return rejected("not a key file");
    return key;
  }
  Result<void> save(const tpm::WrappedKey& fresh) override {
    if (full) return retryable("no space left on device");
    key = fresh;
    return {};
  }
  std::optional<tpm::WrappedKey> key;
  bool damaged = false, full = false;
};

class FakeLogs final : public LogSource {
 public:
  Result<std::optional<Bytes>> boot_log() override {
    if (broken) return retryable("input/output error");
    return boot;
  }
  Result<std::optional<Bytes>> runtime_log(std::uint64_t offset, std::size_t max) override {
    if (broken) return retryable("input/output error");
    if (!runtime) return std::optional<Bytes>();
    if (offset >= runtime->size()) return std::optional(Bytes{});
    const ByteView rest = ByteView(*runtime).subspan(offset);
    const ByteView part = rest.first(std::min(max, rest.size()));
    return std::optional(Bytes(part.begin(), part.end()));
  }
  std::optional<Bytes> boot = to_bytes("boot log");
  std::optional<Bytes> runtime;
  bool broken = false;
};

Bytes ima_entry(std::string_view data) {
  Bytes out(24, 10);
  const auto length = [&](std::size_t size) {
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
  };
  length(6);
  append(out, to_bytes("ima-ng"));
  length(data.size());
  append(out, to_bytes(data));
  return out;
}

class FakeUplink final : public Uplink {
 public:
  Result<std::string> node_uid() override {
    if (api_down) return retryable("API server: connection refused");
    return uid;
  }
  Result<HeartbeatAnswer> heartbeat(const attest::UnverifiedEvidence& evidence) override {
    if (intake_down) return retryable("connection refused");
    heartbeats.push_back(evidence);
    return answer;
  }
  Result<void> put_blob(const crypto::Sha256& digest, ByteView content) override {
    EXPECT_EQ(crypto::sha256(content), digest);
    if (store_full) return retryable("507");
    ++blobs;
    return {};
  }
  Result<std::uint64_t> append_runtime_log(std::uint64_t offset, ByteView piece) override {
    EXPECT_EQ(offset, uploaded.size());
    append(uploaded, piece);
    return uploaded.size();
  }
  Result<void> publish(const attest::UnverifiedEvidence& evidence) override {
    if (api_down) return retryable("API server: connection refused");
    published.push_back(evidence);
    return {};
  }

  std::string uid = "uid-1";
  bool intake_down = false, api_down = false, store_full = false;
  HeartbeatAnswer answer{.outcome = HeartbeatAnswer::Outcome::kTaken, .phase = "Trusted"};
  std::vector<attest::UnverifiedEvidence> heartbeats, published;
  int blobs = 0;
  Bytes uploaded;
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
        collector(attester, logs, uplink, clock, {.version = "1", .heartbeat = 10s}, events()) {}

  // What the loop does in `time`, from one due moment to the next.
  void run_for(std::chrono::milliseconds time) {
    const SteadyTime end = clock.steady_now() + time;
    for (;;) {
      const auto pause = collector.step();
      if (clock.steady_now() + pause > end) break;
      clock.advance(pause);
    }
    clock.advance(end - clock.steady_now());
  }
  PublishedEvidence ours(std::optional<ActivationRequest> activation) const {
    return {codec::to_base64(device.ak_public), std::move(activation)};
  }
  // A beacon, and the time in which a node has to quote for it.
  void beacon_comes(int size) {
    collector.beacon_published(beacon(size));
    run_for(1s);
  }
  CollectorEvents events() {
    return {
        .on_heartbeat = [](const HeartbeatAnswer&) {},
        .on_problem = [this](std::string_view what, const Error&) { problems.emplace_back(what); },
        .on_progress = [](std::string_view) {}};
  }
  std::size_t count(std::string_view problem) const {
    return static_cast<std::size_t>(std::count(problems.begin(), problems.end(), problem));
  }

  FakeDevice device;
  MemoryKeys keys;
  FakeLogs logs;
  FakeUplink uplink;
  testing::ManualClock clock;
  std::vector<std::string> problems;
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
  collector.evidence_seen(ours(request));
  collector.step();
  collector.step();
  ASSERT_EQ(uplink.published.size(), 2U);
  const auto& answer = uplink.published[1].activation;
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->challenge_id, "challenge-1");
  EXPECT_EQ(answer->proof.size(), 32U);
  EXPECT_NE(answer->proof, to_bytes("secret"));
}

TEST_F(CollectorTest, TakesItsEvidenceBackFromSomebodyWhoWroteAnotherKeyThere) {
  run_for(1s);
  PublishedEvidence theirs = ours(std::nullopt);
  theirs.ak_public = codec::to_base64(to_bytes("another key"));
  collector.evidence_seen(theirs);
  run_for(28s);
  EXPECT_EQ(uplink.published.size(), 1U) << "two that write in turn do not fill the API server";
  run_for(2s);
  ASSERT_EQ(uplink.published.size(), 2U);
  EXPECT_EQ(uplink.published[1].identity->ak_public, device.ak_public);
  collector.evidence_seen(ours(std::nullopt));
  run_for(60s);
  EXPECT_EQ(uplink.published.size(), 2U) << "it is ours again";
  collector.evidence_seen(theirs);
  run_for(1s);
  EXPECT_EQ(uplink.published.size(), 3U);
}

TEST_F(CollectorTest, LeavesAChallengeForOtherKeysUnanswered) {
  collector.step();
  collector.evidence_seen(ours(ActivationRequest{"c", to_bytes("for another key"), to_bytes("s")}));
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
  beacon_comes(8);
  ASSERT_EQ(device.qualifying_seen.size(), 2U);
  EXPECT_NE(device.qualifying_seen[0], device.qualifying_seen[1]);
}

// A policy may ask for any PCR: what is not quoted could never satisfy it.
TEST_F(CollectorTest, QuotesEveryPcrOfEveryActiveBank) {
  collector.beacon_published(beacon(7));
  collector.step();
  ASSERT_FALSE(device.asked.empty());
  for (const tpm::BankSelection& bank : device.asked) EXPECT_EQ(bank.mask, 0xffffffU);
}

TEST_F(CollectorTest, WaitsForTheHeartbeatWhenBeaconsComeFaster) {
  collector.beacon_published(beacon(7));
  collector.step();
  clock.advance(1s);
  collector.beacon_published(beacon(8));
  run_for(6s);
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
  run_for(2s);
  EXPECT_EQ(uplink.heartbeats.size(), 2U);
}

TEST_F(CollectorTest, AClockThatStepsChangesNothing) {
  collector.beacon_published(beacon(7));
  collector.step();
  clock.step_wall_clock(-std::chrono::hours(48));
  clock.advance(10s);
  beacon_comes(8);
  EXPECT_EQ(uplink.heartbeats.size(), 2U);
}

TEST_F(CollectorTest, WritesTheCustomResourceOnlyWhenTheSubstanceChanges) {
  collector.beacon_published(beacon(7));
  collector.step();
  ASSERT_EQ(uplink.published.size(), 1U);
  clock.advance(10s);
  beacon_comes(8);
  EXPECT_EQ(uplink.published.size(), 1U) << "a heartbeat is not a write";
}

TEST_F(CollectorTest, WritesTheCustomResourceAgainWhenItWasDeleted) {
  collector.step();
  collector.evidence_seen(std::nullopt);
  collector.step();
  EXPECT_EQ(uplink.published.size(), 2U);
}

TEST_F(CollectorTest, FallsBackToTheCustomResourceWhenTheIntakeIsOutOfReach) {
  collector.beacon_published(beacon(7));
  collector.step();
  uplink.intake_down = true;
  clock.advance(31s);
  beacon_comes(8);
  ASSERT_EQ(uplink.published.size(), 2U);
  EXPECT_EQ(uplink.published[1].quote->beacon.size, 8U);
  clock.advance(10s);
  beacon_comes(9);
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
  clock.advance(first);
  const auto second = collector.step();
  EXPECT_GT(second, first);
  device.down = false;
  clock.advance(second);
  collector.step();
  EXPECT_EQ(uplink.published.size(), 1U);
}

TEST_F(CollectorTest, MakesANewKeyWhenTheTpmNoLongerLoadsTheOldOne) {
  collector.step();
  device.key_lost = true;
  beacon_comes(7);
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
  EXPECT_EQ(device.keys_made, 2);
}

TEST_F(CollectorTest, SpeaksForTheNewNodeWhenTheNodeObjectWasRecreated) {
  collector.beacon_published(beacon(7));
  collector.step();
  uplink.uid = "uid-2";
  uplink.answer.outcome = HeartbeatAnswer::Outcome::kRefused;
  clock.advance(10s);
  beacon_comes(8);
  ASSERT_FALSE(uplink.published.empty());
  EXPECT_EQ(uplink.published.back().node_uid, "uid-2");
}

TEST_F(CollectorTest, RefusesToSendValuesThatItsOwnQuoteDoesNotCover) {
  device.pcrs.begin()->second[0] ^= 1;
  collector.beacon_published(beacon(7));
  collector.step();
  EXPECT_TRUE(uplink.heartbeats.empty());
}

// PCR 10 grows with every new file that is run.
TEST_F(CollectorTest, QuotesWhatWasReadBeforeOrAfterThoughAPcrChanges) {
  device.good_until = 1;  // before the quote alone
  collector.beacon_published(beacon(7));
  collector.step();
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
  EXPECT_EQ(device.readings, 1) << "no more than one where nothing changed";

  device.good_until.reset();
  device.readings = 0;
  device.good_after = 4;
  clock.advance(10s);
  beacon_comes(8);
  EXPECT_EQ(uplink.heartbeats.size(), 2U);
  EXPECT_EQ(device.readings, 5);
}

TEST_F(CollectorTest, KeepsItsKeyWhenTheTpmFailsInAnyOtherWay) {
  collector.step();
  device.down = true;
  beacon_comes(7);
  device.down = false;
  run_for(2s);
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
  EXPECT_EQ(device.keys_made, 1);
}

TEST_F(CollectorTest, TakesUpTheEndorsementOfATpmThatReplacedTheOldOne) {
  collector.step();
  device.ek_public.back() ^= 1;
  device.key_lost = true;
  beacon_comes(7);
  ASSERT_EQ(uplink.published.size(), 2U);
  EXPECT_EQ(uplink.published[1].identity->ek_public, device.ek_public);
}

TEST_F(CollectorTest, AttestsWithAKeyThatItCannotStoreAndStoresItLater) {
  keys.full = true;
  beacon_comes(7);
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
  EXPECT_EQ(device.keys_made, 1) << "a full disk makes no new identity with every turn";
  EXPECT_GE(count("key file"), 1U);
  keys.full = false;
  collector.step();
  EXPECT_TRUE(keys.key.has_value());
  const auto reported = count("key file");
  collector.step();
  EXPECT_EQ(count("key file"), reported);
}

TEST_F(CollectorTest, ReplacesADamagedKeyFile) {
  keys.damaged = true;
  collector.step();
  EXPECT_EQ(device.keys_made, 1);
  EXPECT_TRUE(keys.key.has_value());
}

TEST_F(CollectorTest, TriesASilentIntakeAgainSoonHoweverLongTheHeartbeatIs) {
  Collector hourly(attester, logs, uplink, clock, {.version = "1", .heartbeat = 1h}, events());
  hourly.beacon_published(beacon(7));
  uplink.intake_down = true;
  hourly.step();
  uplink.intake_down = false;
  const auto pause = hourly.step();
  EXPECT_LE(pause, 2s);
  clock.advance(pause);
  hourly.step();
  EXPECT_EQ(uplink.heartbeats.size(), 1U) << "for the same beacon: there was no answer";
  hourly.beacon_published(beacon(8));
  clock.advance(44min);
  hourly.step();
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
  clock.advance(1min + 30s);
  hourly.step();
  EXPECT_EQ(uplink.heartbeats.size(), 2U);
}

TEST_F(CollectorTest, NeverSleepsLongerThanAMinuteSoThatItsLifeCanBeSeen) {
  Collector hourly(attester, logs, uplink, clock, {.version = "1", .heartbeat = 1h}, events());
  hourly.beacon_published(beacon(7));
  for (int i = 0; i < 5; ++i) EXPECT_LE(hourly.step(), 1min);
}

TEST_F(CollectorTest, QuotesEverySecondWhenToldTo) {
  Collector quick(attester, logs, uplink, clock, {.version = "1", .heartbeat = 1s}, events());
  for (int second = 0; second < 5; ++second) {
    quick.beacon_published(beacon(10 + second));
    const SteadyTime end = clock.steady_now() + 1s;
    for (auto pause = quick.step(); clock.steady_now() + pause < end; pause = quick.step()) {
      clock.advance(pause);
    }
    clock.advance(end - clock.steady_now());
  }
  EXPECT_EQ(uplink.heartbeats.size(), 5U);
}

TEST_F(CollectorTest, QuotesAtOnceForTheFirstBeaconAndAtItsOwnPlaceForLaterOnes) {
  collector.beacon_published(beacon(7));
  collector.step();
  EXPECT_EQ(uplink.heartbeats.size(), 1U) << "at once";
  std::vector<std::chrono::milliseconds> places;
  for (int node = 0; node < 20; ++node) {
    FakeUplink other;
    other.uid = "uid-" + std::to_string(node);
    Collector one(attester, logs, other, clock, {.version = "1", .heartbeat = 10s}, events());
    one.beacon_published(beacon(7));
    one.step();
    clock.advance(10s);
    one.beacon_published(beacon(8));
    const auto place = one.step();
    EXPECT_LE(place, 1s);
    places.push_back(place);
  }
  std::sort(places.begin(), places.end());
  EXPECT_GT(places.back() - places.front(), 500ms) << "not all at once";
}

TEST_F(CollectorTest, AsksAgainSoonAfterEnrolment) {
  uplink.answer.outcome = HeartbeatAnswer::Outcome::kNotEnrolled;
  collector.beacon_published(beacon(7));
  collector.step();
  collector.evidence_seen(ours(ActivationRequest{"challenge-1", to_bytes("blob"), to_bytes("s")}));
  collector.step();
  uplink.answer.outcome = HeartbeatAnswer::Outcome::kTaken;
  run_for(1s);
  EXPECT_EQ(uplink.heartbeats.back().activation->challenge_id, "challenge-1");
}

TEST_F(CollectorTest, KeepsSendingHeartbeatsWhileTheApiServerIsAway) {
  collector.step();
  uplink.api_down = true;
  logs.boot = to_bytes("another boot log");  // new substance, which cannot be written
  for (int i = 7; i < 12; ++i) {
    beacon_comes(i);
    run_for(9s);
  }
  EXPECT_EQ(uplink.heartbeats.size(), 5U);
  EXPECT_GE(count("publish"), 3U);
  EXPECT_LE(count("publish"), 12U) << "with growing pauses";
  uplink.api_down = false;
  run_for(15s);
  EXPECT_EQ(uplink.published.size(), 2U);
}

TEST_F(CollectorTest, GoesOnWhenTheControllersStoreIsFull) {
  uplink.store_full = true;
  uplink.answer.missing_blobs = {crypto::sha256("boot log")};
  beacon_comes(7);
  EXPECT_EQ(count("upload"), 1U);
  EXPECT_EQ(uplink.published.size(), 1U);
}

TEST_F(CollectorTest, SkipsABeaconThatIsNoneAndQuotesForTheNext) {
  collector.beacon_published("no note");
  run_for(5s);
  EXPECT_EQ(count("beacon"), 1U) << "said once";
  EXPECT_EQ(uplink.published.size(), 1U) << "the identity does not wait for a beacon";
  beacon_comes(7);
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
}

TEST_F(CollectorTest, FollowsABeaconThatWentBack) {
  collector.beacon_published(beacon(70));
  collector.step();
  clock.advance(10s);
  beacon_comes(7);
  ASSERT_EQ(uplink.heartbeats.size(), 2U) << "which beacon counts is the controller's to say";
  EXPECT_EQ(uplink.heartbeats[1].quote->beacon.size, 7U);
}

TEST_F(CollectorTest, WritesOnceForADeletionThatItHearsOfLate) {
  collector.step();
  collector.evidence_seen(std::nullopt);
  run_for(30s);
  EXPECT_EQ(uplink.published.size(), 2U);
  collector.evidence_seen(std::nullopt);
  run_for(1s);
  EXPECT_EQ(uplink.published.size(), 3U) << "deleted once more";
}

TEST_F(CollectorTest, LeavesAHopelessChallengeAlone) {
  collector.evidence_seen(ours(ActivationRequest{"c", to_bytes("for another key"), to_bytes("s")}));
  run_for(60s);
  EXPECT_EQ(count("activation"), 1U);
}

TEST_F(CollectorTest, SendsNoQuoteBesideARuntimeLogThatEndsBeforeIt) {
  logs.runtime = ima_entry("one");
  beacon_comes(7);
  ASSERT_EQ(uplink.heartbeats.size(), 1U);
  append(*logs.runtime, ima_entry("two"));
  logs.broken = true;
  clock.advance(10s);
  beacon_comes(8);
  EXPECT_EQ(uplink.heartbeats.size(), 1U);
  logs.broken = false;
  run_for(10s);
  ASSERT_EQ(uplink.heartbeats.size(), 2U);
  EXPECT_EQ(uplink.heartbeats[1].runtime_log->entries, 2U);
}

TEST_F(CollectorTest, SendsHeartbeatsWithoutLogsThatCannotBeReadAtAll) {
  logs.broken = true;
  beacon_comes(7);
  EXPECT_TRUE(uplink.heartbeats.empty()) << "it is tried again";
  ASSERT_FALSE(uplink.published.empty());
  for (const auto& shown : uplink.published) {
    EXPECT_FALSE(shown.quote.has_value()) << "nor is it in the resource";
  }
  run_for(30s);
  ASSERT_FALSE(uplink.heartbeats.empty());
  EXPECT_FALSE(uplink.heartbeats[0].boot_log.has_value());
  EXPECT_FALSE(uplink.heartbeats[0].runtime_log.has_value());
}

TEST_F(CollectorTest, UploadsOfTheRuntimeLogOnlyWhatIsNew) {
  logs.runtime = ima_entry("one");
  uplink.answer.runtime_log_offset = 0;
  collector.beacon_published(beacon(7));
  collector.step();
  EXPECT_EQ(uplink.uploaded, *logs.runtime);
  append(*logs.runtime, ima_entry("two"));
  uplink.answer.runtime_log_offset = uplink.uploaded.size();
  clock.advance(10s);
  beacon_comes(8);
  EXPECT_EQ(uplink.uploaded, *logs.runtime) << "appended at the controller's offset";
}

TEST_F(CollectorTest, ReadsTheRuntimeLogOfAnotherBootFromItsStartThoughItIsLonger) {
  logs.runtime = ima_entry("one");
  collector.beacon_published(beacon(7));
  collector.step();
  logs.runtime = ima_entry("of the next boot, and longer than before");
  append(*logs.runtime, ima_entry("two"));
  device.reboot();
  clock.advance(10s);
  beacon_comes(8);
  ASSERT_EQ(uplink.heartbeats.size(), 2U);
  EXPECT_EQ(uplink.heartbeats[1].runtime_log->digest, crypto::sha256(*logs.runtime));
  EXPECT_EQ(uplink.heartbeats[1].runtime_log->entries, 2U);
}

TEST_F(CollectorTest, DoesNotSendTheBootLogOfTheBootBefore) {
  collector.beacon_published(beacon(7));
  collector.step();
  logs.broken = true;
  device.reboot();
  clock.advance(10s);
  beacon_comes(8);
  run_for(30s);
  ASSERT_EQ(uplink.heartbeats.size(), 2U);
  EXPECT_FALSE(uplink.heartbeats[1].boot_log.has_value());
}

}  // namespace
}  // namespace avouch::collect
