#include "control/certificate_authority.h"

#include <gtest/gtest.h>

namespace avouch::control {
namespace {

using std::chrono::hours;

const SystemTime kFirstDay{std::chrono::seconds(1'800'000'000)};
const CaRules kAuthorityRules{
    .common_name = "avouch CA", .life = hours(3000), .announce = hours(24)};
const crypto::ServingNames kNames{.dns = {"svc"}, .ip = {}};

std::size_t certificates_in(const std::string& bundle) {
  return crypto::Certificate::list_from_pem(bundle)->size();
}

CaSet advanced(const CaSet& set, SystemTime now) {
  auto next = advance_ca(set, kAuthorityRules, now);
  EXPECT_TRUE(next.has_value());
  EXPECT_TRUE(next->has_value()) << "nothing to do";
  return **next;
}

bool rests(const CaSet& set, SystemTime now) {
  return !advance_ca(set, kAuthorityRules, now)->has_value();
}

TEST(CertificateAuthority, RestsForTwoThirdsOfItsLife) {
  const CaSet set = new_ca(kAuthorityRules, kFirstDay);
  EXPECT_TRUE(rests(set, kFirstDay));
  EXPECT_TRUE(rests(set, kFirstDay + hours(1999)));
  EXPECT_FALSE(rests(set, kFirstDay + hours(2001)));
}

// No client may meet a certificate by a CA that it has had no time to learn of.
TEST(CertificateAuthority, AnnouncesASuccessorADayBeforeItSigns) {
  const CaSet old = new_ca(kAuthorityRules, kFirstDay);
  const SystemTime announced = kFirstDay + hours(2001);
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
  const CaSet both = advanced(new_ca(kAuthorityRules, kFirstDay), kFirstDay + hours(2001));
  const CaSet after = advanced(both, kFirstDay + hours(2030));
  EXPECT_TRUE(rests(after, kFirstDay + hours(2999)));
  EXPECT_TRUE(advanced(after, kFirstDay + hours(3001)).previous.empty());
}

TEST(CertificateAuthority, IsReplacedAtOnceWhenItHasEnded) {
  const CaSet after = advanced(new_ca(kAuthorityRules, kFirstDay), kFirstDay + hours(4000));
  EXPECT_FALSE(after.next.has_value());
  EXPECT_TRUE(after.previous.empty());
  const auto leaf = issue_serving(after, kNames, hours(100), kFirstDay + hours(4000));
  EXPECT_EQ(reason_to_reissue(*leaf, trust_bundle(after), kFirstDay + hours(4000)), std::nullopt);
}

TEST(CertificateAuthority, TakesNoUnreadableCertificateForAnything) {
  CaSet set = new_ca(kAuthorityRules, kFirstDay);
  set.current.certificate_pem = "garbage";
  EXPECT_FALSE(advance_ca(set, kAuthorityRules, kFirstDay).has_value());
}

TEST(ServingCertificate, EndsNoLaterThanItsAuthority) {
  const CaSet set = new_ca(kAuthorityRules, kFirstDay);
  const auto leaf = issue_serving(set, kNames, hours(10'000), kFirstDay);
  ASSERT_TRUE(leaf.has_value());
  const auto certificate = crypto::Certificate::list_from_pem(leaf->certificate_pem)->front();
  EXPECT_LE(certificate.not_after(), kFirstDay + hours(3000));
}

TEST(ServingCertificate, IsReissuedForEveryReasonNotToServeIt) {
  const CaSet set = new_ca(kAuthorityRules, kFirstDay);
  const crypto::CertifiedKey good = *issue_serving(set, kNames, hours(300), kFirstDay);
  EXPECT_EQ(reason_to_reissue(good, trust_bundle(set), kFirstDay), std::nullopt);
  EXPECT_TRUE(reason_to_reissue(good, trust_bundle(set), kFirstDay + hours(201)).has_value());
  EXPECT_TRUE(reason_to_reissue(good, trust_bundle(set), kFirstDay - hours(2)).has_value());
  EXPECT_TRUE(reason_to_reissue(good, trust_bundle(new_ca(kAuthorityRules, kFirstDay)), kFirstDay)
                  .has_value());

  const crypto::CertifiedKey other = *issue_serving(set, kNames, hours(300), kFirstDay);
  EXPECT_TRUE(reason_to_reissue({good.certificate_pem, other.key_pem}, trust_bundle(set), kFirstDay)
                  .has_value());
  EXPECT_TRUE(
      reason_to_reissue({"garbage", good.key_pem}, trust_bundle(set), kFirstDay).has_value());
  EXPECT_TRUE(reason_to_reissue({good.certificate_pem, "garbage"}, trust_bundle(set), kFirstDay)
                  .has_value());
}

}  // namespace
}  // namespace avouch::control
