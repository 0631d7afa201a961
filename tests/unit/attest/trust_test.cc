#include "attest/trust.h"

#include <gtest/gtest.h>

#include "attest/reason.h"

namespace avouch::attest {
namespace {

// AR4SI, 2.3.1, all 256 values.
TEST(TierOf, IsThatOfAr4siForEveryValue) {
  for (int value = -128; value <= 127; ++value) {
    Status expected = Status::kContraindicated;
    if (value >= -1 && value <= 1) expected = Status::kNone;
    if ((value >= 2 && value <= 31) || (value >= -32 && value <= -2)) expected = Status::kAffirming;
    if ((value >= 32 && value <= 95) || (value >= -96 && value <= -33)) expected = Status::kWarning;
    EXPECT_EQ(tier_of(static_cast<std::int8_t>(value)), expected) << value;
  }
}

TEST(Worse, OrdersTheStatuses) {
  const Status order[] = {Status::kNone, Status::kAffirming, Status::kWarning,
                          Status::kContraindicated};
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < 4; ++b) EXPECT_EQ(worse(order[a], order[b]), order[std::max(a, b)]);
  }
}

TEST(Worse, OfTwoVectorsTakesTheWorseOfEachClaimAndLetsNotMeasuredGiveWay) {
  TrustVector a;
  TrustVector b;
  a[Claim::kHardware] = kGenuine;
  b[Claim::kHardware] = kNotRecognized;
  a[Claim::kExecutables] = kApprovedBoot;
  b[Claim::kConfiguration] = 32;
  const TrustVector both = worse(a, b);
  EXPECT_EQ(both[Claim::kHardware], kNotRecognized);
  EXPECT_EQ(both[Claim::kExecutables], kApprovedBoot);
  EXPECT_EQ(both[Claim::kConfiguration], 32);
  EXPECT_EQ(both[Claim::kFileSystem], kNotMeasured);
  EXPECT_EQ(both, worse(b, a));
  EXPECT_EQ(worst_tier(both), Status::kContraindicated);
  EXPECT_EQ(worst_tier(a), Status::kAffirming);
  EXPECT_EQ(worst_tier({}), Status::kNone);
}

TEST(Defaults, Deny) {
  EXPECT_EQ(Reason{}.severity, Status::kContraindicated);
  EXPECT_EQ(worst_tier(TrustVector{}), Status::kNone);
}

TEST(Reasons, AreAboutNoPlaceUnlessTheySaySoAndDifferByIt) {
  const Reason plain = refuse("Code", "message");
  EXPECT_FALSE(plain.event.has_value() || plain.line.has_value());
  EXPECT_TRUE(plain.fields.empty() && plain.suggestion.empty());
  Reason placed = plain;
  placed.event = EventPlace{7, 12};
  EXPECT_NE(placed, plain);
  placed = plain;
  placed.line = LinePlace{"/usr/bin/true", 3};
  EXPECT_NE(placed, plain);
  placed = plain;
  placed.fields.push_back({"variable", "db"});
  EXPECT_NE(placed, plain);
}

TEST(Names, AreThoseOfTheCustomResource) {
  EXPECT_EQ(status_name(Status::kContraindicated), "contraindicated");
  EXPECT_EQ(claim_name(Claim::kInstanceIdentity), "instanceIdentity");
  EXPECT_EQ(claim_name(Claim::kSourcedData), "sourcedData");
}

}  // namespace
}  // namespace avouch::attest
