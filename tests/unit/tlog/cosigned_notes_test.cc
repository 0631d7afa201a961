#include "tlog/cosigned_notes.h"

#include <gtest/gtest.h>

#include <array>

#include "support/plain_tree.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

crypto::PrivateKey any_key() { return crypto::PrivateKey::generate(crypto::KeyType::kEd25519); }

// Three witnesses, of which two are a quorum.
class CosignedNotesTest : public ::testing::Test {
 protected:
  CosignedNotesTest() {
    for (const char* name : {"a.example", "b.example", "c.example"}) {
      cosigners_.push_back(Cosigner::make(name, any_key()).value());
    }
    for (int i = 0; i < 40; ++i) tree_.push_entry(to_bytes("entry " + std::to_string(i)));
  }
  LogPolicy policy(const std::string& quorum = "group g 2 a b c\nquorum g\n") const {
    std::string text;
    const std::array names{"a", "b", "c"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      text += std::string("witness ") + names[i] + " " + format_cosigner_vkey(cosigners_[i].key()) +
              "\n";
    }
    return LogPolicy::parse(text + quorum).value();
  }
  VerifiedCheckpoint checkpoint(std::uint64_t size) const {
    const std::string text = format_checkpoint({kOrigin, size, tree_.root(size), {}}).value();
    const std::string note = sign_note(text, std::span(&log_, 1)).value();
    return verify_checkpoint(note, keys_, kOrigin).value();
  }
  std::string line(std::size_t witness, std::uint64_t size, std::uint64_t seconds) const {
    const auto note = parse_note_unverified(checkpoint(size).note()).value();
    return cosigners_[witness].cosign(note.text, seconds).value();
  }
  std::optional<WitnessedNote> add(CosignedNotes& notes, std::size_t witness, std::uint64_t size,
                                   std::uint64_t seconds) const {
    return notes.add(checkpoint(size).note(), cosigners_[witness].key(),
                     line(witness, size, seconds), seconds);
  }

  NoteSigner log_ = NoteSigner::make(kOrigin, any_key()).value();
  std::vector<NoteVerifier> keys_{log_.verifier()};
  std::vector<Cosigner> cosigners_;
  testing::PlainTree tree_;
};

TEST_F(CosignedNotesTest, IsWitnessedOnceAQuorumHasCosignedTheSameCheckpoint) {
  CosignedNotes notes(policy());
  notes.ask_for(checkpoint(5));
  notes.ask_for(checkpoint(9));
  EXPECT_FALSE(add(notes, 0, 5, 100));
  EXPECT_FALSE(add(notes, 1, 9, 101)) << "two cosignatures, but of two checkpoints";
  EXPECT_FALSE(notes.witnessed());
  const auto witnessed = add(notes, 2, 9, 99);
  ASSERT_TRUE(witnessed);
  EXPECT_EQ(witnessed->size, 9U);
  EXPECT_EQ(witnessed->seconds, 99U);
  EXPECT_EQ(witnessed->note, checkpoint(9).note() + line(1, 9, 101) + line(2, 9, 99));
  EXPECT_EQ(notes.witnessed()->note, witnessed->note);
  EXPECT_TRUE(verify_checkpoint(witnessed->note, keys_, kOrigin).has_value());
}

TEST_F(CosignedNotesTest, NeverGoesBackToASmallerOrOlderOne) {
  CosignedNotes notes(policy());
  notes.ask_for(checkpoint(5));
  notes.ask_for(checkpoint(9));
  ASSERT_FALSE(add(notes, 0, 9, 200));
  ASSERT_TRUE(add(notes, 1, 9, 201));
  EXPECT_FALSE(add(notes, 0, 5, 300));
  EXPECT_FALSE(add(notes, 1, 5, 300)) << "a quorum, but of a smaller one";
  EXPECT_EQ(notes.witnessed()->size, 9U);
  // The same one again, later.
  EXPECT_TRUE(add(notes, 0, 9, 400));
  EXPECT_EQ(notes.witnessed()->seconds, 201U) << "the quorum is as old as its oldest member";
  EXPECT_TRUE(add(notes, 1, 9, 401));
  EXPECT_EQ(notes.witnessed()->seconds, 400U);
  EXPECT_EQ(notes.witnessed()->note, checkpoint(9).note() + line(0, 9, 400) + line(1, 9, 401));
}

TEST_F(CosignedNotesTest, ShowsWhatHasComeForThePublishedCheckpoint) {
  CosignedNotes notes(policy());
  EXPECT_EQ(notes.with_cosignatures(checkpoint(9).note()), checkpoint(9).note());
  notes.ask_for(checkpoint(9));
  EXPECT_EQ(notes.with_cosignatures(checkpoint(9).note()), checkpoint(9).note());
  add(notes, 2, 9, 100);
  add(notes, 0, 9, 100);
  EXPECT_EQ(notes.with_cosignatures(checkpoint(9).note()),
            checkpoint(9).note() + line(0, 9, 100) + line(2, 9, 100));
  EXPECT_EQ(notes.with_cosignatures(checkpoint(10).note()), checkpoint(10).note());
}

TEST_F(CosignedNotesTest, KeepsTheNewestEightAndIgnoresLinesOfOthers) {
  CosignedNotes notes(policy());
  for (std::uint64_t size = 1; size <= 9; ++size) notes.ask_for(checkpoint(size));
  add(notes, 0, 1, 100);
  EXPECT_EQ(notes.with_cosignatures(checkpoint(1).note()), checkpoint(1).note());
  add(notes, 0, 2, 100);
  EXPECT_NE(notes.with_cosignatures(checkpoint(2).note()), checkpoint(2).note());
  const auto stranger = Cosigner::make("a.example", any_key()).value();
  notes.add(checkpoint(9).note(), stranger.key(), "not looked at\n", 100);
  EXPECT_EQ(notes.with_cosignatures(checkpoint(9).note()), checkpoint(9).note());
}

TEST_F(CosignedNotesTest, TakesUpWhatAnEarlierProcessKept) {
  const std::string kept = checkpoint(9).note() + line(0, 9, 100) + line(1, 9, 120);
  CosignedNotes notes(policy());
  ASSERT_TRUE(notes.restore(kept, keys_, checkpoint(12).checkpoint(), kNow).has_value());
  EXPECT_EQ(notes.witnessed()->note, kept);
  EXPECT_EQ(notes.witnessed()->size, 9U);
  EXPECT_EQ(notes.witnessed()->seconds, 100U);
  // A clock of theirs that was ahead makes it no younger.
  const std::string ahead =
      checkpoint(9).note() + line(0, 9, 1'900'000'000) + line(1, 9, 1'900'000'000);
  ASSERT_TRUE(notes.restore(ahead, keys_, checkpoint(12).checkpoint(), kNow).has_value());
  EXPECT_EQ(notes.witnessed()->seconds, 1'800'000'000U);
}

TEST_F(CosignedNotesTest, TakesUpNothingThatIsNotThisLogsByThePresentPolicy) {
  const std::string kept = checkpoint(9).note() + line(0, 9, 100) + line(1, 9, 120);
  const auto refused = [&](const LogPolicy& by, const std::string& note,
                           std::span<const NoteVerifier> keys, const Checkpoint& published) {
    CosignedNotes notes(by);
    const bool is_refused = !notes.restore(note, keys, published, kNow).has_value();
    EXPECT_EQ(is_refused, !notes.witnessed().has_value());
    return is_refused;
  };
  const Checkpoint published = checkpoint(12).checkpoint();
  EXPECT_FALSE(refused(policy(), kept, keys_, published));
  EXPECT_TRUE(refused(policy("group g all a b c\nquorum g\n"), kept, keys_, published));
  EXPECT_TRUE(refused(policy(), kept, keys_, checkpoint(8).checkpoint())) << "larger than the log";
  Checkpoint other = published;
  other.origin = "log.example/two";
  EXPECT_TRUE(refused(policy(), kept, keys_, other));
  const std::array others{NoteSigner::make(kOrigin, any_key()).value().verifier()};
  EXPECT_TRUE(refused(policy(), kept, others, published));
  EXPECT_TRUE(refused(policy(), checkpoint(9).note() + line(0, 9, 100) + line(1, 8, 120), keys_,
                      published));
  EXPECT_TRUE(refused(policy(), "", keys_, published));
}

}  // namespace
}  // namespace avouch::tlog
