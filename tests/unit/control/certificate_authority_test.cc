#include "control/certificate_authority.h"

#include <gtest/gtest.h>

namespace avouch::control {
namespace {

using std::chrono::hours;

const SystemTime kStart{std::chrono::seconds(1'800'000'000)};
const CaRules kRules{.common_name = "avouch CA", .life = hours(3000), .announce = hours(24)};
const crypto::ServingNames kNames{.dns = {"svc"}, .ip = {}};

std::size_t certificates_in(const std::string& bundle) {
  return crypto::Certificate::list_from_pem(bundle)->size();
}

CaSet advanced(const CaSet& set, SystemTime now) {
  auto next = advance_ca(set, kRules, now);
  EXPECT_TRUE(next.has_value());
  EXPECT_TRUE(next->has_value()) << "nothing to do";
  return **next;
}

bool rests(const CaSet& set, SystemTime now) { return !advance_ca(set, kRules, now)->has_value(); }

TEST(CertificateAuthority, RestsForTwoThirdsOfItsLife) {
  const CaSet set = new_ca(kRules, kStart);
  EXPECT_TRUE(rests(set, kStart));
  EXPECT_TRUE(rests(set, kStart + hours(1999)));
  EXPECT_FALSE(rests(set, kStart + hours(2001)));
}

// No client may meet a certificate by a CA that it has had no time to learn of.
TEST(CertificateAuthority, AnnouncesASuccessorADayBeforeItSigns) {
  const CaSet old = new_ca(kRules, kStart);
  const SystemTime announced = kStart + hours(2001);
  const CaSet both = advanced(old, announced);
  ASSERT_TRUE(both.next.has_value());
  EXPECT_EQ(both.current.certificate_pem, old.current.certificate_pem);
  EXPECT_EQ(certificates_in(trust_bundle(both)), 2U);
  EXPECT_TRUE(rests(both, announced + hours(23)));

  const CaSet after = advanced(both, announced + hours(25));
  EXPECT_EQ(after.current.certificate_pem, both.next->certificate_pem);
  EXPECT_FALSE(after.next.has_value());
  EXPECT_EQ(after.previous, std::vector<std::string>{old.current.certificate_pem});
  EXPECT_EQ(certificates_in(trust_bundle(after)), 2U) << "what the old one signed still counts";
}

TEST(CertificateAuthority, ForgetsAPredecessorWhenItEnds) {
  const CaSet both = advanced(new_ca(kRules, kStart), kStart + hours(2001));
  const CaSet after = advanced(both, kStart + hours(2030));
  EXPECT_TRUE(rests(after, kStart + hours(2999)));
  EXPECT_TRUE(advanced(after, kStart + hours(3001)).previous.empty());
}

TEST(CertificateAuthority, IsReplacedAtOnceWhenItHasEnded) {
  const CaSet after = advanced(new_ca(kRules, kStart), kStart + hours(4000));
  EXPECT_FALSE(after.next.has_value());
  EXPECT_TRUE(after.previous.empty());
  const auto leaf = issue_serving(after, kNames, hours(100), kStart + hours(4000));
  EXPECT_EQ(reason_to_reissue(*leaf, after, kStart + hours(4000)), std::nullopt);
}

TEST(CertificateAuthority, TakesNoUnreadableCertificateForAnything) {
  CaSet set = new_ca(kRules, kStart);
  set.current.certificate_pem = "garbage";
  EXPECT_FALSE(advance_ca(set, kRules, kStart).has_value());
}

TEST(ServingCertificate, EndsNoLaterThanItsAuthority) {
  const CaSet set = new_ca(kRules, kStart);
  const auto leaf = issue_serving(set, kNames, hours(10'000), kStart);
  ASSERT_TRUE(leaf.has_value());
  const auto certificate = crypto::Certificate::list_from_pem(leaf->certificate_pem)->front();
  EXPECT_LE(certificate.not_after(), kStart + hours(3000));
}

TEST(ServingCertificate, IsReissuedForEveryReasonNotToServeIt) {
  const CaSet set = new_ca(kRules, kStart);
  const crypto::CertifiedKey good = *issue_serving(set, kNames, hours(300), kStart);
  EXPECT_EQ(reason_to_reissue(good, set, kStart), std::nullopt);
  EXPECT_TRUE(reason_to_reissue(good, set, kStart + hours(201)).has_value());
  EXPECT_TRUE(reason_to_reissue(good, set, kStart - hours(2)).has_value());
  EXPECT_TRUE(reason_to_reissue(good, new_ca(kRules, kStart), kStart).has_value());

  const crypto::CertifiedKey other = *issue_serving(set, kNames, hours(300), kStart);
  EXPECT_TRUE(reason_to_reissue({good.certificate_pem, other.key_pem}, set, kStart).has_value());
  EXPECT_TRUE(reason_to_reissue({"garbage", good.key_pem}, set, kStart).has_value());
  EXPECT_TRUE(reason_to_reissue({good.certificate_pem, "garbage"}, set, kStart).has_value());
}

}  // namespace
}  // namespace avouch::control
