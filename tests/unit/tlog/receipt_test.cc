#include "tlog/receipt.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "base/hex.h"
#include "codec/cbor.h"
#include "codec/cose.h"
#include "support/plain_tree.h"
#include "tlog/entry.h"
#include "unit/tlog/names.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;
using ::testing::HasSubstr;
using testing::PlainTree;

constexpr std::uint64_t kEntries = 40;

Bytes entry(std::uint64_t index) { return to_bytes("entry " + std::to_string(index)); }

class ReceiptTest : public ::testing::Test {
 protected:
  ReceiptTest() {
    for (std::uint64_t i = 0; i < kEntries; ++i) tree_.push_entry(entry(i));
  }

  ReceiptParts parts(std::uint64_t index, std::uint64_t size) const {
    return {.issuer = kOrigin,
            .subject = "node:00",
            .inclusion = {size, index, make_inclusion_proof(index, size, tree_.source()).value()},
            .root = tree_.root(size)};
  }
  Bytes receipt(std::uint64_t index, std::uint64_t size) const {
    return make_receipt(key_, parts(index, size)).value();
  }
  std::string problem(ByteView receipt, std::uint64_t index) const {
    const auto verified =
        verify_receipt(receipt, leaf_hash(entry(index)), std::span(&public_key_, 1), kOrigin);
    return verified.has_value() ? "none" : verified.error().message;
  }
  // A receipt whose headers are the caller's; signed like a good one.
  Bytes with_headers(Cbor::Map inner, Cbor::Map outer) const {
    return codec::sign1_detached(key_, std::move(inner), std::move(outer), tree_.root(9)).value();
  }
  Cbor::Map inner() const {
    return {{Cbor::integer(4), Cbor::bytes(codec::key_id(public_key_))},
            {Cbor::integer(15), Cbor::map({{Cbor::integer(1), Cbor::text(kOrigin)},
                                           {Cbor::integer(2), Cbor::text("node:00")}})},
            {Cbor::integer(395), Cbor::integer(1)}};
  }
  Cbor::Map outer(Cbor proof) const {
    return {{Cbor::integer(396),
             Cbor::map({{Cbor::integer(-1),
                         Cbor::array({Cbor::bytes(codec::to_cbor(std::move(proof)))})}})}};
  }
  Cbor good_proof() const {
    Cbor::Array path;
    for (const Hash& hash : parts(3, 9).inclusion.path) path.push_back(Cbor::bytes(hash));
    return Cbor::array({Cbor::integer(9), Cbor::integer(3), Cbor::array(std::move(path))});
  }

  const crypto::PrivateKey key_ = crypto::PrivateKey::generate(crypto::KeyType::kEcP256);
  const crypto::PublicKey public_key_ = key_.public_key();
  PlainTree tree_;
};

TEST_F(ReceiptTest, OfEveryEntryOfEverySizeFrom2To40Verifies) {
  for (std::uint64_t size = 2; size <= kEntries; ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const Bytes made = receipt(index, size);
      const auto verified =
          verify_receipt(made, leaf_hash(entry(index)), std::span(&public_key_, 1), kOrigin);
      ASSERT_TRUE(verified.has_value()) << verified.error().message;
      EXPECT_EQ(verified->inclusion().size, size);
      EXPECT_EQ(verified->inclusion().index, index);
      EXPECT_EQ(verified->root(), tree_.root(size));
      EXPECT_EQ(verified->subject(), "node:00");
    }
  }
}

// RFC 9942, 5.2: the labels by their numbers, the order as deterministic encoding has it.
TEST_F(ReceiptTest, HasTheBytesOfTheSpecification) {
  const Bytes made = receipt(0, 2);
  const std::string sibling = to_hex(leaf_hash(entry(1)));
  const std::string kid = to_hex(codec::key_id(public_key_));
  // {1: -7, 4: kid, 15: {1: "log.example/one", 2: "node:00"}, 395: 1}
  const std::string header =
      "a40126"
      "0448" +
      kid + "0fa2016f" + to_hex(to_bytes(kOrigin)) + "0267" + to_hex(to_bytes("node:00")) +
      "19018b01";
  // {396: {-1: [<<[2, 0, [sibling]]>>]}}
  const std::string proof =
      "a119018ca1208158268302008158"
      "20" +
      sibling;
  EXPECT_EQ(to_hex(ByteView(made).first(made.size() - 66)), "d284582d" + header + proof + "f6");
  EXPECT_EQ(to_hex(ByteView(made).subspan(made.size() - 66, 2)), "5840");
}

TEST_F(ReceiptTest, OfATreeOfOneEntryIsNotMade) {
  const auto made = make_receipt(key_, parts(0, 1));
  ASSERT_FALSE(made.has_value());
  EXPECT_THAT(made.error().message, HasSubstr("one entry"));
}

TEST_F(ReceiptTest, IsNotMadeOfAPathOfAnotherLength) {
  ReceiptParts changed = parts(3, 9);
  changed.inclusion.path.pop_back();
  EXPECT_FALSE(make_receipt(key_, changed).has_value());
  changed = parts(3, 9);
  changed.inclusion.index = 9;
  EXPECT_FALSE(make_receipt(key_, changed).has_value());
  changed = parts(3, 9);
  changed.subject = "two\nlines";
  EXPECT_FALSE(make_receipt(key_, changed).has_value());
  EXPECT_FALSE(make_receipt(crypto::PrivateKey::generate(crypto::KeyType::kEd25519), parts(3, 9))
                   .has_value());
}

TEST_F(ReceiptTest, OfAnotherEntryIssuerOrKeyFails) {
  const Bytes made = receipt(3, 9);
  EXPECT_EQ(problem(made, 3), "none");
  EXPECT_THAT(problem(made, 4), HasSubstr("signature"));
  const auto other = crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key();
  const auto by_other = verify_receipt(made, leaf_hash(entry(3)), std::span(&other, 1), kOrigin);
  ASSERT_FALSE(by_other.has_value());
  EXPECT_THAT(by_other.error().message, HasSubstr("none of the known ones"));
  const auto of_other =
      verify_receipt(made, leaf_hash(entry(3)), std::span(&public_key_, 1), "log.example/two");
  ASSERT_FALSE(of_other.has_value());
  EXPECT_THAT(of_other.error().message, HasSubstr("expected \"log.example/two\""));
}

// But for the tree's size, where the path is the same for another: the signature is over the root.
TEST_F(ReceiptTest, WithAnyBitFlippedFails) {
  Bytes made = receipt(3, 9);
  for (std::size_t bit = 0; bit < made.size() * 8; ++bit) {
    made[bit / 8] = static_cast<std::uint8_t>(made[bit / 8] ^ 1U << bit % 8);
    if (const auto read = parse_receipt_unverified(made);
        read.has_value() && (read->inclusion.size == 11 || read->inclusion.size == 13)) {
      EXPECT_EQ(read->inclusion.index, 3U);
      EXPECT_EQ(problem(made, 3), "none") << bit;
    } else {
      EXPECT_NE(problem(made, 3), "none") << bit;
    }
    made[bit / 8] = static_cast<std::uint8_t>(made[bit / 8] ^ 1U << bit % 8);
  }
}

TEST_F(ReceiptTest, CutOffAnywhereFails) {
  const Bytes made = receipt(3, 9);
  for (std::size_t size = 0; size < made.size(); ++size) {
    EXPECT_FALSE(parse_receipt_unverified(ByteView(made).first(size)).has_value()) << size;
  }
}

TEST_F(ReceiptTest, OfAnotherFormFailsAlthoughItIsSigned) {
  ASSERT_EQ(problem(with_headers(inner(), outer(good_proof())), 3), "none");
  struct Case {
    const char* name;
    Bytes receipt;
    const char* expected;
  };
  Cbor::Map other_structure = inner();
  other_structure[2].second = Cbor::integer(2);  // CCF's
  Cbor::Map without_claims = inner();
  without_claims.erase(without_claims.begin() + 1);
  Cbor::Map more = inner();
  more.emplace_back(Cbor::integer(16), Cbor::text("x"));
  Cbor::Map claims = inner();
  claims[1].second = Cbor::map({{Cbor::integer(1), Cbor::text(kOrigin)}});
  Cbor::Map empty_kid = inner();
  empty_kid[0].second = Cbor::bytes({});
  Cbor::Array short_hash = *good_proof().as_array();
  short_hash[2] = Cbor::array({Cbor::bytes(Bytes(31, 0))});
  Cbor::Array no_path = *good_proof().as_array();
  no_path[2] = Cbor::array({});
  Cbor::Array negative = *good_proof().as_array();
  negative[1] = Cbor::integer(-1);
  Cbor::Array longer = *good_proof().as_array();
  longer.push_back(Cbor::integer(0));
  Cbor::Array other_size = *good_proof().as_array();
  other_size[0] = Cbor::integer(3);
  Cbor::Map two_proofs = outer(good_proof());
  Cbor::Map more_outside = outer(good_proof());
  more_outside.emplace_back(Cbor::integer(33), Cbor::text("x"));
  const Bytes proof = codec::to_cbor(good_proof());
  two_proofs[0].second =
      Cbor::map({{Cbor::integer(-1), Cbor::array({Cbor::bytes(proof), Cbor::bytes(proof)})}});
  Cbor::Map consistency = outer(good_proof());
  consistency[0].second = Cbor::map({{Cbor::integer(-2), Cbor::array({Cbor::bytes(proof)})}});
  const Case cases[] = {
      {"vds", with_headers(other_structure, outer(good_proof())), "395"},
      {"claims", with_headers(without_claims, outer(good_proof())), "exactly the labels"},
      {"more", with_headers(more, outer(good_proof())), "exactly the labels"},
      {"no sub", with_headers(claims, outer(good_proof())), "sub (2)"},
      {"kid", with_headers(empty_kid, outer(good_proof())), "kid"},
      {"short hash", with_headers(inner(), outer(Cbor::array(short_hash))), "32 bytes"},
      {"no path", with_headers(inner(), outer(Cbor::array(no_path))), "1 to 63 hashes"},
      {"negative", with_headers(inner(), outer(Cbor::array(negative))), "number from 0"},
      {"longer", with_headers(inner(), outer(Cbor::array(longer))), "[size, index, [path]]"},
      {"other size", with_headers(inner(), outer(Cbor::array(other_size))), "receipt"},
      {"two proofs", with_headers(inner(), two_proofs), "one inclusion proof"},
      {"more outside", with_headers(inner(), more_outside), "one inclusion proof"},
      {"consistency", with_headers(inner(), consistency), "one inclusion proof"},
      {"none", with_headers(inner(), {}), "one inclusion proof"},
      {"attached", codec::sign1(key_, inner(), tree_.root(9)).value(), "not detached"},
  };
  for (const Case& each : cases) {
    EXPECT_THAT(problem(each.receipt, 3), HasSubstr(each.expected)) << each.name;
  }
}

class TransparentStatementTest : public ReceiptTest {
 protected:
  TransparentStatementTest() {
    Cbor::Map payload{{Cbor::text("a"), Cbor::integer(1)}};
    statement_ = make_entry(key_, {kOrigin, "node:00", "node-verdict", Cbor::map(payload)},
                            crypto::system_random())
                     .value()
                     .statement;
    tree_.push_entry(statement_);
  }
  Bytes own_receipt() const { return receipt(kEntries, kEntries + 1); }
  Bytes statement_;
};

TEST_F(TransparentStatementTest, IsTheEntryWithItsReceiptsAndGivesBothBack) {
  const Bytes made = format_transparent_statement({statement_, {own_receipt()}}).value();
  const auto read = parse_transparent_statement_unverified(made);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->entry, statement_);
  ASSERT_EQ(read->receipts.size(), 1U);
  EXPECT_TRUE(
      verify_receipt(read->receipts[0], leaf_hash(read->entry), std::span(&public_key_, 1), kOrigin)
          .has_value());
  // Its signature is the entry's: readers that know nothing of receipts verify it as before.
  const auto message = codec::parse_sign1_unverified(made).value();
  EXPECT_TRUE(codec::verify_sign1(message, public_key_).has_value());
}

TEST_F(TransparentStatementTest, OfOtherPartsIsNotMade) {
  EXPECT_FALSE(format_transparent_statement({statement_, {}}).has_value());
  EXPECT_FALSE(format_transparent_statement(
                   {statement_, std::vector<Bytes>(kMaxReceipts + 1, own_receipt())})
                   .has_value());
  EXPECT_FALSE(format_transparent_statement({to_bytes("x"), {own_receipt()}}).has_value());
  EXPECT_FALSE(format_transparent_statement({statement_, {to_bytes("x")}}).has_value());
  const Bytes made = format_transparent_statement({statement_, {own_receipt()}}).value();
  EXPECT_FALSE(format_transparent_statement({made, {own_receipt()}}).has_value());
}

TEST_F(TransparentStatementTest, OfAnotherFormIsRefused) {
  const Bytes made = format_transparent_statement({statement_, {own_receipt()}}).value();
  EXPECT_FALSE(parse_transparent_statement_unverified(statement_).has_value());
  for (std::size_t size = 0; size < made.size(); ++size) {
    EXPECT_FALSE(parse_transparent_statement_unverified(ByteView(made).first(size)).has_value());
  }
  Bytes longer = made;
  longer.push_back(0);
  EXPECT_FALSE(parse_transparent_statement_unverified(longer).has_value());
}

}  // namespace
}  // namespace avouch::tlog
