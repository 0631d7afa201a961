#include "tlog/witness_recall.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>

#include "tlog/recovery.h"
#include "tlog/witness.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Said = Result<WitnessReply>;

Said says(int status, const std::string& body = "", const std::string& type = "text/plain") {
  WitnessReply reply;
  reply.status = status;
  reply.content_type = type;
  reply.body = body;
  return Said(reply);
}
Said has_size(std::uint64_t size) {
  return says(409, std::to_string(size) + "\n", std::string(kTlogSizeType));
}
const Said kAway = retryable("away"), kUnknown = says(404), kNever = says(404);

// What is sent of an empty store.
const std::string kEmptyText = format_checkpoint({kOrigin, 0, empty_root(), {}}).value();

// Answers alike whoever asks.
class Scripted final : public WitnessExchange {
 public:
  Scripted(Said shows, Said cosigns) : shows_(std::move(shows)), cosigns_(std::move(cosigns)) {}
  Result<WitnessReply> add_checkpoint(const std::string& body, std::stop_token) override {
    EXPECT_TRUE(body.starts_with("old 10\n\n") || body.starts_with("old 0\n\n" + kEmptyText))
        << "asking has nobody cosign anything: " << body;
    return cosigns_;
  }
  Result<WitnessReply> checkpoint(const std::string&, std::stop_token) override { return shows_; }

 private:
  const Said shows_, cosigns_;
};

struct Script {
  Said shows = kNever, cosigns = kUnknown;
};
const Script kSilent{kAway, kAway};
const Script kHasSeven{kNever, has_size(7)};

class RecallTest : public ::testing::Test {
 protected:
  static NoteSigner log_key() {
    return NoteSigner::make(kOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
        .value();
  }
  static VerifiedCheckpoint checkpoint(std::uint64_t size, const NoteSigner& by) {
    return sign_checkpoint(kOrigin, size, leaf_hash(to_bytes("any")), by).value();
  }
  RecallTest() {
    for (const char* name : {"a.example", "b.example", "c.example"}) {
      cosigners_.push_back(
          Cosigner::make(name, crypto::PrivateKey::generate(crypto::KeyType::kEd25519)).value());
    }
    options_.stored = checkpoint(10, key_);
  }
  // Witness wN is scripts[N]; `quorum` is a line of the policy, or two.
  Result<Recalled> ask(const std::string& quorum, const std::vector<Script>& scripts,
                       const std::stop_token& stop = {}) {
    std::string text;
    std::vector<std::unique_ptr<Scripted>> exchanges;
    std::vector<WitnessToRecall> witnesses;
    for (std::size_t i = 0; i < scripts.size(); ++i) {
      const std::string name = "w" + std::to_string(i);
      text += "witness " + name + " " + format_cosigner_vkey(cosigners_[i].key()) + "\n";
      exchanges.push_back(std::make_unique<Scripted>(scripts[i].shows, scripts[i].cosigns));
      witnesses.push_back({name, cosigners_[i].key(), exchanges.back().get()});
    }
    return recall(options_, LogPolicy::parse(text + quorum + "\n").value(), witnesses, stop);
  }
  std::string missing(const std::string& quorum, const std::vector<Script>& scripts) {
    const auto recalled = ask(quorum, scripts);
    return recalled.has_value() ? recalled->missing.value_or("") : recalled.error().message;
  }
  // As the first witness shows it.
  std::string cosigned(const VerifiedCheckpoint& checkpoint) const {
    const std::string& note = checkpoint.note();
    return note + cosigners_[0].cosign(parse_note_unverified(note)->text, 7).value();
  }
  std::string cosigned(std::uint64_t size) const { return cosigned(checkpoint(size, key_)); }
  VerifiedCheckpoint of_another_tree(std::uint64_t size) const {
    return sign_checkpoint(kOrigin, size, leaf_hash(to_bytes("another")), key_).value();
  }
  // The one witness has cosigned what was kept.
  void keep_line(std::uint64_t size) { options_.kept = cosigned(size); }

  const NoteSigner key_ = log_key();
  std::vector<Cosigner> cosigners_;
  RecallOptions options_{.empty = sign_checkpoint(kOrigin, 0, empty_root(), key_).value(),
                         .log_keys = {key_.verifier()},
                         .stored = {},
                         .nodes = {},
                         .kept = {}};
};

TEST_F(RecallTest, ShowsWhatWitnessesShow) {
  const auto recalled = ask("quorum w0", {{says(200, cosigned(12)), kAway}});
  ASSERT_TRUE(recalled.has_value()) << recalled.error().message;
  EXPECT_EQ(recalled->missing, std::nullopt);
  ASSERT_EQ(recalled->remembered.size(), 1U);
  EXPECT_EQ(recalled->remembered[0].whose, "witness w0");
  EXPECT_EQ(recalled->remembered[0].checkpoint.size(), 12U);
}

// Nobody of those who have answered may have been passed over by a quorum of the others.
TEST_F(RecallTest, WaitsForWhoeverCouldBeAQuorumWithoutTheOthers) {
  const Script heard = kHasSeven;
  const std::string any = "group g any w0 w1\nquorum g";
  EXPECT_THAT(missing(any, {heard, kSilent}), HasSubstr("quorum by themselves"));
  EXPECT_THAT(missing(any, {heard, heard}), IsEmpty());
  const std::string two_of_three = "group g 2 w0 w1 w2\nquorum g";
  EXPECT_THAT(missing(two_of_three, {heard, heard, kSilent}), IsEmpty());
  EXPECT_THAT(missing(two_of_three, {heard, kSilent, kSilent}), HasSubstr("no quorum"));
  const std::string one_of_three = "group g 1 w0 w1 w2\nquorum g";
  EXPECT_THAT(missing(one_of_three, {heard, heard, kSilent}), HasSubstr("w2: away"));
  const std::string all = "group g all w0 w1 w2\nquorum g";
  EXPECT_THAT(missing(all, {heard, heard, kSilent}), HasSubstr("no quorum"));
  const std::string nested = "group h all w1 w2\ngroup g any w0 h\nquorum g";
  EXPECT_THAT(missing(nested, {heard, heard, kSilent}), IsEmpty()) << "h lacks one that answered";
  EXPECT_THAT(missing(nested, {heard, kSilent, kSilent}), HasSubstr("quorum by themselves"));
  EXPECT_THAT(missing(nested, {kSilent, heard, heard}), HasSubstr("quorum by themselves"));
  EXPECT_THAT(missing("quorum none", {kSilent}), IsEmpty()) << "nobody is relied on";
}

TEST_F(RecallTest, NamesTheSilentInTheOrderOfThePolicy) {
  EXPECT_EQ(missing("group g all w0 w1 w2\nquorum g", {kSilent, kHasSeven, kSilent}),
            "no quorum of witnesses says what it remembers of this log: w0: away; w2: away");
}

// Not every witness has a monitoring endpoint, and some have it elsewhere.
TEST_F(RecallTest, AsksWhoShowsNothingForTheSizeThatItHas) {
  for (const int status : {401, 403, 404, 405, 500, 501}) {
    EXPECT_THAT(missing("quorum w0", {{says(status), has_size(7)}}), IsEmpty()) << status;
    EXPECT_THAT(missing("quorum w0", {{says(status), kAway}}), HasSubstr("w0: away")) << status;
    EXPECT_THAT(missing("quorum w0", {{says(status), says(503)}}), HasSubstr("503")) << status;
  }
  const Script anothers{says(200, checkpoint(9, log_key()).note()), says(403)};
  EXPECT_THAT(missing("quorum w0", {anothers}), HasSubstr("no signature by a known key"));
  keep_line(7);
  EXPECT_THAT(missing("quorum w0", {kHasSeven}), IsEmpty());
  keep_line(9);
  EXPECT_THAT(missing("quorum w0", {kHasSeven}),
              HasSubstr("knows size 7 of this log, but has cosigned size 9"));
}

// A cache keeps old ones; and what it has not cosigned may be anybody's copy.
TEST_F(RecallTest, BelievesNoCopyThatHasNoMoreThanIsStored) {
  for (const std::uint64_t size : {9U, 10U}) {
    EXPECT_THAT(missing("quorum w0", {{says(200, cosigned(size)), kAway}}), HasSubstr("w0: away"));
    EXPECT_THAT(missing("quorum w0", {{says(200, cosigned(size)), has_size(9)}}), IsEmpty());
  }
  EXPECT_THAT(missing("quorum w0", {{says(200, checkpoint(12, key_).note()), says(503)}}),
              HasSubstr("without a line by its key a.example"));
}

// A status alone is anybody's: whoever says so is silent, and the quorum decides.
TEST_F(RecallTest, TakesWhatIsOnlyClaimedForSilence) {
  const std::vector<std::pair<Said, std::string>> claims{
      {has_size(10), "says that it has cosigned another checkpoint of this log at size 10"},
      {says(422), "says that it has cosigned another checkpoint of this log at size 10"},
      {has_size(11), "says that it has cosigned this log at size 11, which has published no more"}};
  for (const auto& [said, words] : claims) {
    const Script claim{kNever, said};
    const auto recalled = ask("group g 2 w0 w1 w2\nquorum g", {kHasSeven, claim, kHasSeven});
    ASSERT_TRUE(recalled.has_value()) << recalled.error().message;
    EXPECT_EQ(recalled->missing, std::nullopt);
    ASSERT_EQ(recalled->claims.size(), 1U);
    EXPECT_EQ(recalled->claims[0].witness, "w1");
    EXPECT_THAT(recalled->claims[0].what, HasSubstr(words));
    EXPECT_THAT(missing("group g any w0 w1\nquorum g", {kHasSeven, claim}),
                HasSubstr("quorum by themselves"));
    EXPECT_THAT(missing("quorum w0", {claim}), HasSubstr("w0: " + words));
  }
}

// Such a log is not signed any more, whoever is silent: it need not wait to be read.
TEST_F(RecallTest, WaitsForNobodyWhereAnotherTreeIsShown) {
  const std::string all = "group g all w0 w1\nquorum g";
  const auto expect_proof = [&](const Script& shown, std::uint64_t size) {
    const auto recalled = ask(all, {shown, kSilent});
    ASSERT_TRUE(recalled.has_value()) << recalled.error().message;
    EXPECT_EQ(recalled->missing, std::nullopt);
    ASSERT_EQ(recalled->remembered.size(), 1U);
    EXPECT_EQ(recalled->remembered[0].checkpoint.size(), size);
  };
  const auto shows = [&](std::uint64_t size) { return says(200, cosigned(of_another_tree(size))); };
  expect_proof({shows(10), says(422)}, 10);
  expect_proof({shows(10), kAway}, 10);
  EXPECT_THAT(missing(all, {{shows(1), has_size(1)}, kSilent}), HasSubstr("no quorum"))
      << "nothing to hold it against";
  options_.nodes = [](const Node&) -> Result<Hash> { return leaf_hash(to_bytes("any")); };
  expect_proof({shows(1), has_size(1)}, 1);
  EXPECT_THAT(missing(all, {{says(200, cosigned(1)), has_size(1)}, kSilent}),
              HasSubstr("no quorum"));
  EXPECT_THAT(missing(all, {{says(200, cosigned(12)), kAway}, kSilent}), HasSubstr("no quorum"))
      << "it may have been committed";
  options_.stored.reset();
  expect_proof({says(200, cosigned(12)), kAway}, 12);
}

// Where the head file was put back alone, this is the newest that is known.
TEST_F(RecallTest, HoldsTheKeptNoteAgainstTheStore) {
  keep_line(12);
  auto recalled = ask("quorum w0", {{kNever, has_size(10)}});
  ASSERT_TRUE(recalled.has_value()) << recalled.error().message;
  ASSERT_EQ(recalled->remembered.size(), 1U);
  EXPECT_EQ(recalled->remembered[0].whose, "the witnessed checkpoint that was kept");
  EXPECT_EQ(recalled->remembered[0].checkpoint.size(), 12U);
  options_.kept = cosigned(of_another_tree(10));
  EXPECT_THAT(missing("quorum w0", {kSilent}), IsEmpty()) << "a proof";
  options_.kept = cosigned(checkpoint(12, log_key()));
  recalled = ask("quorum w0", {kHasSeven});
  ASSERT_TRUE(recalled.has_value()) << recalled.error().message;
  EXPECT_TRUE(recalled->remembered.empty()) << "by a key that is not known";
  EXPECT_THAT(recalled->missing.value_or(""), HasSubstr("but has cosigned size 12"))
      << "the witness' own line tells, whichever key has signed";
}

TEST_F(RecallTest, BelievesThatAWitnessKnowsNothingUntilItHasCosigned) {
  const std::string text = parse_note_unverified(options_.stored->note())->text;
  const Script knows_it{says(405), says(200, cosigners_[0].cosign(text, 7).value())};
  const std::vector<Script> know_nothing{{kNever, kUnknown}, {says(405), has_size(0)}};
  for (const Script& each : know_nothing) EXPECT_THAT(missing("quorum w0", {each}), IsEmpty());
  EXPECT_THAT(missing("quorum w0", {knows_it}), IsEmpty());
  EXPECT_THAT(missing("quorum w0", {{kNever, says(403)}}), HasSubstr("403"))
      << "it has another key";
  keep_line(9);
  EXPECT_THAT(missing("quorum w0", {knows_it}), IsEmpty());
  for (int again = 0; again < 2; ++again) {
    for (const Script& each : know_nothing) {
      EXPECT_THAT(missing("quorum w0", {each}),
                  HasSubstr("has lost its state, or this is another's"));
    }
  }
}

// Of an empty store nobody but the witnesses knows whether it is a new one's.
TEST_F(RecallTest, AsksOfAnEmptyStoreToo) {
  options_.stored.reset();
  const Script cosigns{kNever, says(200, cosigners_[0].cosign(kEmptyText, 7).value())};
  const std::vector<Script> know_nothing{cosigns,
                                         {says(405), cosigns.cosigns},
                                         {says(405), has_size(0)},
                                         {kNever, kUnknown},
                                         {kNever, says(400)},
                                         {says(200, cosigned(options_.empty)), has_size(0)}};
  for (const Script& each : know_nothing) EXPECT_THAT(missing("quorum w0", {each}), IsEmpty());
  EXPECT_THAT(missing("quorum w0", {{kNever, kAway}}), HasSubstr("w0: away"))
      << "404 alone is anybody's";
  EXPECT_THAT(missing("quorum w0", {{says(403), says(403)}}), HasSubstr("403"));
  EXPECT_THAT(missing("quorum w0", {{kNever, has_size(9)}}),
              HasSubstr("says that it has cosigned this log at size 9"));
  options_.kept = cosigned(checkpoint(9, log_key()));
  for (const Script& each : know_nothing) {
    EXPECT_THAT(missing("quorum w0", {each}), HasSubstr("lost its state"));
  }
}

// The real one: its state is not changed by being asked.
TEST_F(RecallTest, HasNoWitnessCosignByAsking) {
  class Memory final : public WitnessMemory {
   public:
    Result<std::optional<std::string>> latest(std::string_view) override { return note; }
    Result<void> replace(std::string_view, const std::optional<std::string>&,
                         std::string_view next) override {
      note = std::string(next);
      return {};
    }
    std::optional<std::string> note;
  };
  class Real final : public WitnessExchange {
   public:
    explicit Real(const Witness& witness) : witness_(witness) {}
    Result<WitnessReply> add_checkpoint(const std::string& body, std::stop_token) override {
      const WitnessAnswer answer =
          witness_.add_checkpoint(body, SystemTime(std::chrono::hours(500'000)));
      return WitnessReply{answer.status, std::string(answer.content_type), answer.body};
    }
    Result<WitnessReply> checkpoint(const std::string&, std::stop_token) override {
      return says(404);
    }

   private:
    const Witness& witness_;
  };
  Memory memory;
  const Witness witness =
      Witness::make(cosigners_[0], {{std::string(kOrigin), {key_.verifier()}}}, memory).value();
  Real real(witness);
  const std::vector<WitnessToRecall> one{{"w0", cosigners_[0].key(), &real}};
  const LogPolicy policy =
      LogPolicy::parse("witness w0 " + format_cosigner_vkey(cosigners_[0].key()) + "\nquorum w0\n")
          .value();
  EXPECT_EQ(recall(options_, policy, one, {})->missing, std::nullopt) << "it knows nothing of it";
  EXPECT_EQ(memory.note, std::nullopt);
  keep_line(9);
  for (int again = 0; again < 2; ++again) {
    EXPECT_THAT(recall(options_, policy, one, {})->missing.value_or(""),
                HasSubstr("lost its state"));
  }
  EXPECT_EQ(memory.note, std::nullopt);
  memory.note = options_.stored->note();
  EXPECT_EQ(recall(options_, policy, one, {})->missing, std::nullopt);
  // Of an empty store it learns that there is an empty log, and says no other thing for that.
  options_.stored.reset();
  options_.kept = cosigned(checkpoint(9, log_key()));
  const auto before = memory.note;
  EXPECT_THAT(recall(options_, policy, one, {})->missing.value_or(""), HasSubstr("size 10"));
  EXPECT_EQ(memory.note, before);
  memory.note.reset();
  for (int again = 0; again < 2; ++again) {
    EXPECT_THAT(recall(options_, policy, one, {})->missing.value_or(""),
                HasSubstr("lost its state"));
    EXPECT_TRUE(memory.note.value_or("").starts_with(kEmptyText));
  }
  options_.kept.reset();
  EXPECT_EQ(recall(options_, policy, one, {})->missing, std::nullopt);
}

TEST_F(RecallTest, EndsWhenItIsToldTo) {
  class Hangs final : public WitnessExchange {
   public:
    Result<WitnessReply> add_checkpoint(const std::string&, std::stop_token) override {
      return fatal("is not asked");
    }
    Result<WitnessReply> checkpoint(const std::string&, std::stop_token stop) override {
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      never.wait(lock, stop, [] { return false; });
      return retryable("stopped");
    }
  };
  Hangs hangs;
  const std::vector<WitnessToRecall> one{{"w0", cosigners_[0].key(), &hangs}};
  const std::string policy =
      "witness w0 " + format_cosigner_vkey(cosigners_[0].key()) + "\nquorum w0\n";
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(
      recall(options_, LogPolicy::parse(policy).value(), one, source.get_token()).error().message,
      "log witnesses: stopped");
}

}  // namespace
}  // namespace avouch::tlog
