// What a question for a renewed token costs, whoever asks and for whatever.

#include "control/renewal_index.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tlog/tree.h"

namespace avouch::control {
namespace {

crypto::Sha256 token(int epoch, int i) {
  return crypto::sha256("token " + std::to_string(epoch) + "/" + std::to_string(i));
}

// Ten renewals an epoch; counts what is read.
class CountedStore final : public RenewalStore {
 public:
  explicit CountedStore(int epochs) {
    for (int epoch = 1; epoch <= epochs; ++epoch) add(epoch);
  }
  void add(int epoch) {
    std::vector<Renewal> renewals;
    for (int i = 0; i < 10; ++i) renewals.push_back(make_renewal("node:00", token(epoch, i)));
    static_cast<void>(save(static_cast<std::uint64_t>(epoch), encode_renewals(renewals)));
  }
  void give_up_oldest() { files_.erase(files_.begin()); }

  Result<void> save(std::uint64_t epoch_index, ByteView renewals) override {
    files_[epoch_index] = Bytes(renewals.begin(), renewals.end());
    return {};
  }
  Result<std::vector<std::uint64_t>> epochs() override {
    std::vector<std::uint64_t> out;
    for (auto file = files_.rbegin(); file != files_.rend(); ++file) out.push_back(file->first);
    return out;
  }
  Result<Bytes> read(std::uint64_t epoch_index) override {
    ++reads;
    if (fault) return *fault;
    return files_.at(epoch_index);
  }
  int reads = 0;
  std::optional<Error> fault;

 private:
  std::map<std::uint64_t, Bytes> files_;
};

// What find() gives of a token that it must find.
RenewalProof found(RenewalIndex& index, const crypto::Sha256& token) {
  const auto proof = index.find(token);
  EXPECT_TRUE(proof.has_value() && proof->has_value());
  return proof.has_value() ? proof->value_or(RenewalProof{}) : RenewalProof{};
}

TEST(RenewalIndex, FindsEveryTokenWithItsPath) {
  CountedStore store(5);
  RenewalIndex index(store);
  for (int epoch = 5; epoch >= 1; --epoch) {
    std::vector<Renewal> renewals;
    for (int i = 0; i < 10; ++i) renewals.push_back(make_renewal("node:00", token(epoch, i)));
    for (std::uint64_t i = 0; i < 10; ++i) {
      const RenewalProof proof = found(index, renewals[i].token);
      EXPECT_EQ(proof.epoch_index, static_cast<std::uint64_t>(epoch));
      EXPECT_EQ(proof.leaf_index, i);
      EXPECT_EQ(proof.size, 10U);
      EXPECT_TRUE(
          tlog::verify_inclusion(i, 10, renewals[i].leaf, proof.path, renewals_root(renewals))
              .has_value());
    }
  }
}

TEST(RenewalIndex, ReadsEachEpochOnceHoweverOftenItIsAskedForWhatIsNotThere) {
  CountedStore store(100);
  RenewalIndex index(store);
  for (int i = 0; i < 50; ++i) {
    const auto none = index.find(token(999, i));
    ASSERT_TRUE(none.has_value());
    EXPECT_FALSE(none->has_value());
  }
  EXPECT_EQ(store.reads, 100);
  EXPECT_EQ(found(index, token(3, 7)).epoch_index, 3U);
  EXPECT_EQ(store.reads, 101) << "the one that has it";
  store.add(101);
  EXPECT_EQ(found(index, token(101, 0)).epoch_index, 101U);
  EXPECT_EQ(store.reads, 103) << "the new one: to know it, and for the proof";
}

// The most that one question may read; whoever asks again gets on.
TEST(RenewalIndex, ReadsSoManyBytesForOneQuestionAndNoMore) {
  CountedStore store(10);
  RenewalIndex index(store, 3UL * 4096);  // three epochs, in blocks
  EXPECT_EQ(found(index, token(10, 0)).epoch_index, 10U);
  for (int asked = 0; asked < 2; ++asked) {
    const auto later = index.find(token(1, 0));
    ASSERT_FALSE(later.has_value());
    EXPECT_EQ(later.error().kind, ErrorKind::kRetryable);
    EXPECT_NE(later.error().message.find("try again"), std::string::npos);
  }
  EXPECT_EQ(store.reads, 2 + 3 + 3);
  EXPECT_EQ(found(index, token(1, 0)).epoch_index, 1U);
  RenewalIndex least(store, 1);
  EXPECT_EQ(found(least, token(10, 0)).epoch_index, 10U) << "one in any case";
}

TEST(RenewalIndex, ForgetsWhatTheStoreHasGivenUp) {
  CountedStore store(3);
  RenewalIndex index(store);
  EXPECT_EQ(found(index, token(1, 0)).epoch_index, 1U);
  store.give_up_oldest();
  EXPECT_FALSE(index.find(token(1, 0))->has_value());
  EXPECT_EQ(found(index, token(2, 0)).epoch_index, 2U);
  store.give_up_oldest();
  store.give_up_oldest();
  EXPECT_FALSE(index.find(token(3, 0))->has_value());
}

TEST(RenewalIndex, WhatCannotBeReadIsReadWithTheNextQuestion) {
  CountedStore store(2);
  RenewalIndex index(store);
  store.fault = retryable("the disk does not answer");
  EXPECT_EQ(index.find(token(2, 0)).error().message, "the disk does not answer");
  store.fault.reset();
  EXPECT_EQ(found(index, token(2, 0)).epoch_index, 2U);
}

}  // namespace
}  // namespace avouch::control
