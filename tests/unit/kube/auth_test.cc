#include "kube/auth.h"

#include <gtest/gtest.h>

#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeKube;
using testing::ManualClock;

const std::vector<std::string> kOurs = {"avouch.dev/controller"};

Json agent_user() {
  return *codec::parse_json(R"({
    "username":"system:serviceaccount:avouch-system:avouch-agent","uid":"u",
    "groups":["system:serviceaccounts"],
    "extra":{"authentication.kubernetes.io/pod-name":["agent-1"]}})");
}

class AuthTest : public ::testing::Test {
 protected:
  AuthTest() { kube_.add_token("good", agent_user(), kOurs); }

  FakeKube kube_;
  ManualClock clock_;
  Client client_{kube_};
};

TEST_F(AuthTest, NamesTheUserOfAGoodToken) {
  TokenReviewer reviewer(client_, clock_);
  const auto verdict = reviewer.review("good", kOurs);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_TRUE(verdict->authenticated);
  EXPECT_EQ(verdict->user.username, "system:serviceaccount:avouch-system:avouch-agent");
  EXPECT_EQ(verdict->user.groups, (std::vector<std::string>{"system:serviceaccounts"}));
  EXPECT_EQ(verdict->user.first_extra("authentication.kubernetes.io/pod-name"), "agent-1");
  EXPECT_EQ(verdict->user.first_extra("other"), "");
}

TEST_F(AuthTest, KnowsNobodyByABadToken) {
  TokenReviewer reviewer(client_, clock_);
  const auto verdict = reviewer.review("bad", kOurs);
  ASSERT_TRUE(verdict.has_value());
  EXPECT_FALSE(verdict->authenticated);
  EXPECT_EQ(verdict->error, "invalid bearer token");
  EXPECT_EQ(verdict->user.username, "");
}

TEST_F(AuthTest, AcceptsATokenForAnotherAudienceNever) {
  TokenReviewer reviewer(client_, clock_);
  EXPECT_FALSE(reviewer.review("good", {"someone.else"})->authenticated);
  EXPECT_FALSE(reviewer.review("good", {}).has_value());
  // A server that knows nothing of audiences says "authenticated" without any.
  kube_.answer_next({201,
                     "application/json",
                     {},
                     R"({"status":{"authenticated":true,"user":{"username":"x"}}})"});
  EXPECT_FALSE(reviewer.review("other", kOurs)->authenticated);
  kube_.answer_next({201,
                     "application/json",
                     {},
                     R"({"status":{"authenticated":true,"audiences":["avouch.dev/controller"]}})"});
  EXPECT_FALSE(reviewer.review("nameless", kOurs)->authenticated);
  kube_.answer_next({201,
                     "application/json",
                     {},
                     R"({"status":{"authenticated":"true","user":{"username":"x"},)"
                     R"("audiences":["avouch.dev/controller"]}})"});
  EXPECT_FALSE(reviewer.review("text", kOurs)->authenticated);
}

TEST_F(AuthTest, SendsNothingForWhatCannotBeAToken) {
  TokenReviewer reviewer(client_, clock_);
  for (const std::string& token : {std::string(), std::string("a b"), std::string("a\n"),
                                   std::string("\x80"), std::string(16 * 1024 + 1, 'a')}) {
    const auto verdict = reviewer.review(token, kOurs);
    ASSERT_TRUE(verdict.has_value());
    EXPECT_FALSE(verdict->authenticated);
  }
  EXPECT_TRUE(kube_.requests().empty());
}

TEST_F(AuthTest, AsksOncePerTokenAndMinute) {
  TokenReviewer reviewer(client_, clock_);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(reviewer.review("good", kOurs)->authenticated);
  EXPECT_EQ(kube_.requests().size(), 1U);
  clock_.advance(milliseconds(59'999));
  EXPECT_TRUE(reviewer.review("good", kOurs).has_value());
  EXPECT_EQ(kube_.requests().size(), 1U);
  clock_.advance(milliseconds(1));
  EXPECT_TRUE(reviewer.review("good", kOurs).has_value());
  EXPECT_EQ(kube_.requests().size(), 2U);
  // The same token for other audiences is another question.
  EXPECT_FALSE(reviewer.review("good", {"someone.else"})->authenticated);
  EXPECT_EQ(kube_.requests().size(), 3U);
}

TEST_F(AuthTest, ForgetsARefusalSoon) {
  TokenReviewer reviewer(client_, clock_);
  EXPECT_FALSE(reviewer.review("late", kOurs)->authenticated);
  kube_.add_token("late", agent_user(), kOurs);
  EXPECT_FALSE(reviewer.review("late", kOurs)->authenticated);
  clock_.advance(seconds(5));
  EXPECT_TRUE(reviewer.review("late", kOurs)->authenticated);
}

TEST_F(AuthTest, RemembersNoFailureToAsk) {
  TokenReviewer reviewer(client_, clock_);
  kube_.fail_next(retryable("connection refused"));
  const auto failed = reviewer.review("good", kOurs);
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().kind, ErrorKind::kRetryable);
  kube_.answer_next({201, "application/json", {}, "{}"});
  EXPECT_FALSE(reviewer.review("good", kOurs).has_value());
  EXPECT_TRUE(reviewer.review("good", kOurs)->authenticated);
}

TEST_F(AuthTest, HoldsABoundedNumberOfAnswers) {
  TokenReviewer reviewer(client_, clock_, {.max_entries = 2});
  for (const char* token : {"a", "b", "c", "a"}) {
    EXPECT_FALSE(reviewer.review(token, kOurs)->authenticated);
  }
  EXPECT_EQ(kube_.requests().size(), 4U);  // "a" had to go
}

TEST_F(AuthTest, AsksTheServerWhetherAUserMay) {
  kube_.set_access([](const Json& spec) {
    return spec.text({"user"}) == "alice" && spec.text({"resourceAttributes", "verb"}) == "get" &&
           spec.text({"resourceAttributes", "resource"}) == "pods" &&
           spec.text({"resourceAttributes", "namespace"}) == "a" &&
           *spec.find("groups") == Json(Json::Array{Json("g")});
  });
  AccessReviewer reviewer(client_, clock_);
  const UserInfo alice{.username = "alice", .uid = "1", .groups = {"g"}, .extra = {}};
  AccessQuestion question{
      .verb = "get", .group = "", .resource = "pods", .subresource = "", .ns = "a", .name = ""};
  EXPECT_FALSE(reviewer.known(alice, question).has_value());
  EXPECT_TRUE(kube_.requests().empty());
  EXPECT_EQ(reviewer.check(alice, question).value(), Access::kAllowed);
  EXPECT_EQ(reviewer.check(alice, question).value(), Access::kAllowed);
  EXPECT_EQ(reviewer.known(alice, question), Access::kAllowed);
  EXPECT_EQ(kube_.requests().size(), 1U);
  question.ns = "b";
  EXPECT_EQ(reviewer.check(alice, question).value(), Access::kDenied);
  const UserInfo bob{.username = "bob", .uid = "2", .groups = {"g"}, .extra = {}};
  question.ns = "a";
  EXPECT_EQ(reviewer.check(bob, question).value(), Access::kDenied);
}

TEST_F(AuthTest, DeniesWithoutAUserAndWithoutAClearAnswer) {
  AccessReviewer reviewer(client_, clock_);
  kube_.set_access([](const Json&) { return true; });
  EXPECT_EQ(reviewer
                .check({}, {.verb = "get",
                            .group = "",
                            .resource = "pods",
                            .subresource = "",
                            .ns = "",
                            .name = ""})
                .value(),
            Access::kDenied);
  EXPECT_TRUE(kube_.requests().empty());
  const UserInfo user{.username = "x", .uid = "", .groups = {}, .extra = {}};
  int number = 0;
  for (const char* status : {R"({"allowed":false})", R"({})", R"({"allowed":"true"})",
                             R"({"allowed":true,"denied":true})"}) {
    kube_.answer_next({201, "application/json", {}, std::string(R"({"status":)") + status + "}"});
    AccessQuestion question;
    question.name = std::to_string(number++);
    EXPECT_EQ(reviewer.check(user, question).value(), Access::kDenied) << status;
  }
  kube_.answer_next({201, "application/json", {}, "{}"});
  AccessQuestion question;
  question.name = "none";
  EXPECT_FALSE(reviewer.check(user, question).has_value());
}

TEST_F(AuthTest, RequestsATokenForAServiceAccount) {
  kube_.put(service_accounts("a"), *codec::parse_json(R"({"metadata":{"name":"sa"}})"));
  const auto issued = request_token(
      client_,
      {.account = {"a", "sa"}, .audiences = kOurs, .bound_pod_name = "p", .bound_pod_uid = "u"});
  ASSERT_TRUE(issued.has_value()) << issued.error().message;
  EXPECT_FALSE(issued->token.empty());
  EXPECT_GT(issued->expires, SystemTime());
  EXPECT_EQ(kube_.requests().back().path, "/api/v1/namespaces/a/serviceaccounts/sa/token");
  TokenReviewer reviewer(client_, clock_);
  EXPECT_EQ(reviewer.review(issued->token, kOurs)->user.username, "system:serviceaccount:a:sa");
  EXPECT_TRUE(
      request_token(
          client_,
          {.account = {"a", "none"}, .audiences = kOurs, .bound_pod_name = {}, .bound_pod_uid = {}})
          .error()
          .is_not_found());
  EXPECT_FALSE(
      request_token(
          client_,
          {.account = {"a", "sa"}, .audiences = kOurs, .bound_pod_name = "p", .bound_pod_uid = {}})
          .has_value());
}

TEST(ParseServiceAccount, TakesExactlyItsForm) {
  EXPECT_EQ(parse_service_account("system:serviceaccount:a:b").value(),
            (ServiceAccountName{"a", "b"}));
  for (const char* text :
       {"", "a", "system:serviceaccount:", "system:serviceaccount:a",
        "system:serviceaccount:a:", "system:serviceaccount::b", "system:serviceaccount:a:b:c",
        "system:node:a", "xsystem:serviceaccount:a:b"}) {
    EXPECT_FALSE(parse_service_account(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace avouch::kube
