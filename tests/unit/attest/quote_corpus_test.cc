// Quotes of real boots, and mutations of them.

#include <gtest/gtest.h>

#include <map>

#include "attest/quote.h"
#include "tests/support/corpus.h"

namespace avouch::attest {
namespace {

using crypto::HashAlgorithm;
using testing::all_cases;
using testing::CorpusCase;

const SystemTime kQuotedAt{std::chrono::seconds(1'800'000'000)};

UnverifiedIdentity identity_of(const CorpusCase& each) {
  return {{}, each.file("ek.pub"), each.file("ak.pub")};
}

// The code of the first check that refuses the case's quote; empty if none does.
std::string judge(const CorpusCase& each) {
  const auto keys = check_keys(identity_of(each));
  if (!keys.has_value()) return keys.reason().code;
  const BeaconWindow none;
  const QuoteNeed need{"baseline", {{HashAlgorithm::kSha256, 0x0043ff}}};
  const QuoteContext context{keys.value(), "node", none, {}, {&need, 1}, {}, {}, kQuotedAt};
  const UnverifiedQuote quote{each.file("quote.msg"), each.file("quote.sig"), {}};
  const auto verified =
      verify_stored_quote(quote, each.quoted_pcrs(), each.nonce(), kQuotedAt, context);
  return verified.has_value() ? "" : verified.reason().code;
}

TEST(CorpusQuotes, OfEveryGenuineBootAreAcceptedWhateverThePcrsSay) {
  int seen = 0;
  for (const CorpusCase& each : all_cases()) {
    if (each.meta.text({"kind"}) != "genuine" || each.folders.size() != 1) continue;
    if (each.id.starts_with("14-")) continue;  // signed by the TPM, but asked wrongly: below
    EXPECT_EQ(judge(each), "") << each.id;
    ++seen;
  }
  EXPECT_GE(seen, 5);
}

// The right reason for each; where several checks fail, the first of the list.
const std::map<std::string, std::string> kRefusals = {
    {"12-msg-clock", "SignatureInvalid"},     {"12-msg-magic", "QuoteNotAQuote"},
    {"12-msg-nonce", "SignatureInvalid"},     {"12-msg-pcrdigest", "SignatureInvalid"},
    {"12-msg-trailing", "QuoteMalformed"},    {"12-msg-truncated", "QuoteMalformed"},
    {"12-other-ak", "SignatureInvalid"},      {"12-other-ek", "QualifiedSignerMismatch"},
    {"12-pub-bit", "IdentityMismatch"},       {"12-pub-unrestricted", "IdentityMismatch"},
    {"12-short-nonce", "ChallengeMismatch"},  {"12-sig-bit", "SignatureInvalid"},
    {"12-sig-hashalg", "SignatureInvalid"},   {"12-sig-trailing", "QuoteMalformed"},
    {"12-sig-truncated", "QuoteMalformed"},   {"12-software-ak", "QualifiedSignerMismatch"},
    {"12-wrong-nonce", "ChallengeMismatch"},  {"12r-msg-pcrdigest", "SignatureInvalid"},
    {"12r-pub-bit", "IdentityMismatch"},      {"12r-pub-unrestricted", "IdentityMismatch"},
    {"12r-sig-bit", "SignatureInvalid"},      {"12r-sig-hashalg", "SignatureInvalid"},
    {"14-certify", "QuoteNotAQuote"},         {"14-dbgsel", "SelectionInsufficient"},
    {"14-gettime", "QuoteNotAQuote"},         {"14-inactivebank", "SelectionInsufficient"},
    {"14-nononce", "ChallengeMismatch"},      {"14-sha1sel", "SelectionInsufficient"},
    {"14-smallsel", "SelectionInsufficient"},
};
// Not faults of the quote: refused (or accepted) by enrolment, in enrolment_corpus_test.cc.
const std::set<std::string> kOfEnrolment = {
    "12-ekcert-p384", "12-ekcert-padded", "12-ekcert-sigbit",      "12-ekcert-truncated",
    "12-name-bit",    "12-other-ekcert",  "12-platcert-as-ekcert", "12-secret-wrong"};

TEST(CorpusQuotes, ThatWereMutatedOrAskedWronglyAreRefusedForTheRightReason) {
  std::set<std::string> seen;
  for (const CorpusCase& each : all_cases()) {
    const bool wanted =
        each.id.starts_with("12-") || each.id.starts_with("12r-") || each.id.starts_with("14-");
    if (!wanted) continue;
    seen.insert(each.id);
    if (kOfEnrolment.contains(each.id)) {
      EXPECT_EQ(judge(each), "") << each.id;
      continue;
    }
    const auto expected = kRefusals.find(each.id);
    ASSERT_NE(expected, kRefusals.end()) << "no expectation for " << each.id;
    EXPECT_EQ(judge(each), expected->second) << each.id;
  }
  EXPECT_EQ(seen.size(), kRefusals.size() + kOfEnrolment.size());
}

// Some boots were quoted twice; the second quote is later in the same boot.
TEST(CorpusQuotes, TakenTwiceInOneBootFollowEachOther) {
  for (const CorpusCase& each : all_cases()) {
    if (each.meta.find("nonce2") == nullptr || each.folders.size() != 1) continue;
    const NodeKeys keys = check_keys(identity_of(each)).value();
    const BeaconWindow none;
    QuoteContext context{keys, "node", none, {}, {}, {}, {}, kQuotedAt};
    const UnverifiedQuote first{each.file("quote.msg"), each.file("quote.sig"), {}};
    const UnverifiedQuote second{each.file("quote2.msg"), each.file("quote2.sig"), {}};
    const Bytes nonce2 = testing::must_value(from_hex(each.meta.text({"nonce2"})));
    const auto one =
        verify_stored_quote(first, each.quoted_pcrs(), each.nonce(), kQuotedAt, context);
    ASSERT_TRUE(one.has_value()) << each.id << one.reason().message;
    context.previous = one->state();
    const auto two = verify_stored_quote(second, each.quoted_pcrs("2"), nonce2, kQuotedAt, context);
    ASSERT_TRUE(two.has_value()) << each.id << two.reason().message;
    EXPECT_EQ(two->boot(), Boot::kSame) << each.id;
    context.previous = two->state();
    const auto back =
        verify_stored_quote(first, each.quoted_pcrs(), each.nonce(), kQuotedAt, context);
    ASSERT_FALSE(back.has_value()) << each.id;
    EXPECT_EQ(back.reason().code, "ClockWentBack") << each.id;
  }
}

TEST(CorpusQuotes, AreRefusedWithAnyBitFlippedInMessageOrSignature) {
  for (const char* id : {"01-good-baseline", "08a-rsa-ak", "08b-rsapss-ak", "10b-sha384-p384-ak"}) {
    const CorpusCase each = testing::read_case(testing::own_corpus() / "cases", id);
    const NodeKeys keys = check_keys(identity_of(each)).value();
    const BeaconWindow none;
    const QuoteContext context{keys, "node", none, {}, {}, {}, {}, kQuotedAt};
    const UnverifiedQuote genuine{each.file("quote.msg"), each.file("quote.sig"), {}};
    const tpm::PcrValues pcrs = each.quoted_pcrs();
    const Bytes nonce = each.nonce();
    const auto accepted = [&](const UnverifiedQuote& quote) {
      return verify_stored_quote(quote, pcrs, nonce, kQuotedAt, context).has_value();
    };
    ASSERT_TRUE(accepted(genuine)) << id;
    for (std::size_t bit = 0; bit < genuine.message.size() * 8; ++bit) {
      UnverifiedQuote changed = genuine;
      changed.message[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      ASSERT_FALSE(accepted(changed)) << id << " message bit " << bit;
    }
    for (std::size_t bit = 0; bit < genuine.signature.size() * 8; ++bit) {
      UnverifiedQuote changed = genuine;
      changed.signature[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      ASSERT_FALSE(accepted(changed)) << id << " signature bit " << bit;
    }
    for (std::size_t size = 0; size < genuine.message.size(); ++size) {
      UnverifiedQuote cut = genuine;
      cut.message.resize(size);
      ASSERT_FALSE(accepted(cut)) << id << " message cut to " << size;
    }
    for (std::size_t size = 0; size < genuine.signature.size(); ++size) {
      UnverifiedQuote cut = genuine;
      cut.signature.resize(size);
      ASSERT_FALSE(accepted(cut)) << id << " signature cut to " << size;
    }
  }
}

}  // namespace
}  // namespace avouch::attest
