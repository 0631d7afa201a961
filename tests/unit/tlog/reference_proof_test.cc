// References to entries, held against trees: which of them hold, and what hostile ones look like.

#include "tlog/reference_proof.h"

#include <gmock/gmock.h>

#include "support/other_log.h"
#include "tlog/cosignature.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using ::testing::HasSubstr;
using testing::OtherLog;

constexpr const char* kTheirs = "log.example/theirs";

LogPolicy policy_of(const std::string& text) { return LogPolicy::parse(text).value(); }

std::string why(const Result<VerifiedReference>& result) {
  return result.has_value() ? "" : result.error().message;
}

class OwnReference : public ::testing::Test {
 protected:
  static Bytes entry(std::uint64_t index) {
    return to_bytes(std::string(kAvouchOrigin) + " entry " + std::to_string(index));
  }
  VerifiedCheckpoint at(std::uint64_t size) const {
    return verify_checkpoint(log.note(size), std::span(&log.signer.verifier(), 1), kAvouchOrigin)
        .value();
  }
  std::vector<Hash> path(std::uint64_t index, std::uint64_t size) const {
    return make_inclusion_proof(index, size, log.tree.source()).value();
  }
  EntryReference reference(std::uint64_t index) const {
    return {kAvouchOrigin, index, log.tree.leaf(index), ""};
  }

  const OtherLog log{kAvouchOrigin};
};

TEST_F(OwnReference, ToEveryEntryOfEverySizeHolds) {
  for (std::uint64_t size = 1; size <= 40; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto verified =
          verify_own_reference(reference(index), entry(index), path(index, size), at(size));
      ASSERT_TRUE(verified.has_value()) << why(verified);
      EXPECT_EQ(verified->reference(), reference(index));
    }
  }
}

TEST_F(OwnReference, ToWhatIsNotPublishedDoesNot) {
  for (std::uint64_t index = 20; index < 23; ++index) {
    EXPECT_THAT(why(verify_own_reference(reference(index), entry(index), path(index, 40), at(20))),
                HasSubstr("is in no published checkpoint: the newest is of 20 entries"));
  }
  EXPECT_FALSE(verify_own_reference(reference(0), entry(0), {}, at(0)).has_value());
}

TEST_F(OwnReference, ToAnotherPlaceOrLeafDoesNot) {
  EntryReference moved = reference(5);
  moved.index = 6;
  EXPECT_FALSE(verify_own_reference(moved, entry(5), path(5, 40), at(40)).has_value());
  EXPECT_FALSE(verify_own_reference(moved, entry(6), path(6, 40), at(40)).has_value());
  EXPECT_THAT(why(verify_own_reference(reference(5), entry(6), path(5, 40), at(40))),
              HasSubstr("another leaf hash"));
  for (std::size_t byte = 0; byte < 32; ++byte) {
    EntryReference changed = reference(5);
    changed.leaf[byte] ^= 1;
    EXPECT_FALSE(verify_own_reference(changed, entry(5), path(5, 40), at(40)).has_value());
  }
  EXPECT_FALSE(verify_own_reference(reference(5), entry(5), path(5, 39), at(40)).has_value());
}

TEST_F(OwnReference, IsOfThisLogAndCarriesNoProof) {
  EntryReference theirs = reference(5);
  theirs.origin = kTheirs;
  EXPECT_THAT(why(verify_own_reference(theirs, entry(5), path(5, 40), at(40))),
              HasSubstr("not of this one"));
  EntryReference proven = reference(5);
  proven.proof = "x";
  EXPECT_FALSE(verify_own_reference(proven, entry(5), path(5, 40), at(40)).has_value());
}

class ForeignReference : public ::testing::Test {
 protected:
  auto verify(const EntryReference& reference) const {
    return verify_foreign_reference(reference, trusted);
  }
  EntryReference with_note(EntryReference reference, std::string note) const {
    LogProof proof = parse_log_proof(reference.proof).value();
    proof.note = std::move(note);
    reference.proof = format_log_proof(proof);
    return reference;
  }

  const OtherLog log{kTheirs};
  const LogPolicy trusted = policy_of(log.policy_line() + "quorum none\n");
  const LogPolicy witnessed = policy_of(log.policy_with_quorum());
};

TEST_F(ForeignReference, ToEveryEntryOfEverySizeHolds) {
  for (std::uint64_t size = 1; size <= 40; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const auto verified = verify(log.reference(index, size));
      ASSERT_TRUE(verified.has_value()) << why(verified);
      const EntryReference& kept = verified->reference();
      EXPECT_EQ(kept.index, index);
      EXPECT_EQ(kept.leaf, log.tree.leaf(index));
      EXPECT_TRUE(verify(kept).has_value());
    }
  }
}

TEST_F(ForeignReference, OfALogThatIsNotTrustedDoesNot) {
  const OtherLog another("log.example/another");
  EXPECT_THAT(why(verify(another.reference(5, 33))), HasSubstr("is none that this log trusts"));
  EXPECT_FALSE(
      verify_foreign_reference(log.reference(5, 33), policy_of("quorum none\n")).has_value());
  // By a trusted log, in another's name.
  EntryReference renamed = log.reference(5, 33);
  renamed.origin = another.origin;
  const LogPolicy both = policy_of(log.policy_line() + another.policy_line() + "quorum none\n");
  EXPECT_FALSE(verify_foreign_reference(renamed, both).has_value());
}

TEST_F(ForeignReference, UnderACheckpointOfAnotherKeyDoesNot) {
  const OtherLog forger(kTheirs);  // of the same name, with the same entries
  ASSERT_EQ(forger.tree.root(33), log.tree.root(33));
  EXPECT_THAT(why(verify(forger.reference(5, 33))), HasSubstr("no signature by a known key"));
  // A line that names the trusted key, with somebody else's signature.
  const UnverifiedNote good = parse_note_unverified(log.note(33)).value();
  const UnverifiedNote forged = parse_note_unverified(forger.note(33)).value();
  const std::string note = good.text + "\n" +
                           format_signature_line(good.signatures[0].name, good.signatures[0].key_id,
                                                 forged.signatures[0].signature);
  EXPECT_FALSE(verify(with_note(log.reference(5, 33), note)).has_value());
}

TEST_F(ForeignReference, ToAnotherPlaceOrLeafDoesNot) {
  EntryReference moved = log.reference(5, 33);
  moved.index = 6;
  EXPECT_FALSE(verify(moved).has_value());
  LogProof proof = log.proof(5, 33);
  proof.index = 6;
  moved.proof = format_log_proof(proof);
  EXPECT_FALSE(verify(moved).has_value());
  for (std::size_t byte = 0; byte < 32; ++byte) {
    EntryReference changed = log.reference(5, 33);
    changed.leaf[byte] ^= 1;
    EXPECT_FALSE(verify(changed).has_value());
  }
  for (std::size_t node = 0; node < 6; ++node) {
    LogProof changed = log.proof(5, 33);
    ASSERT_EQ(changed.path.size(), 6U);
    changed.path[node][0] ^= 1;
    EntryReference reference = log.reference(5, 33);
    reference.proof = format_log_proof(changed);
    EXPECT_FALSE(verify(reference).has_value()) << node;
  }
}

TEST_F(ForeignReference, OfASizeThatIsNotAboveTheIndexDoesNot) {
  for (const std::uint64_t size : {0U, 1U, 4U, 5U}) {
    EXPECT_FALSE(verify(with_note(log.reference(5, 33), log.note(size))).has_value()) << size;
  }
  EXPECT_FALSE(verify(with_note(log.reference(5, 33), log.note(34))).has_value());
}

TEST_F(ForeignReference, HoldsTheEntryNowhere) {
  LogProof proof = log.proof(5, 33);
  proof.extra = to_bytes("entry");
  EntryReference reference = log.reference(5, 33);
  reference.proof = format_log_proof(proof);
  EXPECT_FALSE(verify(reference).has_value());
  reference.proof = "";
  EXPECT_FALSE(verify(reference).has_value());
}

TEST_F(ForeignReference, NeedsTheQuorumOfThePolicy) {
  EXPECT_TRUE(verify_foreign_reference(log.reference(5, 33), witnessed).has_value());
  const std::string text = parse_note_unverified(log.note(33)).value().text;
  const std::string alone = sign_note(text, std::span(&log.signer, 1)).value();
  const EntryReference unwitnessed = with_note(log.reference(5, 33), alone);
  EXPECT_TRUE(verify(unwitnessed).has_value());
  EXPECT_THAT(why(verify_foreign_reference(unwitnessed, witnessed)), HasSubstr("no quorum"));
}

// Nothing that nobody verified gets into a log for ever.
TEST_F(ForeignReference, KeepsNoLineThatWasNotVerified) {
  const std::string text = parse_note_unverified(log.note(33)).value().text;
  const std::string alone = sign_note(text, std::span(&log.signer, 1)).value();
  const std::string own_line = alone.substr(text.size() + 1);
  const std::string older = log.witness.cosign(text, 76).value();
  const std::string newer = log.witness.cosign(text, 78).value();
  const Cosigner stranger =
      Cosigner::make("stranger.example", crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  std::string crowded = text + "\n" + older + own_line + own_line;
  for (std::uint64_t i = 1; i < 60; ++i) crowded += stranger.cosign(text, i).value();
  crowded += newer + older;
  const EntryReference sent = with_note(log.reference(5, 33), crowded);
  ASSERT_GT(sent.proof.size(), EntryReference::kMaxProofBytes);

  const auto kept = verify(sent);
  ASSERT_TRUE(kept.has_value()) << why(kept);
  EXPECT_EQ(parse_log_proof(kept->reference().proof).value().note, alone);

  const auto with_witness = verify_foreign_reference(sent, witnessed);
  ASSERT_TRUE(with_witness.has_value()) << why(with_witness);
  EXPECT_EQ(parse_log_proof(with_witness->reference().proof).value().note, alone + newer);
  EXPECT_TRUE(verify_foreign_reference(with_witness->reference(), witnessed).has_value());
}

TEST_F(ForeignReference, WhichIsTooLargeByItsTextIsNotKept) {
  Checkpoint checkpoint{kTheirs, 33, log.tree.root(33), {std::string(9000, 'x')}};
  const std::string text = format_checkpoint(checkpoint).value();
  const std::string note = sign_note(text, std::span(&log.signer, 1)).value();
  EXPECT_THAT(why(verify(with_note(log.reference(5, 33), note))), HasSubstr("are kept"));
}

// While a log changes its key, either counts, and both lines are kept.
TEST_F(ForeignReference, OfALogWithTwoKeysKeepsBothLines) {
  const NoteSigner next =
      NoteSigner::make(kTheirs, crypto::PrivateKey::generate(crypto::KeyType::kEd25519)).value();
  const std::string text = parse_note_unverified(log.note(33)).value().text;
  const std::array signers = {log.signer, next};
  const std::string note = sign_note(text, signers).value();
  const LogPolicy both =
      policy_of(log.policy_line() + "log " + format_vkey(next.verifier()) + "\nquorum none\n");
  const auto kept = verify_foreign_reference(with_note(log.reference(5, 33), note), both);
  ASSERT_TRUE(kept.has_value()) << why(kept);
  EXPECT_EQ(parse_log_proof(kept->reference().proof).value().note, note);
}

}  // namespace
}  // namespace avouch::tlog
