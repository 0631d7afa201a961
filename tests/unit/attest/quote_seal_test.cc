#include "attest/quote_seal.h"

#include <gtest/gtest.h>

#include "tests/unit/attest/node.h"

namespace avouch::attest {
namespace {

VerifiedQuote verified(TestNode& node) { return node.verify(node.present()).value(); }

TEST(QuoteSeal, OpensTheQuoteThatItWasMadeOf) {
  TestNode node;
  const VerifiedQuote quote = verified(node);
  const auto back = QuoteSeal(quote).open(QuoteSeal::pack(quote));
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back->pcrs(), quote.pcrs());
  EXPECT_EQ(back->selection(), quote.selection());
  EXPECT_EQ(back->state(), quote.state());
  EXPECT_EQ(back->boot(), quote.boot());
  EXPECT_EQ(back->beacon(), quote.beacon());
  EXPECT_EQ(back->not_older_than(), quote.not_older_than());
  EXPECT_EQ(back->digest(), quote.digest());
  EXPECT_EQ(back->ak_name(), quote.ak_name());
  EXPECT_EQ(back->node_uid(), quote.node_uid());
}

TEST(QuoteSeal, OpensNoOtherBytes) {
  TestNode node;
  const VerifiedQuote quote = verified(node);
  const QuoteSeal seal(quote);
  const Bytes packed = QuoteSeal::pack(quote);
  for (std::size_t i = 0; i < packed.size() * 8; ++i) {
    Bytes other = packed;
    other[i / 8] = static_cast<std::uint8_t>(other[i / 8] ^ (1U << i % 8));
    EXPECT_FALSE(seal.open(other).has_value()) << i;
  }
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_FALSE(seal.open(ByteView(packed).first(size)).has_value()) << size;
  }
  TestNode another;
  EXPECT_FALSE(seal.open(QuoteSeal::pack(verified(another))).has_value());
  EXPECT_FALSE(QuoteSeal().open(packed).has_value()) << "of no quote";
  EXPECT_FALSE(QuoteSeal().open({}).has_value());
}

}  // namespace
}  // namespace avouch::attest
