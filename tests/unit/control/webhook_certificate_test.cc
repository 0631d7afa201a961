#include "control/webhook_certificate.h"

#include <gtest/gtest.h>

#include "base/time_text.h"
#include "control/certificate_authority.h"
#include "control/secret_data.h"

namespace avouch::control {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const SystemTime kMade{std::chrono::milliseconds(1'800'000'000'789)};  // as clocks read
const WebhookCertificateRules kWebhookRules{.common_name = "avouch webhook CA",
                                            .names = {.dns = {"avouch-webhook.ns.svc"}, .ip = {}},
                                            .life = hours(300)};

std::optional<WebhookCertificateChange> change_of(const std::optional<WebhookCertificate>& stored,
                                                  SystemTime now,
                                                  KeyHolders holders = KeyHolders::kAllGood,
                                                  const std::string& accepted = "") {
  auto change = advance_webhook_certificate(stored, accepted, holders, kWebhookRules, now);
  EXPECT_TRUE(change.has_value());
  return change.has_value() ? *std::move(change) : std::nullopt;
}

WebhookCertificate first_certificate_of_webhook() { return change_of({}, kMade)->next; }

// As the API server decides: by what it is told to accept, and nothing else.
bool accepts(const WebhookCertificate& told, const WebhookCertificate& shown, SystemTime now) {
  const auto leaf = crypto::Certificate::list_from_pem(shown.serving.certificate_pem);
  const auto roots = crypto::Certificate::list_from_pem(accepted_authorities(told));
  return crypto::verify_chain(leaf->front(), {}, *roots, now).has_value();
}

TEST(WebhookCertificateTest, HasAnAuthorityOfItsOwn) {
  const WebhookCertificate one = first_certificate_of_webhook();
  const WebhookCertificate other = first_certificate_of_webhook();
  EXPECT_TRUE(accepts(one, one, kMade));
  EXPECT_FALSE(accepts(one, other, kMade));
  EXPECT_EQ(one.former, "");
  EXPECT_FALSE(change_of(one, kMade + hours(199)).has_value());
}

TEST(WebhookCertificateTest, IsRenewedInTimeAndItsPredecessorAcceptedForADay) {
  const WebhookCertificate old = first_certificate_of_webhook();
  const SystemTime renewed = kMade + hours(201);
  const auto change = change_of(old, renewed);
  ASSERT_TRUE(change.has_value());
  EXPECT_NE(change->why, "");
  EXPECT_TRUE(accepts(change->next, change->next, renewed));
  EXPECT_TRUE(accepts(change->next, old, renewed)) << "pods serve by it for a while";
  EXPECT_FALSE(change_of(change->next, renewed + hours(23)).has_value());

  const auto later = change_of(change->next, renewed + hours(24));
  ASSERT_TRUE(later.has_value());
  EXPECT_EQ(later->why, "") << "the key stays";
  EXPECT_EQ(later->next.serving.key_pem, change->next.serving.key_pem);
  EXPECT_FALSE(accepts(later->next, old, renewed + hours(24)));
}

TEST(WebhookCertificateTest, IsReplacedWhenItsKeyWasExposedOnceNobodyWhoFailsHasIt) {
  WebhookCertificate taken = first_certificate_of_webhook();
  taken.exposed = "on node n";
  const SystemTime seen = kMade + hours(1);
  EXPECT_FALSE(change_of(taken, seen, KeyHolders::kNotAllGood).has_value())
      << "the next would be exposed too";
  const auto change = change_of(taken, seen);
  ASSERT_TRUE(change.has_value());
  EXPECT_NE(change->why.find("on node n"), std::string::npos) << change->why;
  EXPECT_EQ(change->next.exposed, "");
  EXPECT_NE(change->next.serving.key_pem, taken.serving.key_pem);
  EXPECT_TRUE(accepts(change->next, taken, seen + seconds(29)))
      << "other replicas still serve by it";

  const auto later = change_of(change->next, seen + seconds(30));
  ASSERT_TRUE(later.has_value());
  EXPECT_FALSE(accepts(later->next, taken, seen + seconds(30))) << "whoever took the key is out";
  EXPECT_TRUE(accepts(later->next, change->next, seen + seconds(30)));
}

// Pods get the one before the next is made; and what was exposed earlier does not come along.
TEST(WebhookCertificateTest, IsNotReplacedAnewBeforePodsHaveIt) {
  WebhookCertificate first = first_certificate_of_webhook();
  first.exposed = "once";
  WebhookCertificate second = change_of(first, kMade + hours(1))->next;
  EXPECT_EQ(next_change(first_certificate_of_webhook(), kWebhookRules), std::nullopt);
  EXPECT_EQ(next_change(second, kWebhookRules), kMade + hours(1) + seconds(30));
  second.exposed = "again";
  EXPECT_FALSE(change_of(second, kMade + hours(1) + seconds(29)).has_value());
  const SystemTime due = kMade + hours(1) + seconds(30);
  const auto third = change_of(second, due);
  ASSERT_TRUE(third.has_value());
  EXPECT_NE(third->why, "");
  EXPECT_TRUE(accepts(third->next, second, due));
  EXPECT_FALSE(accepts(third->next, first, due));

  // A renewal in time is accepted for a day: an exposure does not wait for that.
  WebhookCertificate renewed = change_of(first_certificate_of_webhook(), kMade + hours(201))->next;
  renewed.exposed = "later";
  EXPECT_TRUE(change_of(renewed, kMade + hours(202)).has_value());
}

TEST(WebhookCertificateTest, TakesTheKeyOfOneThatIsGoneForExposed) {
  const WebhookCertificate gone = first_certificate_of_webhook();
  const std::string accepted = accepted_authorities(gone);
  const auto change = change_of({}, kMade + hours(1), KeyHolders::kNotAllGood, accepted);
  ASSERT_TRUE(change.has_value());
  EXPECT_TRUE(accepts(change->next, gone, kMade + hours(1))) << "pods still serve by it";
  const auto later = change_of(change->next, kMade + hours(1) + seconds(30));
  ASSERT_TRUE(later.has_value());
  EXPECT_FALSE(accepts(later->next, gone, kMade + hours(1) + seconds(30)));

  EXPECT_EQ(change_of({}, kMade, KeyHolders::kAllGood, "no certificate")->next.former, "");
  EXPECT_EQ(change_of({}, kMade + hours(400), KeyHolders::kAllGood, accepted)->next.former, "")
      << "one that has ended";
}

TEST(WebhookCertificateTest, IsReplacedForEveryReasonNotToServeIt) {
  const WebhookCertificate good = first_certificate_of_webhook();
  WebhookCertificate names = good;
  names.names = "other.ns.svc";
  WebhookCertificate key = good;
  key.serving.key_pem = first_certificate_of_webhook().serving.key_pem;
  WebhookCertificate authority = good;
  authority.authority = first_certificate_of_webhook().authority;
  WebhookCertificate garbage = good;
  garbage.authority = "garbage";
  for (const WebhookCertificate& bad : {names, key, authority, garbage}) {
    const auto change = change_of(bad, kMade, KeyHolders::kNotAllGood);
    ASSERT_TRUE(change.has_value());
    EXPECT_NE(change->why, "");
    EXPECT_FALSE(change_of(change->next, kMade).has_value());
  }
}

// By a mistake of somebody who may write Secrets: pods serve by the one before until they have the
// next.
TEST(WebhookCertificateTest, LeavesAcceptedWhatWasAcceptedWhereSomebodyPutAnotherInItsPlace) {
  const WebhookCertificate before = first_certificate_of_webhook();
  WebhookCertificate put = first_certificate_of_webhook();
  const WebhookCertificate never_accepted = put;
  put.serving = first_certificate_of_webhook().serving;
  const auto change = change_of(put, kMade, KeyHolders::kAllGood, accepted_authorities(before));
  ASSERT_TRUE(change.has_value());
  EXPECT_TRUE(accepts(change->next, before, kMade + seconds(29)));
  EXPECT_FALSE(accepts(change->next, never_accepted, kMade));
  const auto later = change_of(change->next, kMade + seconds(30));
  ASSERT_TRUE(later.has_value());
  EXPECT_FALSE(accepts(later->next, before, kMade + seconds(30)));
}

TEST(WebhookCertificateTest, RemembersWhoHadItsKeyUntilThatIsReplaced) {
  WebhookCertificate one = first_certificate_of_webhook();
  EXPECT_TRUE(add_holders(one, {"a", "b"}));
  EXPECT_FALSE(add_holders(one, {"b"}));
  EXPECT_TRUE(add_holders(one, {"c"}));
  EXPECT_EQ(one.held_by, (std::set<std::string>{"a", "b", "c"}));
  const auto renewed = change_of(one, kMade + hours(201));
  ASSERT_TRUE(renewed.has_value());
  EXPECT_EQ(renewed->next.held_by, one.held_by) << "the former is accepted for a day";
  one.exposed = "by hand";
  EXPECT_TRUE(change_of(one, kMade + hours(1))->next.held_by.empty());
}

TEST(WebhookCertificateTest, IsReplacedBeforeMoreHadItsKeyThanAreKeptAccountOf) {
  WebhookCertificate one = first_certificate_of_webhook();
  for (int i = 0; i < 200; ++i) add_holders(one, {"node-" + std::to_string(i)});
  EXPECT_EQ(one.held_by.size(), 200U);
  EXPECT_EQ(one.exposed, "");
  EXPECT_TRUE(add_holders(one, {"one-more"}));
  EXPECT_EQ(one.held_by, (std::set<std::string>{"one-more"}));
  EXPECT_NE(one.exposed, "");
}

TEST(WebhookCertificateTest, IsStoredAsASecretAndReadBack) {
  WebhookCertificate exposed = first_certificate_of_webhook();
  exposed.exposed = "on node n";
  WebhookCertificate after = change_of(exposed, kMade + hours(1))->next;
  after.exposed = "on node m";
  after.held_by = {"m", "n.example"};
  after.connect_since = "2027-01-15T08:00:00Z";
  const SecretData data = encode_webhook_certificate(after);
  const codec::Json secret = make_secret("ns", "avouch-webhook-tls", "kubernetes.io/tls", data, "7",
                                         webhook_certificate_annotations(after));
  const auto read = parse_webhook_certificate(read_secret(secret).value(), secret);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->serving.key_pem, after.serving.key_pem);
  EXPECT_EQ(read->authority, after.authority);
  EXPECT_EQ(read->former, after.former);
  EXPECT_EQ(to_rfc3339(read->former_until), to_rfc3339(kMade + hours(1) + seconds(30)));
  EXPECT_EQ(read->names, "avouch-webhook.ns.svc");
  EXPECT_EQ(read->exposed, "on node m");
  EXPECT_EQ(read->held_by, after.held_by);
  EXPECT_EQ(read->connect_since, after.connect_since);
  EXPECT_EQ(accepted_authorities(*read), accepted_authorities(after));

  codec::Json odd = secret;  // which somebody else wrote
  odd["metadata"]["annotations"]["avouch.dev/held-by"] = ",a,,b,";
  odd["metadata"]["annotations"]["avouch.dev/connect-since"] = "now\n-----BEGIN CERTIFICATE-----";
  const auto taken = parse_webhook_certificate(data, odd);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->held_by, (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(accepted_authorities(*taken), after.authority + after.former);

  for (const char* member : {"tls.crt", "tls.key", "ca.crt"}) {
    SecretData without = data;
    without.erase(member);
    EXPECT_FALSE(parse_webhook_certificate(without, secret).has_value()) << member;
  }
}

// What a release made before there was an authority for it goes on, until its key is exposed.
TEST(WebhookCertificateTest, GoesOnWithOneByTheReleasesOwnAuthority) {
  const CaSet release =
      new_ca({.common_name = "avouch CA", .life = hours(3000), .announce = hours(24)}, kMade);
  const crypto::CertifiedKey serving =
      issue_serving(release, kWebhookRules.names, hours(300), kMade).value();
  WebhookCertificate old{.serving = serving,
                         .authority = trust_bundle(release),
                         .former = "",
                         .former_until = {},
                         .names = joined_names(kWebhookRules.names),
                         .exposed = ""};
  EXPECT_FALSE(change_of(old, kMade + hours(1)).has_value());
  old.exposed = "on node n";
  const auto change = change_of(old, kMade + hours(1));
  ASSERT_TRUE(change.has_value());
  const auto later = change_of(change->next, kMade + hours(2));
  ASSERT_TRUE(later.has_value());
  EXPECT_FALSE(accepts(later->next, old, kMade + hours(2)));
}

}  // namespace
}  // namespace avouch::control
