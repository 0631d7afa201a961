#include <gtest/gtest.h>

#include "tests/support/corpus.h"
#include "tpm/marshal.h"

namespace avouch::tpm {
namespace {

using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::SignatureScheme;
using testing::all_cases;
using testing::attest_bytes;
using testing::AttestFields;
using testing::CorpusCase;

AttestFields some_quote() {
  AttestFields fields;
  fields.qualified_signer = Bytes(34, 0x11);
  fields.extra_data = Bytes(32, 0x22);
  fields.clock = {.clock = 7, .reset_count = 8, .restart_count = 9, .safe = true};
  fields.firmware_version = 10;
  fields.selection = {{0x000b, 0x0040ff}, {0x000c, 0x800001}};
  fields.pcr_digest = Bytes(32, 0x33);
  return fields;
}

std::int64_t number(const codec::Json& value, std::string_view name) {
  return *value.find(name)->as_int();
}

// meta.json was written by the generator of the corpus from the same bytes.
TEST(ParseAttest, ReadsWhatTheGeneratorOfTheCorpusRead) {
  int seen = 0;
  for (const CorpusCase& each : all_cases()) {
    if (each.folders.size() != 1 || each.meta.text({"attest", "type"}) != "0x8018") continue;
    const auto attest = parse_attest(each.file("quote.msg"));
    ASSERT_TRUE(attest.has_value()) << each.id << ": " << attest.error().message;
    const codec::Json& expected = *each.meta.find("attest");
    EXPECT_EQ(attest->magic, kGeneratedMagic) << each.id;
    EXPECT_EQ(attest->type, kAttestQuote) << each.id;
    EXPECT_EQ(to_hex(attest->qualified_signer), expected.text({"qualifiedSigner"})) << each.id;
    EXPECT_EQ(to_hex(attest->extra_data), expected.text({"extraData"})) << each.id;
    EXPECT_EQ(static_cast<std::int64_t>(attest->clock.clock), number(expected, "clock"));
    EXPECT_EQ(attest->clock.reset_count, number(expected, "resetCount")) << each.id;
    EXPECT_EQ(attest->clock.restart_count, number(expected, "restartCount")) << each.id;
    EXPECT_EQ(attest->clock.safe, number(expected, "safe") == 1) << each.id;
    EXPECT_EQ(to_hex(attest->pcr_digest), expected.text({"pcrDigest"})) << each.id;
    Bytes firmware;
    append_be64(firmware, attest->firmware_version);
    EXPECT_EQ("0x" + to_hex(firmware), expected.text({"firmwareVersion"})) << each.id;
    const auto& selection = *expected.find("selection")->as_array();
    ASSERT_EQ(attest->selection.size(), selection.size()) << each.id;
    for (std::size_t i = 0; i < selection.size(); ++i) {
      const auto& entry = *selection[i].as_array();
      EXPECT_EQ(crypto::hash_name(attest->selection[i].bank), *entry[0].as_string()) << each.id;
      std::uint32_t mask = 0;
      for (const codec::Json& index : *entry[1].as_array()) mask |= 1U << *index.as_int();
      EXPECT_EQ(attest->selection[i].mask, mask) << each.id;
    }
    ++seen;
  }
  EXPECT_GE(seen, 8);
}

TEST(ParseAttest, ReadsOtherAttestationTypesToo) {
  const auto cases = testing::own_corpus() / "cases";
  const auto certify = parse_attest(testing::read_case(cases, "14-certify").file("quote.msg"));
  const auto time = parse_attest(testing::read_case(cases, "14-gettime").file("quote.msg"));
  ASSERT_TRUE(certify.has_value() && time.has_value());
  EXPECT_EQ(certify->type, 0x8017);
  EXPECT_EQ(time->type, 0x8019);
  EXPECT_TRUE(certify->selection.empty() && certify->pcr_digest.empty());
}

TEST(ParseAttest, RefusesEveryTruncationAndEveryTrailingByte) {
  const Bytes message = attest_bytes(some_quote());
  ASSERT_TRUE(parse_attest(message).has_value());
  for (std::size_t size = 0; size < message.size(); ++size) {
    EXPECT_FALSE(parse_attest(ByteView(message).first(size)).has_value()) << size;
  }
  for (int value = 0; value < 256; ++value) {
    Bytes longer = message;
    longer.push_back(static_cast<std::uint8_t>(value));
    EXPECT_FALSE(parse_attest(longer).has_value()) << value;
  }
}

TEST(ParseAttest, RefusesMoreThanItsBoundBeforeReading) {
  AttestFields fields = some_quote();
  fields.trailing = Bytes(kMaxAttestBytes);
  const auto refused = parse_attest(attest_bytes(fields));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("at most"), std::string::npos);
}

TEST(ParseAttest, RefusesABankItDoesNotKnowAndOneThatIsThereTwice) {
  AttestFields fields = some_quote();
  fields.selection = {{0x0012, 1}};  // SM3-256
  EXPECT_FALSE(parse_attest(attest_bytes(fields)).has_value());
  fields.selection = {{0x000b, 1}, {0x000b, 2}};
  EXPECT_FALSE(parse_attest(attest_bytes(fields)).has_value());
  fields.selection = {{0x000b, 1}, {0x000c, 2}};
  EXPECT_TRUE(parse_attest(attest_bytes(fields)).has_value());
}

TEST(ParseAttest, RefusesPcrsAbove23AndSelectionsThatLieAboutTheirSize) {
  AttestFields fields = some_quote();
  fields.selection = {{0x000b, 1}};
  const Bytes message = attest_bytes(fields);
  const std::size_t size_at = message.size() - (2 + 32) - 4;  // sizeofSelect
  ASSERT_EQ(message[size_at], 3);

  Bytes four = message;
  four[size_at] = 4;
  four.insert(four.begin() + static_cast<std::ptrdiff_t>(size_at) + 4, 0x00);
  EXPECT_TRUE(parse_attest(four).has_value());
  four[size_at + 4] = 0x01;  // PCR 24
  EXPECT_FALSE(parse_attest(four).has_value());

  for (const int size : {0, 1, 2, 5, 255}) {
    Bytes lying = message;
    lying[size_at] = static_cast<std::uint8_t>(size);
    EXPECT_FALSE(parse_attest(lying).has_value()) << size;
  }
}

TEST(ParseAttest, RefusesASelectionListThatLiesAboutItsLength) {
  AttestFields fields = some_quote();
  fields.selection = {{0x000b, 1}};
  const Bytes message = attest_bytes(fields);
  const std::size_t count_at = message.size() - (2 + 32) - 6 - 4;
  for (const std::uint32_t count : {0U, 2U, 16U, 17U, 0x7fffffffU, 0xffffffffU}) {
    Bytes lying = message;
    for (unsigned i = 0; i < 4; ++i) {
      lying[count_at + i] = static_cast<std::uint8_t>(count >> (8 * (3 - i)));
    }
    EXPECT_FALSE(parse_attest(lying).has_value()) << count;
  }
}

TEST(ParseAttest, TakesOnlyYesForSafe) {
  const Bytes message = attest_bytes(some_quote());
  const std::size_t safe_at = 4 + 2 + 36 + 34 + 8 + 4 + 4;
  ASSERT_EQ(message[safe_at], 1);
  for (int value = 0; value < 256; ++value) {
    Bytes changed = message;
    changed[safe_at] = static_cast<std::uint8_t>(value);
    const auto attest = parse_attest(changed);
    EXPECT_TRUE(!attest.has_value() || attest->clock.safe == (value == 1)) << value;
  }
}

Bytes ecdsa(const Bytes& r, const Bytes& s, std::uint16_t hash = 0x000b) {
  Bytes out;
  append_be16(out, 0x0018);
  append_be16(out, hash);
  append(out, to_sized(r));
  append(out, to_sized(s));
  return out;
}

TEST(ParseSignature, ReadsRealSignatures) {
  const auto cases = testing::own_corpus() / "cases";
  const auto p256 =
      parse_signature(testing::read_case(cases, "01-good-baseline").file("quote.sig"));
  const auto rsassa = parse_signature(testing::read_case(cases, "08a-rsa-ak").file("quote.sig"));
  const auto rsapss = parse_signature(testing::read_case(cases, "08b-rsapss-ak").file("quote.sig"));
  const auto p384 =
      parse_signature(testing::read_case(cases, "10b-sha384-p384-ak").file("quote.sig"));
  ASSERT_TRUE(p256.has_value() && rsassa.has_value() && rsapss.has_value() && p384.has_value());
  EXPECT_EQ(p256->r.size(), 32U);
  EXPECT_EQ(rsassa->rsa.size(), 256U);
  EXPECT_EQ(rsapss->scheme.scheme, SignatureScheme::kRsapss);
  EXPECT_EQ(p384->scheme.hash, HashAlgorithm::kSha384);
}

TEST(ParseSignature, RefusesEveryTruncationAndEveryTrailingByte) {
  const Bytes whole = ecdsa(Bytes(32, 1), Bytes(32, 2));
  ASSERT_TRUE(parse_signature(whole).has_value());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_signature(ByteView(whole).first(size)).has_value()) << size;
  }
  for (int value = 0; value < 256; ++value) {
    Bytes longer = whole;
    longer.push_back(static_cast<std::uint8_t>(value));
    EXPECT_FALSE(parse_signature(longer).has_value()) << value;
  }
}

TEST(ParseSignature, AcceptsThreeSchemesAndNoOther) {
  for (unsigned scheme = 0; scheme < 0x50; ++scheme) {
    Bytes bytes;
    append_be16(bytes, static_cast<std::uint16_t>(scheme));
    append_be16(bytes, 0x000b);
    append(bytes, to_sized(Bytes(32, 1)));
    if (scheme == 0x0018) append(bytes, to_sized(Bytes(32, 1)));
    const bool known = scheme == 0x0014 || scheme == 0x0016 || scheme == 0x0018;
    EXPECT_EQ(parse_signature(bytes).has_value(), known) << scheme;
  }
}

TEST(ParseSignature, RefusesHashesItDoesNotKnow) {
  for (unsigned hash = 0; hash < 0x50; ++hash) {
    const bool known = hash == 0x04 || hash == 0x0b || hash == 0x0c || hash == 0x0d;
    EXPECT_EQ(parse_signature(ecdsa(Bytes(32, 1), Bytes(32, 2), static_cast<std::uint16_t>(hash)))
                  .has_value(),
              known)
        << hash;
  }
}

// TPM 2.0 Part 1, C.8: r and s are integers; a TPM may leave out leading zeros.
TEST(SignatureValue, PadsShortPartsToTheKeysSize) {
  const Signature signature = parse_signature(ecdsa(Bytes(31, 1), Bytes(1, 2))).value();
  const Bytes value = signature_value(signature, KeyType::kEcP256).value();
  Bytes expected(1, 0);
  append(expected, Bytes(31, 1));
  append(expected, Bytes(31, 0));
  append(expected, Bytes(1, 2));
  EXPECT_EQ(value, expected);
  EXPECT_EQ(signature_value(signature, KeyType::kEcP384)->size(), 96U);
}

TEST(SignatureValue, RefusesPartsThatAreTooLongEvenIfTheyBeginWithZeros) {
  const Bytes long_r(33, 0);
  const Signature signature = parse_signature(ecdsa(long_r, Bytes(32, 2))).value();
  EXPECT_FALSE(signature_value(signature, KeyType::kEcP256).has_value());
  EXPECT_TRUE(signature_value(signature, KeyType::kEcP384).has_value());
}

TEST(QuotedBytes, AreBankByBankInSignedOrderAndAscendingInEach) {
  PcrValues values;
  values[{HashAlgorithm::kSha256, 3}] = Bytes(32, 0x03);
  values[{HashAlgorithm::kSha256, 0}] = Bytes(32, 0x00);
  values[{HashAlgorithm::kSha1, 1}] = Bytes(20, 0x01);
  const Bytes sha256_first =
      quoted_bytes({{HashAlgorithm::kSha256, 0b1001}, {HashAlgorithm::kSha1, 0b10}}, values)
          .value();
  Bytes expected(32, 0x00);
  append(expected, Bytes(32, 0x03));
  append(expected, Bytes(20, 0x01));
  EXPECT_EQ(sha256_first, expected);
}

TEST(QuotedBytes, RefuseMissingSurplusAndMisshapenValues) {
  const PcrSelection selection = {{HashAlgorithm::kSha256, 0b11}};
  PcrValues values;
  values[{HashAlgorithm::kSha256, 0}] = Bytes(32);
  EXPECT_FALSE(quoted_bytes(selection, values).has_value());
  values[{HashAlgorithm::kSha256, 1}] = Bytes(32);
  EXPECT_TRUE(quoted_bytes(selection, values).has_value());
  values[{HashAlgorithm::kSha256, 2}] = Bytes(32);
  EXPECT_FALSE(quoted_bytes(selection, values).has_value());
  values.erase({HashAlgorithm::kSha256, 2});
  values[{HashAlgorithm::kSha384, 0}] = Bytes(48);
  EXPECT_FALSE(quoted_bytes(selection, values).has_value());
  values.erase({HashAlgorithm::kSha384, 0});
  for (const int index : {24, 32, 33, 64, 255}) {  // no PCR has such an index
    values[{HashAlgorithm::kSha256, static_cast<std::uint8_t>(index)}] = Bytes(32);
    EXPECT_FALSE(quoted_bytes(selection, values).has_value()) << index;
    values.erase({HashAlgorithm::kSha256, static_cast<std::uint8_t>(index)});
  }
  values[{HashAlgorithm::kSha256, 1}] = Bytes(31);
  EXPECT_FALSE(quoted_bytes(selection, values).has_value());
}

TEST(Sized, ReadsWhatItWroteAndRefusesTheRest) {
  for (std::size_t size = 0; size <= 70; ++size) {
    const Bytes sized = to_sized(Bytes(size, 0x5a));
    EXPECT_EQ(parse_sized(sized, 70).value(), Bytes(size, 0x5a)) << size;
    EXPECT_EQ(parse_sized(sized, 64).has_value(), size <= 64) << size;
    for (std::size_t cut = 0; cut < sized.size(); ++cut) {
      EXPECT_FALSE(parse_sized(ByteView(sized).first(cut), 70).has_value()) << size << " " << cut;
    }
  }
}

}  // namespace
}  // namespace avouch::tpm
