// What every memory of a witness promises: compare-and-set, of which one of many wins, and nothing
// forgotten; and that a witness upon it never goes back.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "adapters/witness_files.h"
#include "support/growing_log.h"
#include "support/log_engines.h"
#include "support/memory_witness_memory.h"

namespace avouch::tlog {
namespace {

using testing::GrowingLog;

constexpr SystemTime kNow{std::chrono::seconds{1'800'000'000}};

// Where a memory is kept between two lives of a witness.
class MemoryPlace {
 public:
  virtual ~MemoryPlace() = default;
  virtual WitnessMemory& open() = 0;  // ends the life before
};

class InMemory final : public MemoryPlace {
 public:
  WitnessMemory& open() override { return memory_; }

 private:
  testing::MemoryWitnessMemory memory_;
};

class OnFiles final : public MemoryPlace {
 public:
  // Compacts after almost every change where `compact_bytes` is small.
  explicit OnFiles(std::size_t compact_bytes) : compact_bytes_(compact_bytes) {
    EXPECT_TRUE(adapters::make_witness_files(directory_.path() / "state").has_value());
  }
  WitnessMemory& open() override {
    memory_.reset();
    auto opened = adapters::open_witness_files(
        {.directory = directory_.path() / "state", .compact_bytes = compact_bytes_});
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    memory_ = std::move(opened->memory);
    return *memory_;
  }

 private:
  const std::size_t compact_bytes_;
  testing::TemporaryDirectory directory_;
  std::unique_ptr<WitnessMemory> memory_;
};

struct PlaceCase {
  std::string name;
  std::function<std::unique_ptr<MemoryPlace>()> make;
};

class MemoryContract : public ::testing::TestWithParam<PlaceCase> {
 protected:
  std::unique_ptr<MemoryPlace> place_ = GetParam().make();
  GrowingLog log_{"log.example/one"}, other_{"log.example/two"};
};

TEST_P(MemoryContract, KnowsNothingAtFirst) {
  EXPECT_EQ(place_->open().latest(log_.origin()).value(), std::nullopt);
}

TEST_P(MemoryContract, KeepsWhatWasPutLastForEachLog) {
  WitnessMemory& memory = place_->open();
  ASSERT_TRUE(memory.replace(log_.origin(), std::nullopt, log_.note(1)).has_value());
  ASSERT_TRUE(memory.replace(other_.origin(), std::nullopt, other_.note(5)).has_value());
  ASSERT_TRUE(memory.replace(log_.origin(), log_.note(1), log_.note(2)).has_value());
  EXPECT_EQ(memory.latest(log_.origin()).value(), log_.note(2));
  WitnessMemory& again = place_->open();
  EXPECT_EQ(again.latest(log_.origin()).value(), log_.note(2));
  EXPECT_EQ(again.latest(other_.origin()).value(), other_.note(5));
}

TEST_P(MemoryContract, ChangesNothingForAWrongExpectation) {
  WitnessMemory& memory = place_->open();
  const auto expect_refused = [&](const std::optional<std::string>& expected) {
    const auto replaced = memory.replace(log_.origin(), expected, log_.note(9));
    ASSERT_FALSE(replaced.has_value());
    EXPECT_EQ(replaced.error().kind, ErrorKind::kRetryable);
  };
  expect_refused(log_.note(1));
  EXPECT_EQ(memory.latest(log_.origin()).value(), std::nullopt);
  ASSERT_TRUE(memory.replace(log_.origin(), std::nullopt, log_.note(2)).has_value());
  expect_refused(std::nullopt);
  expect_refused(log_.note(1));
  expect_refused("");
  EXPECT_EQ(place_->open().latest(log_.origin()).value(), log_.note(2));
}

TEST_P(MemoryContract, RefusesWhatIsNoOriginOrNote) {
  WitnessMemory& memory = place_->open();
  EXPECT_EQ(memory.replace("", std::nullopt, log_.note(1)).error().kind, ErrorKind::kRejected);
  EXPECT_EQ(memory.replace(log_.origin(), std::nullopt, "").error().kind, ErrorKind::kRejected);
}

TEST_P(MemoryContract, LetsOneOfManyWin) {
  WitnessMemory& memory = place_->open();
  std::optional<std::string> present;
  for (std::uint64_t round = 0; round < 5; ++round) {
    std::vector<std::string> notes;
    for (std::uint64_t i = 0; i < 8; ++i) notes.push_back(log_.note(1 + round * 8 + i));
    std::atomic<int> winners{0};
    std::atomic<std::size_t> winner{0};
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < notes.size(); ++i) {
      threads.emplace_back([&, i] {
        if (!memory.replace(log_.origin(), present, notes[i]).has_value()) return;
        ++winners;
        winner = i;
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(winners, 1);
    present = notes[winner];
    EXPECT_EQ(memory.latest(log_.origin()).value(), present);
  }
  EXPECT_EQ(place_->open().latest(log_.origin()).value(), present);
}

// Writers of one log and of many, at once: every success builds on the one before.
TEST_P(MemoryContract, LosesNoUpdateOfAny) {
  WitnessMemory& memory = place_->open();
  const std::vector<const GrowingLog*> logs{&log_, &other_};
  constexpr std::uint64_t kLast = 24;
  std::vector<std::vector<std::string>> notes(logs.size());
  for (std::size_t log = 0; log < logs.size(); ++log) {
    for (std::uint64_t size = 0; size <= kLast; ++size) notes[log].push_back(logs[log]->note(size));
  }
  std::atomic<std::uint64_t> successes{0};
  std::vector<std::thread> threads;
  for (std::size_t writer = 0; writer < 6; ++writer) {
    threads.emplace_back([&, log = writer % 2] {
      while (true) {
        const auto present = memory.latest(logs[log]->origin()).value();
        std::size_t next = 0;
        while (present && notes[log][next++] != *present) {
        }
        if (next > kLast) return;
        if (memory.replace(logs[log]->origin(), present, notes[log][next]).has_value()) ++successes;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(successes, 2 * (kLast + 1));
  WitnessMemory& again = place_->open();
  for (const GrowingLog* log : logs) {
    EXPECT_EQ(again.latest(log->origin()).value(), log->note(kLast));
  }
}

// The rollback race of the specification: requests with the same old size and other new ones.
TEST_P(MemoryContract, LetsAWitnessCosignOneOfTwoThatRace) {
  WitnessMemory& memory = place_->open();
  const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  const Witness witness =
      Witness::make(Cosigner::make("w.example", key).value(), {log_.witnessed()}, memory).value();
  std::uint64_t old_size = 0;
  while (old_size < 50) {
    std::vector<WitnessAnswer> answers(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      threads.emplace_back([&, i] {
        answers[i] = witness.add_checkpoint(log_.body(old_size, old_size + i + 1), kNow);
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::uint64_t cosigned = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i].status != 200) continue;
      EXPECT_EQ(cosigned, 0U) << "two won";
      cosigned = old_size + i + 1;
    }
    ASSERT_GT(cosigned, old_size);
    for (const WitnessAnswer& answer : answers) {
      if (answer.status == 200) continue;
      EXPECT_EQ(answer.status, 409) << answer.body;
      EXPECT_EQ(answer.body, std::to_string(cosigned) + "\n");
    }
    old_size = cosigned;
  }
  const Witness later =
      Witness::make(Cosigner::make("w.example", key).value(), {log_.witnessed()}, place_->open())
          .value();
  EXPECT_EQ(later.add_checkpoint(log_.body(0, 60), kNow).body, std::to_string(old_size) + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    Places, MemoryContract,
    ::testing::Values(PlaceCase{"Memory", [] { return std::make_unique<InMemory>(); }},
                      PlaceCase{"Files", [] { return std::make_unique<OnFiles>(1 << 20); }},
                      PlaceCase{"FilesThatCompact", [] { return std::make_unique<OnFiles>(100); }}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace avouch::tlog
