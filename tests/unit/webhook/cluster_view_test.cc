// What the webhook makes of the cluster's objects: which tokens it believes, and that nothing that
// cannot be read opens a way.

#include "webhook/cluster_view.h"

#include <gtest/gtest.h>

#include "codec/base64.h"
#include "support/manual_clock.h"
#include "tests/unit/admission/world.h"
#include "webhook/controller_log.h"

namespace avouch::webhook {
namespace {

using admission::Json;
using admission::json;
using kube::Change;
using kube::ChangeType;
using std::chrono::seconds;

Change change(const std::string& key, Json object, ChangeType type = ChangeType::kModified) {
  return {type, key, std::make_shared<const Json>(std::move(object)), nullptr};
}

Json named(const std::string& name, const std::string& uid) {
  Json object(Json::Object{});
  object["metadata"]["name"] = name;
  object["metadata"]["uid"] = uid;
  return object;
}

Json trust(const crypto::PublicKey& key, const std::string& origin = admission::kOrigin) {
  static const auto authority =
      crypto::make_ca("ca", admission::kNow - std::chrono::hours(1), admission::kNow);
  Json object(Json::Object{});
  object["data"]["verifier-keys.pem"] = key.pem();
  object["data"]["log.origin"] = origin;
  object["data"]["ca.crt"] = authority.certificate_pem;
  return object;
}

Json evidence(const attest::TokenClaims& claims) {
  Json object = named(claims.node_name, "e1");
  object["status"]["verdict"]["token"] = codec::to_base64(admission::issue(claims));
  return object;
}

attest::TokenClaims claims_at(SystemTime at) {
  return admission::claims_on(
      "good", "uid-good",
      {{"p", crypto::sha256("s"), crypto::sha256("d"), attest::Status::kAffirming}}, at);
}

TEST(ReadNode, TakesWhatTheWebhookLooksAt) {
  const Json node = admission::json(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n",
      "uid":"u","resourceVersion":"7","labels":{"pool":"p"},"annotations":{"a":"b"}},
      "status":{"nodeInfo":{"bootID":"b1","kernelVersion":"6"},"conditions":[{"type":"Ready"}]}})");
  const auto document = codec::JsonDocument::parse(codec::to_json(node)).value();
  EXPECT_EQ(codec::to_json(ClusterView::read_node(document.root())),
            R"({"apiVersion":"v1","kind":"Node","metadata":{"labels":{"pool":"p"},"name":"n",)"
            R"("resourceVersion":"7","uid":"u"},"status":{"nodeInfo":{"bootID":"b1"}}})");
}

// Whoever may create pods would else fill the webhook's memory with what it never looks at.
TEST(ReadUnboundPod, TakesItsLabelsWithinABoundAndNothingElse) {
  const auto read = [](std::size_t bytes) {
    Json pod = admission::json(R"({"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata",
        "metadata":{"name":"p","namespace":"shop","uid":"u","resourceVersion":"7",
        "annotations":{"a":"b"}}})");
    pod["metadata"]["labels"]["app"] = std::string(bytes - 3, 'x');
    const auto document = codec::JsonDocument::parse(codec::to_json(pod)).value();
    return ClusterView::read_unbound_pod(document.root());
  };
  const Json small = read(5);
  EXPECT_EQ(codec::to_json(small),
            R"({"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadata","metadata":{)"
            R"("labels":{"app":"xx"},"name":"p","namespace":"shop","resourceVersion":"7",)"
            R"("uid":"u"}})");
  EXPECT_TRUE(ClusterView::knows_labels(read(ClusterView::kMaxPodLabels)));
  const Json large = read(ClusterView::kMaxPodLabels + 1);
  EXPECT_FALSE(ClusterView::knows_labels(large));
  EXPECT_EQ(large.find_path({"metadata", "labels"}), nullptr);
}

class View : public ::testing::Test {
 protected:
  std::size_t verdicts() { return view.snapshot()->verdicts.size(); }
  SystemTime issued() { return view.snapshot()->verdicts.at("uid-good")->token.claims().issued_at; }

  testing::ManualClock clock{admission::kNow};
  const SteadyTime start = clock.steady_now();
  std::vector<std::string> problems;
  ClusterView view{clock, [this](const std::string& message) { problems.push_back(message); }};
};

TEST_F(View, DoesNotKnowANamespaceWhoseLabelsAreTooLarge) {
  Json ns = named("shop", "u");
  for (const std::size_t bytes :
       {ClusterView::kMaxNamespaceLabels, ClusterView::kMaxNamespaceLabels + 1}) {
    ns["metadata"]["labels"]["a"] = std::string(bytes - 1, 'x');
    const auto document = codec::JsonDocument::parse(codec::to_json(ns)).value();
    view.on_namespace(change("shop", ClusterView::read_namespace(document.root())));
    const bool known = bytes == ClusterView::kMaxNamespaceLabels;
    EXPECT_EQ(view.snapshot()->namespaces.contains("shop"), known);
    EXPECT_EQ(view.snapshot()->unread_namespaces.contains("shop"), !known) << "but it is there";
  }
  view.on_namespace(change("shop", ns, ChangeType::kDeleted));
  EXPECT_TRUE(view.snapshot()->unread_namespaces.empty());
}

TEST_F(View, HasOfAPolicyTheVersionThatItSawLast) {
  Json policy = named("p", "u");
  policy["metadata"]["resourceVersion"] = "7";
  EXPECT_FALSE(view.has_policy("p", "7"));
  view.on_policy(change("p", policy));
  EXPECT_TRUE(view.has_policy("p", "7"));
  EXPECT_FALSE(view.has_policy("p", "8"));
  EXPECT_FALSE(view.has_policy("q", "7"));
  view.on_policy(change("p", policy, ChangeType::kDeleted));
  EXPECT_FALSE(view.has_policy("p", "7"));
}

TEST_F(View, BelievesNoTokenBeforeItKnowsTheKeysAndThenVerifiesAll) {
  view.on_evidence(change("good", evidence(claims_at(admission::kNow))));
  EXPECT_EQ(verdicts(), 0U);
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  EXPECT_EQ(verdicts(), 1U);
}

TEST_F(View, BelievesNoTokenOfAnotherKeyOriginOrNode) {
  const auto other = crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key();
  view.on_trust(change("trust", trust(other)));
  view.on_evidence(change("good", evidence(claims_at(admission::kNow))));
  EXPECT_EQ(verdicts(), 0U);
  EXPECT_EQ(view.snapshot()->refused_tokens.size(), 1U);
  view.on_trust(change("trust", trust(admission::verifier_key().public_key(), "elsewhere")));
  EXPECT_EQ(verdicts(), 0U);
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  EXPECT_EQ(verdicts(), 1U);
  view.on_trust(change("trust", trust(other)));
  EXPECT_EQ(verdicts(), 0U);
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  view.on_evidence(change("bad", evidence(claims_at(admission::kNow + seconds(1)))));
  EXPECT_EQ(issued(), admission::kNow);
  EXPECT_TRUE(view.snapshot()->refused_tokens.contains("bad"));
}

TEST_F(View, KeepsTheNewestTokenWhenAnOlderOneIsWrittenBack) {
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  view.on_evidence(change("good", evidence(claims_at(admission::kNow))));
  view.on_evidence(change("good", evidence(claims_at(admission::kNow - seconds(10)))));
  EXPECT_EQ(issued(), admission::kNow);
  view.on_evidence(change("good", named("good", "e1")));  // no token at all
  EXPECT_EQ(issued(), admission::kNow);
  attest::TokenClaims earlier_boot = claims_at(admission::kNow + seconds(5));
  earlier_boot.reset_count -= 1;
  view.on_evidence(change("good", evidence(earlier_boot)));
  EXPECT_EQ(issued(), admission::kNow);
}

// A policy that fails for many reasons hides none that fails for one.
TEST_F(View, KeepsTheFirstReasonsOfEachPolicy) {
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  Json object = evidence(claims_at(admission::kNow));
  Json::Array reasons;
  for (int i = 0; i < 5; ++i) {
    reasons.push_back(Json::Object{{"code", "PcrMismatch"},
                                   {"message", "AttestationPolicy \"a\": " + std::to_string(i)}});
  }
  reasons.push_back(Json::Object{{"code", "NoBoot"}, {"message", "AttestationPolicy \"b\": x"}});
  for (int i = 0; i < 40; ++i) {
    reasons.push_back(Json::Object{
        {"code", "X"}, {"message", "AttestationPolicy \"c" + std::to_string(i) + "\": y"}});
  }
  object["status"]["verdict"]["reasons"] = std::move(reasons);
  view.on_evidence(change("good", object));
  const std::vector<std::string>& kept = view.snapshot()->verdicts.at("uid-good")->reasons;
  ASSERT_EQ(kept.size(), 16U);
  EXPECT_EQ(kept[2], "PcrMismatch: AttestationPolicy \"a\": 2");
  EXPECT_EQ(kept[3], "NoBoot: AttestationPolicy \"b\": x");
  EXPECT_EQ(kept[4], "X: AttestationPolicy \"c0\": y");
}

TEST_F(View, ForgetsDeletedEvidenceForGood) {
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  view.on_evidence(change("good", evidence(claims_at(admission::kNow))));
  view.on_evidence(change("good", named("good", "e1"), ChangeType::kDeleted));
  EXPECT_EQ(verdicts(), 0U);
  view.on_evidence(change("good", evidence(claims_at(admission::kNow))));
  EXPECT_EQ(verdicts(), 0U);
  view.on_evidence(change("good", evidence(claims_at(admission::kNow + seconds(1)))));
  EXPECT_EQ(verdicts(), 1U);
}

TEST_F(View, LetsNoVerdictLiveLongerThanItsLifeByTheSteadyClock) {
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  const attest::TokenClaims claims = claims_at(admission::kNow);
  const auto life = claims.expires_at - claims.issued_at;
  const auto outlived = [&] { return view.snapshot()->verdicts.at("uid-good")->outlived; };
  const auto offer = [&](const attest::TokenClaims& offered) {
    view.on_evidence(change("good", evidence(offered)));
  };
  offer(claims);
  clock.advance(life - seconds(1));
  EXPECT_FALSE(outlived());
  const SteadyTime came = view.snapshot()->verdicts.at("uid-good")->came;
  EXPECT_EQ(came, clock.steady_now() - life + seconds(1));
  offer(claims);  // the same again is no younger
  EXPECT_EQ(view.snapshot()->verdicts.at("uid-good")->came, came);
  clock.advance(seconds(1));
  clock.step_wall_clock(-life);
  EXPECT_TRUE(outlived());
  offer(claims);
  EXPECT_TRUE(outlived());
  offer(claims_at(admission::kNow + life));
  EXPECT_FALSE(outlived());
  clock.advance(life - seconds(1));
  EXPECT_FALSE(outlived());
  clock.advance(seconds(1));
  EXPECT_TRUE(outlived());
}

TEST_F(View, TakesNoTokenForYoungerBecauseTheKeysHaveChanged) {
  const auto& key = admission::verifier_key().public_key();
  view.on_trust(change("trust", trust(key)));
  const attest::TokenClaims claims = claims_at(admission::kNow);
  const auto life = claims.expires_at - claims.issued_at;
  view.on_evidence(change("good", evidence(claims)));
  const SteadyTime came = view.snapshot()->verdicts.at("uid-good")->came;
  const auto change_keys = [&] {
    view.on_trust(change(
        "trust", trust(crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key())));
    EXPECT_TRUE(view.snapshot()->verdicts.empty());
    view.on_trust(change("trust", trust(key)));
    return view.snapshot()->verdicts.at("uid-good");
  };
  clock.advance(seconds(5));
  EXPECT_EQ(change_keys()->came, came);
  EXPECT_FALSE(change_keys()->outlived);
  clock.advance(life - seconds(5));
  clock.step_wall_clock(-life);
  EXPECT_TRUE(change_keys()->outlived);
}

TEST_F(View, TakesAnotherVerdictOnTheSameQuoteForNoNewerEvidence) {
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  attest::TokenClaims claims = claims_at(admission::kNow);
  const auto came_when_offered = [&](std::uint8_t quote, seconds issued) {
    claims.issued_at = admission::kNow + issued;
    claims.quote = crypto::Sha256{quote};
    view.on_evidence(change("good", evidence(claims)));
    return view.snapshot()->verdicts.at("uid-good")->came - start;
  };
  EXPECT_EQ(came_when_offered(1, seconds(0)), seconds(0));
  clock.advance(seconds(20));
  EXPECT_EQ(came_when_offered(1, seconds(20)), seconds(0));
  EXPECT_FALSE(view.snapshot()->verdicts.at("uid-good")->outlived);
  clock.advance(seconds(5));
  EXPECT_EQ(came_when_offered(2, seconds(25)), seconds(25));
  clock.advance(seconds(1));
  EXPECT_EQ(came_when_offered(2, seconds(26)), seconds(25));
}

TEST_F(View, ForgetsNoArrivalBecauseTheWallClockJumpsAheadAndBack) {
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  const attest::TokenClaims claims = claims_at(admission::kNow);
  const Json shown = evidence(claims);
  const auto life = claims.expires_at - claims.issued_at;
  view.on_evidence(change("good", shown));
  const auto jump = std::chrono::hours(48);
  clock.step_wall_clock(jump);
  view.prune();
  EXPECT_TRUE(view.snapshot()->verdicts.empty());
  clock.advance(life);
  clock.step_wall_clock(-jump - life);
  view.on_evidence(change("good", shown));
  EXPECT_TRUE(view.snapshot()->verdicts.at("uid-good")->outlived);
}

TEST_F(View, CountsTheLifeOfEachVerdictByItself) {
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  const auto offer = [&](const std::string& node) {
    attest::TokenClaims claims = claims_at(admission::kNow);
    claims.node_name = node;
    claims.node_uid = "uid-" + node;
    view.on_evidence(change(node, evidence(claims)));
    return claims.expires_at - claims.issued_at;
  };
  const auto outlived = [&](const std::string& node) {
    return view.snapshot()->verdicts.at("uid-" + node)->outlived;
  };
  const auto life = offer("good");
  clock.advance(seconds(5));
  offer("late");
  clock.advance(life - seconds(5));
  EXPECT_TRUE(outlived("good"));
  EXPECT_FALSE(outlived("late"));
  view.on_evidence(change("good", named("good", "e1"), ChangeType::kDeleted));
  clock.advance(seconds(5));
  EXPECT_TRUE(outlived("late"));
}

TEST_F(View, KeepsItsAnchorsWhereNewOnesCannotBeReadOrAreGone) {
  view.on_trust(change("trust", trust(admission::verifier_key().public_key())));
  view.on_evidence(change("good", evidence(claims_at(admission::kNow))));
  view.on_trust(change("trust", json("{}")));
  view.on_trust(change("trust", json("{}"), ChangeType::kDeleted));
  EXPECT_EQ(verdicts(), 1U);
  EXPECT_EQ(problems.size(), 2U);
}

TEST_F(View, LetsAPolicyThatCannotBeReadGateEverything) {
  view.on_policy(change("p", json(R"({"spec":{"mode":"Perhaps"}})")));
  view.on_policy(change("q", json("{}")));
  for (const char* name : {"p", "q"}) {
    const auto& facts = *view.snapshot()->policies.at(name);
    EXPECT_FALSE(facts.unusable.empty());
    EXPECT_EQ(facts.mode, attest::Mode::kEnforce);
    EXPECT_TRUE(facts.namespace_selector.selects_everything());
  }
  EXPECT_EQ(problems.size(), 2U);
  view.on_policy(change("p", json("{}"), ChangeType::kDeleted));
  EXPECT_FALSE(view.snapshot()->policies.contains("p"));
}

TEST_F(View, NoticesARebootByTheBootId) {
  Json node = named("good", "uid-good");
  const auto boots = [&](const char* id) {
    node["status"]["nodeInfo"]["bootID"] = id;
    view.on_node(change("good", node));
    return view.snapshot()->nodes.at("good")->rebooted_at;
  };
  EXPECT_FALSE(boots("one"));
  EXPECT_FALSE(boots("one"));
  clock.advance(seconds(7));
  EXPECT_EQ(boots("two"), admission::kNow + seconds(7));
  node["metadata"]["uid"] = "uid-new";
  EXPECT_FALSE(boots("three"));
}

TEST_F(View, RemembersWhenARebootAndATokenWereSeenWhateverTheWallClockSays) {
  Json node = named("good", "uid-good");
  node["status"]["nodeInfo"]["bootID"] = "one";
  view.on_node(change("good", node));
  EXPECT_FALSE(view.snapshot()->nodes.at("good")->rebooted_seen);
  clock.advance(seconds(7));
  clock.step_wall_clock(-std::chrono::hours(1));
  node["status"]["nodeInfo"]["bootID"] = "two";
  const SteadyTime seen = clock.steady_now();
  view.on_node(change("good", node));
  clock.advance(seconds(1));
  view.on_node(change("good", node));
  EXPECT_EQ(view.snapshot()->nodes.at("good")->rebooted_seen, seen);
}

TEST_F(View, TreatsNodesAndNamespacesThatCannotBeReadAsUnknown) {
  view.on_node(change("n", named("n", "u")));
  view.on_namespace(change("s", named("s", "u")));
  EXPECT_EQ(view.snapshot()->nodes.size() + view.snapshot()->namespaces.size(), 2U);
  view.on_node(change("n", json(R"({"metadata":{"name":"n"}})")));
  view.on_namespace(change("s", json("[]")));
  EXPECT_EQ(view.snapshot()->nodes.size() + view.snapshot()->namespaces.size(), 0U);
}

TEST(ControllerLog, BelievesOnlyAnAnswerForEveryEntry) {
  const auto read = [](int status, std::string body, std::size_t expected = 2) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return read_log_answer(response, expected);
  };
  EXPECT_EQ(read(200, R"({"results":[{"index":7},{"index":9}]})").value(),
            (admission::LogPlaces{7, 9}));
  EXPECT_EQ(read(200, R"({"results":[{"leftOut":true},{"index":9}]})").value(),
            (admission::LogPlaces{std::nullopt, 9}));
  const auto named = read(200, R"({"origin":"o/2027","results":[{"index":7},{"index":9}]})");
  ASSERT_TRUE(named.has_value());
  EXPECT_EQ(named->back()->origin, "o/2027");
  for (const char* body :
       {R"({"results":[{"index":7},{"leftOut":false}]})", "", "{}", "[]", R"({"results":[]})",
        R"({"results":[{"index":7}]})", R"({"results":[{"index":7},{}]})",
        R"({"results":[{"index":7},{"index":-1}]})", R"({"results":[{"index":7},{"index":"8"}]})",
        R"({"results":[{"index":7},{"index":8},{"index":9}]})"}) {
    const auto answer = read(200, body);
    ASSERT_FALSE(answer.has_value()) << body;
    EXPECT_EQ(answer.error().kind, ErrorKind::kRetryable) << body;
  }
  for (const int status : {400, 413, 422}) {
    EXPECT_EQ(read(status, "").error().kind, ErrorKind::kRejected) << status;
  }
  for (const int status : {201, 301, 401, 403, 404, 429, 500, 503}) {
    EXPECT_EQ(read(status, "").error().kind, ErrorKind::kRetryable) << status;
  }
}

TEST(ControllerLog, WritesWhatTheControllerReads) {
  const admission::LogRecord records[] = {{"a\"b", Bytes{1, 2}}, {"c", Bytes{}}};
  EXPECT_EQ(write_log_request(records),
            R"({"entries":[{"id":"a\"b","payload":"AQI="},{"id":"c","payload":""}]})");
}

}  // namespace
}  // namespace avouch::webhook
