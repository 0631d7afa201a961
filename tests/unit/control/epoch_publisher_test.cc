#include "control/epoch_publisher.h"

#include <gtest/gtest.h>

#include "control/renewal_index.h"
#include "support/manual_clock.h"
#include "tests/support/tpm_structures.h"
#include "tlog/entry.h"

namespace avouch::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Observed final : public ControlObserver {
 public:
  void heartbeat(std::string_view, std::string_view, std::chrono::microseconds) override {}
  void verdict(std::string_view, std::string_view, std::string_view, std::uint64_t) override {}
  void problem(std::string_view what, std::string_view) override { problems.emplace_back(what); }
  void note(std::string_view, std::string_view) override {}
  void fatal(std::string_view, const Error&) override {}
  std::vector<std::string> problems;
};

class Entries final : public EntryLog {
 public:
  Result<std::vector<LogPlace>> append(std::vector<EntryToLog> entries) override {
    if (fault) return *fault;
    std::vector<LogPlace> places;
    for (EntryToLog& entry : entries) {
      places.push_back({preimages.size(), {}});
      preimages.push_back(std::move(entry.preimage));
    }
    return places;
  }
  // Of the epoch entry of that index.
  std::int64_t renewals(std::size_t index) const {
    const auto payload = testing::must_value(
        tlog::open_preimage(crypto::sha256(preimages.at(index)), preimages.at(index)));
    return *payload.find("renewals")->find("count")->as_integer();
  }
  Bytes random(std::size_t index) const {
    const auto payload = testing::must_value(
        tlog::open_preimage(crypto::sha256(preimages.at(index)), preimages.at(index)));
    return *payload.find("random")->as_bytes();
  }
  std::optional<Error> fault;
  std::vector<Bytes> preimages;
};

class Renewals final : public RenewalStore {
 public:
  Result<void> save(std::uint64_t index, ByteView bytes) override {
    if (fault) return *fault;
    saved[index] = Bytes(bytes.begin(), bytes.end());
    return {};
  }
  Result<std::vector<std::uint64_t>> epochs() override {
    std::vector<std::uint64_t> out;
    for (const auto& [index, bytes] : saved) out.insert(out.begin(), index);
    return out;
  }
  Result<Bytes> read(std::uint64_t index) override { return saved.at(index); }
  std::optional<Error> fault;
  std::map<std::uint64_t, Bytes> saved;
};

class EpochPublisherTest : public ::testing::Test {
 protected:
  std::string note() const {
    const std::string size = std::to_string(entries.preimages.size());
    return "log\n" + size + "\n" + std::string(43, 'A') + "=\n\n\xe2\x80\x94 log AAAAAAAA\n";
  }

  testing::ManualClock clock;
  Observed observer;
  Entries entries;
  Renewals store;
  RenewalBatch batch;
  BeaconRing ring;
  crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  std::optional<Error> publish_fault, show_fault;
  std::vector<std::string> shown;
  EpochPublisher publisher{{.origin = "log", .pseudonym_key = Bytes(32, 1)},
                           entries,
                           [this]() -> Result<std::string> {
                             if (publish_fault) return *publish_fault;
                             return note();
                           },
                           [this](const std::string& given) -> Result<void> {
                             if (show_fault) return *show_fault;
                             shown.push_back(given);
                             return {};
                           },
                           batch,
                           store,
                           ring,
                           key,
                           crypto::system_random(),
                           clock,
                           observer};
};

TEST_F(EpochPublisherTest, EachEpochIsNewAndItsBeaconIsKnownBeforeItIsShown) {
  show_fault = retryable("the API server is away");
  EXPECT_FALSE(publisher.step().has_value());
  EXPECT_EQ(ring.count(), 1U);
  EXPECT_TRUE(shown.empty());
  show_fault.reset();
  ASSERT_TRUE(publisher.step().has_value());
  clock.advance(seconds(10));
  ASSERT_TRUE(publisher.step().has_value());
  EXPECT_EQ(ring.count(), 2U);
  EXPECT_EQ(shown.size(), 2U);
  EXPECT_EQ(entries.random(0).size(), 32U);
  EXPECT_NE(entries.random(0), entries.random(1));
}

TEST_F(EpochPublisherTest, AServerThatIsAwayCostsOneEntryAPeriodNotOneARetry) {
  show_fault = retryable("the API server is away");
  for (int i = 0; i < 60; ++i) {  // half a minute
    EXPECT_FALSE(publisher.step().has_value());
    clock.advance(milliseconds(500));
  }
  EXPECT_EQ(entries.preimages.size(), 3U);
  show_fault.reset();
  ASSERT_TRUE(publisher.step().has_value());
  EXPECT_EQ(shown, std::vector{note()}) << "no beacon of an earlier period is shown late";
}

TEST_F(EpochPublisherTest, ALogThatDoesNotPublishIsNotAppendedToAgainWithinThePeriod) {
  publish_fault = retryable("not the leader");
  EXPECT_FALSE(publisher.step().has_value());
  EXPECT_FALSE(publisher.step().has_value());
  EXPECT_EQ(entries.preimages.size(), 1U);
  EXPECT_EQ(ring.count(), 0U) << "what was not published is no beacon";
}

TEST_F(EpochPublisherTest, RenewalsAreLoggedOnceWhateverFails) {
  const crypto::Sha256 token = crypto::sha256(std::string_view("token"));
  batch.add(make_renewal("node:00", token));
  entries.fault = retryable("full");
  EXPECT_FALSE(publisher.step().has_value());
  EXPECT_EQ(batch.waiting(), 1U);
  entries.fault.reset();
  show_fault = retryable("away");
  EXPECT_FALSE(publisher.step().has_value());
  EXPECT_FALSE(publisher.step().has_value());
  show_fault.reset();
  ASSERT_TRUE(publisher.step().has_value());
  EXPECT_EQ(entries.renewals(0), 1);
  clock.advance(seconds(10));
  ASSERT_TRUE(publisher.step().has_value());
  EXPECT_EQ(entries.renewals(1), 0);
  const auto proof = RenewalIndex(store).find(token);
  ASSERT_TRUE(proof.has_value());
  ASSERT_TRUE(proof->has_value());
  EXPECT_EQ((*proof)->epoch_index, 0U);
}

TEST_F(EpochPublisherTest, AFullDiskCostsNoBeaconAndNoProofForGood) {
  const crypto::Sha256 token = crypto::sha256(std::string_view("token"));
  batch.add(make_renewal("node:00", token));
  store.fault = retryable("the disk is full");
  ASSERT_TRUE(publisher.step().has_value());
  EXPECT_EQ(shown.size(), 1U);
  EXPECT_EQ(observer.problems, std::vector<std::string>{"renewals"});
  store.fault.reset();
  clock.advance(seconds(10));
  ASSERT_TRUE(publisher.step().has_value());
  const auto proof = RenewalIndex(store).find(token);
  ASSERT_TRUE(proof.has_value() && proof->has_value());
  EXPECT_EQ((*proof)->epoch_index, 0U) << "the entry that has its root";
}

}  // namespace
}  // namespace avouch::control
