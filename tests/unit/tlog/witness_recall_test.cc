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

// Answers alike whoever asks.
class Scripted final : public WitnessExchange {
 public:
  Scripted(Said shows, Said cosigns) : shows_(std::move(shows)), cosigns_(std::move(cosigns)) {}
  Result<WitnessReply> add_checkpoint(const std::string& body, std::stop_token) override {
    EXPECT_TRUE(body.starts_with("old 0\n\n")) << body;
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
const Script kHasTen{kNever, has_size(10)};

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
    options_ = {.origin = kOrigin, .log_keys = {key_.verifier()}, .stored = {}, .kept = {}};
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
  // The one witness has cosigned what was kept.
  void keep_line() {
    const std::string note = checkpoint(9, key_).note();
    options_.kept = note + cosigners_[0].cosign(parse_note_unverified(note)->text, 7).value();
  }

  const NoteSigner key_ = log_key();
  std::vector<Cosigner> cosigners_;
  RecallOptions options_;
};

TEST_F(RecallTest, ShowsWhatWitnessesShow) {
  const Script shows{says(200, checkpoint(12, key_).note()), kAway};
  const auto recalled = ask("quorum w0", {shows});
  ASSERT_TRUE(recalled.has_value()) << recalled.error().message;
  EXPECT_EQ(recalled->missing, std::nullopt);
  ASSERT_EQ(recalled->shown.size(), 1U);
  EXPECT_EQ(recalled->shown[0].whose, "witness w0");
  EXPECT_EQ(recalled->shown[0].checkpoint.size(), 12U);
}

// Nobody of those who have answered may have been passed over by a quorum of the others.
TEST_F(RecallTest, WaitsForWhoeverCouldBeAQuorumWithoutTheOthers) {
  const Script heard = kHasTen;
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
  EXPECT_EQ(missing("group g all w0 w1 w2\nquorum g", {kSilent, kHasTen, kSilent}),
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
  keep_line();
  EXPECT_THAT(missing("quorum w0", {kHasTen}), IsEmpty());
}

TEST_F(RecallTest, StopsWhereAWitnessHasMoreThanIsStored) {
  const auto recalled =
      ask("group g 2 w0 w1 w2\nquorum g", {kHasTen, kHasTen, {kNever, has_size(11)}});
  ASSERT_FALSE(recalled.has_value());
  EXPECT_EQ(recalled.error().kind, ErrorKind::kRetryable);
  EXPECT_THAT(recalled.error().message, HasSubstr("witness w2 has cosigned this log at size 11"));
}

TEST_F(RecallTest, BelievesThatAWitnessKnowsNothingUntilItHasCosigned) {
  const std::string text = parse_note_unverified(options_.stored->note())->text;
  const Script first{says(405), says(200, cosigners_[0].cosign(text, 7).value())};
  const std::vector<Script> know_nothing{{kNever, kUnknown}, {kNever, says(403)}, first};
  for (const Script& each : know_nothing) EXPECT_THAT(missing("quorum w0", {each}), IsEmpty());
  keep_line();
  for (const Script& each : know_nothing) {
    EXPECT_THAT(missing("quorum w0", {each}),
                HasSubstr("has lost its state, or this is another's"));
  }
  // Of an empty store nobody is asked.
  options_.stored.reset();
  EXPECT_THAT(missing("quorum w0", {{kNever, kAway}}), HasSubstr("lost its state"));
  options_.kept.reset();
  EXPECT_THAT(missing("quorum w0", {{kNever, kAway}}), IsEmpty());
  EXPECT_THAT(missing("quorum w0", {{says(403), kAway}}), HasSubstr("403"));
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
