#include "tlog/witness.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <utility>

#include "base/hex.h"
#include "codec/base64.h"
#include "crypto/hash.h"
#include "support/plain_tree.h"
#include "tlog/checkpoint.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using testing::PlainTree;

class MapMemory final : public WitnessMemory {
 public:
  Result<std::optional<std::string>> latest(std::string_view origin) override {
    if (fails_reading) return *fails_reading;
    const auto found = notes.find(origin);
    if (found == notes.end()) return std::optional<std::string>();
    return std::optional(found->second);
  }
  Result<void> replace(std::string_view origin, const std::optional<std::string>& expected,
                       std::string_view next) override {
    if (fails_writing) return *fails_writing;
    const auto found = notes.find(origin);
    const std::optional<std::string> present =
        found == notes.end() ? std::nullopt : std::optional(found->second);
    if (present != expected) return retryable("somebody was quicker");
    notes[std::string(origin)] = std::string(next);
    return {};
  }
  std::map<std::string, std::string, std::less<>> notes;
  std::optional<Error> fails_reading, fails_writing;
};

crypto::PrivateKey fresh_key() { return crypto::PrivateKey::generate(crypto::KeyType::kEd25519); }

class WitnessTest : public ::testing::Test {
 protected:
  WitnessTest() {
    for (int i = 0; i < 40; ++i) tree_.push_entry(to_bytes("entry " + std::to_string(i)));
    for (int i = 0; i < 40; ++i) fork_.push_entry(to_bytes("other " + std::to_string(i)));
  }

  std::string note(std::uint64_t size, const Hash& root) const {
    const std::string text = format_checkpoint({kOrigin, size, root, {}}).value();
    return sign_note(text, std::span(&log_, 1)).value();
  }
  std::string note(std::uint64_t size) const {
    return note(size, size == 0 ? empty_root() : tree_.root(size));
  }
  std::string body(std::uint64_t old_size, std::uint64_t new_size) const {
    AddCheckpoint request{old_size, {}, note(new_size)};
    if (old_size > 0 && old_size < new_size) {
      request.proof = make_consistency_proof(old_size, new_size, tree_.source()).value();
    }
    return format_add_checkpoint(request);
  }
  WitnessAnswer add(const std::string& body) const { return witness_.add_checkpoint(body, kNow); }
  int status(const std::string& body) const { return add(body).status; }

  MapMemory memory_;
  NoteSigner log_ = NoteSigner::make(kOrigin, fresh_key()).value();
  Cosigner cosigner_ = Cosigner::make("witness.example", fresh_key()).value();
  Witness witness_ = Witness::make(cosigner_, {{kOrigin, {log_.verifier()}}}, memory_).value();
  PlainTree tree_, fork_;
};

TEST_F(WitnessTest, CosignsWhatContinuesWhatItHasSeen) {
  std::uint64_t last = 0;
  for (const std::uint64_t next : {1U, 2U, 7U, 7U, 8U, 33U, 40U}) {
    const WitnessAnswer answer = add(body(last, next));
    ASSERT_EQ(answer.status, 200) << next << ": " << answer.body;
    const auto cosigned = parse_note_unverified(note(next) + answer.body).value();
    const auto found = verify_cosignatures(cosigned, std::vector{cosigner_.key()});
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ((*found)[0].seconds, 1'800'000'000U);
    last = next;
  }
}

TEST_F(WitnessTest, RemembersBeforeItAnswers) {
  const WitnessAnswer answer = add(body(0, 5));
  EXPECT_EQ(memory_.notes.at(kOrigin), note(5) + answer.body);
  const std::string digest = to_hex(crypto::sha256(as_bytes(kOrigin)));
  EXPECT_EQ(witness_.checkpoint(digest).body, note(5) + answer.body);
  EXPECT_EQ(witness_.checkpoint(digest).status, 200);
}

TEST_F(WitnessTest, HandsOutNoCheckpointThatItNeverCosigned) {
  EXPECT_EQ(witness_.checkpoint(to_hex(crypto::sha256(as_bytes(kOrigin)))).status, 404);
  EXPECT_EQ(witness_.checkpoint("").status, 404);
  EXPECT_EQ(witness_.checkpoint("../x").status, 404);
}

TEST_F(WitnessTest, SaysFromWhereToProve) {
  ASSERT_EQ(status(body(0, 7)), 200);
  for (const std::uint64_t old : {0U, 1U, 6U, 8U}) {
    const WitnessAnswer answer = add(body(old, 9));
    EXPECT_EQ(answer.status, 409) << old;
    EXPECT_EQ(answer.body, "7\n");
    EXPECT_EQ(answer.content_type, "text/x.tlog.size");
  }
  EXPECT_EQ(status(body(3, 5)), 409) << "an older checkpoint";
}

TEST_F(WitnessTest, NeverCosignsAFork) {
  ASSERT_EQ(status(body(0, 7)), 200);
  const std::string kept = memory_.notes.at(kOrigin);
  // Another root at the same size, and a larger tree that does not contain the one seen.
  EXPECT_EQ(status(format_add_checkpoint({7, {}, note(7, fork_.root(7))})), 422);
  const auto proof = make_consistency_proof(7, 9, fork_.source()).value();
  EXPECT_EQ(status(format_add_checkpoint({7, proof, note(9, fork_.root(9))})), 422);
  EXPECT_EQ(status(format_add_checkpoint({7, {}, note(9)})), 422) << "no proof at all";
  EXPECT_EQ(memory_.notes.at(kOrigin), kept);
}

TEST_F(WitnessTest, RefusesEveryChangedHashOfAProof) {
  ASSERT_EQ(status(body(0, 7)), 200);
  auto request = parse_add_checkpoint(body(7, 33)).value();
  for (std::size_t i = 0; i < request.proof.size(); ++i) {
    request.proof[i][i] ^= 1;
    EXPECT_EQ(status(format_add_checkpoint(request)), 422) << i;
    request.proof[i][i] ^= 1;
  }
  request.proof.push_back(request.proof.front());
  EXPECT_EQ(status(format_add_checkpoint(request)), 422);
  request.proof.pop_back();
  EXPECT_EQ(status(format_add_checkpoint(request)), 200);
}

TEST_F(WitnessTest, WantsNoProofWhereThereIsNothingToProve) {
  const Hash any{};
  EXPECT_EQ(status(format_add_checkpoint({0, {any}, note(5)})), 422);
  ASSERT_EQ(status(body(0, 5)), 200);
  EXPECT_EQ(status(format_add_checkpoint({5, {any}, note(5)})), 422);
}

TEST_F(WitnessTest, TakesAnEmptyLogWithTheRootOfNothingAlone) {
  EXPECT_EQ(status(format_add_checkpoint({0, {}, note(0, Hash{})})), 422);
  EXPECT_EQ(status(body(0, 0)), 200);
  EXPECT_EQ(status(body(0, 3)), 200);
}

TEST_F(WitnessTest, CosignsForKnownLogsAlone) {
  const NoteSigner stranger = NoteSigner::make("log.example/two", fresh_key()).value();
  const std::string text = format_checkpoint({"log.example/two", 1, tree_.root(1), {}}).value();
  EXPECT_EQ(status("old 0\n\n" + sign_note(text, std::span(&stranger, 1)).value()), 404);
  // The known origin, signed by another key: under that key's own name, and under the log's.
  for (const char* name : {"log.example/two", kOrigin}) {
    const NoteSigner forger = NoteSigner::make(name, fresh_key()).value();
    const std::string ours = format_checkpoint({kOrigin, 1, tree_.root(1), {}}).value();
    EXPECT_EQ(status("old 0\n\n" + sign_note(ours, std::span(&forger, 1)).value()), 403);
  }
  EXPECT_TRUE(memory_.notes.empty());
}

TEST_F(WitnessTest, RefusesASignatureOfTheLogThatFails) {
  std::string changed = note(5);
  changed.replace(changed.find("\n5\n"), 3, "\n6\n");
  EXPECT_EQ(status("old 0\n\n" + changed), 403);
}

TEST_F(WitnessTest, RefusesWhatIsMalformed) {
  const std::string good = note(5);
  const std::string hash = codec::to_base64(Hash{});
  std::string too_many = "old 0\n";
  for (std::size_t i = 0; i <= kMaxProofHashes; ++i) too_many += hash + "\n";
  for (const std::string& bad :
       {std::string(), std::string("old"), "old \n\n" + good, "old 05\n\n" + good,
        "old -1\n\n" + good, "old +1\n\n" + good, "old 1 \n\n" + good,
        "old 18446744073709551616\n\n" + good, "Old 0\n\n" + good, "old 0\r\n\n" + good,
        "old 0\n" + good, "old 0\nAAAA\n\n" + good, "old 0\n" + hash + "=\n\n" + good,
        too_many + "\n" + good, std::string("old 0\n\n"), "old 0\n\n" + good.substr(0, 20),
        "old 6\n\n" + good, std::string(kMaxAddCheckpointBytes + 1, 'a')}) {
    EXPECT_EQ(status(bad), 400) << bad.substr(0, 60);
  }
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_NE(status("old 0\n\n" + good.substr(0, cut)), 200) << cut;
  }
}

TEST_F(WitnessTest, HandsOnNoLineOfOthers) {
  const Cosigner other = Cosigner::make("other.example", fresh_key()).value();
  const std::string text = parse_note_unverified(note(5))->text;
  const std::string crowded = note(5) + other.cosign(text, 9).value();
  const WitnessAnswer answer = add("old 0\n\n" + crowded);
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(memory_.notes.at(kOrigin), note(5) + answer.body);
}

// A note with as many lines as are read, and all of them the log's one: with the witness' own
// behind them nobody could read it any more.
TEST_F(WitnessTest, RemembersOneLineOfAKey) {
  const std::string text = parse_note_unverified(note(5))->text;
  const std::string line = note(5).substr(text.size() + 1);
  for (const std::size_t count : {std::size_t{2}, kMaxNoteSignatures}) {
    std::string repeated = text + "\n";
    for (std::size_t i = 0; i < count; ++i) repeated += line;
    const std::uint64_t old_size = memory_.notes.empty() ? 0 : 5;
    const WitnessAnswer answer = add("old " + std::to_string(old_size) + "\n\n" + repeated);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(memory_.notes.at(kOrigin), note(5) + answer.body) << count;
  }
  EXPECT_EQ(status(body(5, 9)), 200);
}

// A log changes its key, and somebody sends its public note without the new key's line, or without
// the old one's.
TEST_F(WitnessTest, KeepsTheLinesOfBothKeysOfALog) {
  const std::vector both{log_, NoteSigner::make(kOrigin, fresh_key()).value()};
  const Witness rotating =
      Witness::make(cosigner_, {{kOrigin, {log_.verifier(), both[1].verifier()}}}, memory_).value();
  const auto signed_by = [&](std::uint64_t size, std::span<const NoteSigner> signers) {
    return sign_note(format_checkpoint({kOrigin, size, tree_.root(size), {}}).value(), signers)
        .value();
  };
  ASSERT_EQ(rotating.add_checkpoint("old 0\n\n" + signed_by(5, both), kNow).status, 200);
  for (const std::size_t which : {0U, 1U}) {
    const std::string stripped = signed_by(5, std::span(both).subspan(which, 1));
    ASSERT_EQ(rotating.add_checkpoint("old 5\n\n" + stripped, kNow).status, 200);
    for (const NoteSigner& one : both) {
      const Witness later =
          Witness::make(cosigner_, {{kOrigin, {one.verifier()}}}, memory_).value();
      EXPECT_TRUE(later.last_cosigned(0).has_value()) << which;
    }
  }
  EXPECT_EQ(parse_note_unverified(memory_.notes.at(kOrigin))->signatures.size(), 3U);
  // Of another checkpoint no line is taken over.
  const std::string next =
      format_add_checkpoint({5, make_consistency_proof(5, 9, tree_.source()).value(),
                             signed_by(9, std::span(both).first(1))});
  ASSERT_EQ(rotating.add_checkpoint(next, kNow).status, 200);
  EXPECT_EQ(parse_note_unverified(memory_.notes.at(kOrigin))->signatures.size(), 2U);
}

TEST_F(WitnessTest, RemembersNothingThatNobodyCouldRead) {
  std::vector<NoteSigner> signers;
  WitnessedLog log{kOrigin, {}};
  for (std::size_t i = 0; i < kMaxNoteSignatures; ++i) {
    signers.push_back(NoteSigner::make(kOrigin, fresh_key()).value());
    log.keys.push_back(signers.back().verifier());
  }
  const Witness witness = Witness::make(cosigner_, {log}, memory_).value();
  const std::string text = format_checkpoint({kOrigin, 5, tree_.root(5), {}}).value();
  const auto status = [&](std::size_t lines) {
    const std::string note = sign_note(text, std::span(signers).first(lines)).value();
    return witness.add_checkpoint("old 0\n\n" + note, kNow).status;
  };
  EXPECT_EQ(status(kMaxNoteSignatures), 400);
  EXPECT_TRUE(memory_.notes.empty());
  EXPECT_EQ(status(kMaxNoteSignatures - 1), 200);
}

TEST_F(WitnessTest, AnswersNothingThatItCouldNotRemember) {
  memory_.fails_writing = retryable("disk full");
  EXPECT_EQ(status(body(0, 5)), 503);
  memory_.fails_writing = fatal("disk broken");
  EXPECT_EQ(status(body(0, 5)), 500);
  memory_.fails_reading = retryable("busy");
  EXPECT_EQ(status(body(0, 5)), 503);
  memory_.fails_reading.reset();
  memory_.fails_writing.reset();
  memory_.notes[kOrigin] = "damaged";
  EXPECT_EQ(status(body(0, 5)), 500);
}

// Between reading and replacing, another request came first.
TEST_F(WitnessTest, LetsOneOfTwoRacersWin) {
  class Racing final : public WitnessMemory {
   public:
    explicit Racing(MapMemory& memory) : memory_(memory) {}
    Result<std::optional<std::string>> latest(std::string_view origin) override {
      return memory_.latest(origin);
    }
    Result<void> replace(std::string_view origin, const std::optional<std::string>& expected,
                         std::string_view next) override {
      for (const auto& first : std::exchange(others, {})) {
        memory_.notes[std::string(origin)] = first;
      }
      return memory_.replace(origin, expected, next);
    }
    std::vector<std::string> others;

   private:
    MapMemory& memory_;
  };
  ASSERT_EQ(status(body(0, 7)), 200);
  const std::string theirs = memory_.notes.at(kOrigin);
  // Rolled back behind the one that came first: the rollback race of the specification.
  for (const std::uint64_t size : {5U, 7U, 9U}) {
    memory_.notes.clear();
    Racing racing(memory_);
    racing.others = {theirs};
    const Witness slow = Witness::make(cosigner_, {{kOrigin, {log_.verifier()}}}, racing).value();
    const WitnessAnswer answer = slow.add_checkpoint(body(0, size), kNow);
    EXPECT_EQ(answer.status, 409) << size;
    EXPECT_EQ(answer.body, "7\n") << size;
    EXPECT_EQ(memory_.notes.at(kOrigin), theirs) << size;
  }
}

// Two clients send what is the log's newest checkpoint already: both get a cosignature.
TEST_F(WitnessTest, CosignsAgainWhatAnotherCosignedMeanwhile) {
  ASSERT_EQ(status(body(0, 7)), 200);
  class OneMore final : public WitnessMemory {
   public:
    OneMore(MapMemory& memory, std::function<void()> other)
        : memory_(memory), other_(std::move(other)) {}
    Result<std::optional<std::string>> latest(std::string_view origin) override {
      return memory_.latest(origin);
    }
    Result<void> replace(std::string_view origin, const std::optional<std::string>& expected,
                         std::string_view next) override {
      if (auto other = std::exchange(other_, {})) other();
      return memory_.replace(origin, expected, next);
    }

   private:
    MapMemory& memory_;
    std::function<void()> other_;
  };
  OneMore memory(memory_, [&] {
    const auto later = kNow + std::chrono::seconds(1);
    ASSERT_EQ(witness_.add_checkpoint(body(7, 7), later).status, 200);
  });
  const Witness slow = Witness::make(cosigner_, {{kOrigin, {log_.verifier()}}}, memory).value();
  const WitnessAnswer answer = slow.add_checkpoint(body(7, 7), kNow);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(memory_.notes.at(kOrigin), note(7) + answer.body);
}

TEST_F(WitnessTest, AsksWhetherToAdmitOnlyWhatItWouldCosign) {
  std::vector<std::size_t> asked;
  bool admits = false;
  const AdmitLog admit = [&](std::size_t log) {
    asked.push_back(log);
    return admits;
  };
  const auto add = [&](const std::string& body) {
    return witness_.add_checkpoint(body, kNow, admit);
  };
  EXPECT_EQ(add("garbage").status, 400);
  EXPECT_FALSE(add("garbage").log.has_value());
  EXPECT_EQ(add(body(3, 5)).status, 409);
  EXPECT_EQ(add(body(3, 5)).log, 0U);
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(add(body(0, 5)).status, 429);
  EXPECT_EQ(asked, std::vector<std::size_t>{0});
  EXPECT_TRUE(memory_.notes.empty());
  admits = true;
  EXPECT_EQ(add(body(0, 5)).status, 200);
}

TEST_F(WitnessTest, KnowsWhenItCosignedLast) {
  EXPECT_FALSE(witness_.last_cosigned(0)->has_value());
  ASSERT_EQ(status(body(0, 5)), 200);
  EXPECT_EQ(**witness_.last_cosigned(0), 1'800'000'000U);
}

TEST_F(WitnessTest, TakesNothingForItsMemoryThatItDidNotWrite) {
  ASSERT_EQ(status(body(0, 5)), 200);
  const std::string kept = memory_.notes.at(kOrigin);
  const Witness other = Witness::make(Cosigner::make("other.example", fresh_key()).value(),
                                      {{kOrigin, {log_.verifier()}}}, memory_)
                            .value();
  EXPECT_EQ(other.last_cosigned(0).error().kind, ErrorKind::kFatal);
  const NoteSigner new_key = NoteSigner::make(kOrigin, fresh_key()).value();
  const Witness rotated =
      Witness::make(cosigner_, {{kOrigin, {new_key.verifier()}}}, memory_).value();
  EXPECT_EQ(rotated.last_cosigned(0).error().kind, ErrorKind::kFatal);
  memory_.notes[kOrigin] = kept.substr(0, kept.size() / 2);
  EXPECT_EQ(witness_.last_cosigned(0).error().kind, ErrorKind::kFatal);
  memory_.notes[kOrigin] = note(5);
  EXPECT_EQ(witness_.last_cosigned(0).error().kind, ErrorKind::kFatal) << "not cosigned";
}

// The log changes its key: both are there until a checkpoint under the new one is cosigned.
TEST_F(WitnessTest, FollowsALogToANewKey) {
  ASSERT_EQ(status(body(0, 5)), 200);
  const NoteSigner next = NoteSigner::make(kOrigin, fresh_key()).value();
  const auto under_new = [&](std::uint64_t old_size, std::uint64_t size) {
    const std::string text = format_checkpoint({kOrigin, size, tree_.root(size), {}}).value();
    return format_add_checkpoint({old_size,
                                  make_consistency_proof(old_size, size, tree_.source()).value(),
                                  sign_note(text, std::span(&next, 1)).value()});
  };
  const Witness both =
      Witness::make(cosigner_, {{kOrigin, {log_.verifier(), next.verifier()}}}, memory_).value();
  EXPECT_EQ(both.add_checkpoint(under_new(5, 9), kNow).status, 200);
  const Witness only_new =
      Witness::make(cosigner_, {{kOrigin, {next.verifier()}}}, memory_).value();
  EXPECT_EQ(only_new.add_checkpoint(under_new(9, 12), kNow).status, 200);
}

TEST_F(WitnessTest, DoesNotCosignWithoutAClock) {
  EXPECT_EQ(witness_.add_checkpoint(body(0, 5), SystemTime{}).status, 503);
  EXPECT_TRUE(memory_.notes.empty());
}

TEST_F(WitnessTest, IsNotMadeOfContradictions) {
  EXPECT_FALSE(Witness::make(cosigner_, {{kOrigin, {}}}, memory_).has_value());
  const WitnessedLog log{kOrigin, {log_.verifier()}};
  EXPECT_FALSE(Witness::make(cosigner_, {log, log}, memory_).has_value());
}

}  // namespace
}  // namespace avouch::tlog
