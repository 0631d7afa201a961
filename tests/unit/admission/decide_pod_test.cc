// Which pods may go where: every way onto a node, every check, every mode.

#include <gtest/gtest.h>

#include <functional>

#include "support/contains.h"
#include "tests/unit/admission/world.h"

namespace avouch::admission {
namespace {

using attest::Status;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::contains;

// Every way by which a pod gets onto a node.
std::vector<std::pair<std::string, std::function<Json(const std::string& node)>>> ways() {
  return {{"pods/binding", [](const std::string& node) { return binding(node); }},
          {"bindings", [](const std::string& node) { return legacy_binding(node); }},
          {"pods", [](const std::string& node) { return pod_on(node); }}};
}

TEST(DecidePod, AllowsATrustedNodeByEveryWayAndRecordsIt) {
  const World world;
  for (const auto& [operation, request] : ways()) {
    const Decision decision = world.pods(request("good"));
    EXPECT_TRUE(decision.allowed) << operation << decision.message;
    ASSERT_TRUE(decision.verdict) << operation;
    EXPECT_EQ(decision.verdict->operation, operation);
    EXPECT_EQ(decision.verdict->ns, "shop");
    EXPECT_EQ(decision.verdict->pod, "web-0");
    EXPECT_EQ(decision.verdict->node, "good");
    EXPECT_EQ(decision.verdict->node_uid, "uid-good");
    EXPECT_EQ(decision.verdict->node_verdict_index, 12U);
    EXPECT_TRUE(decision.verdict->node_token.has_value());
    EXPECT_EQ(decision.verdict->pod_spec.has_value(), operation == "pods");
    ASSERT_EQ(decision.verdict->policies.size(), 1U);
    EXPECT_EQ(decision.verdict->policies[0].spec_digest,
              world.snapshot.policies.at("production")->spec_digest);
  }
}

TEST(DecidePod, DeniesByDefaultWhenNothingIsKnown) {
  EXPECT_FALSE(Decision().allowed);
  const auto review = parse_review(codec::to_json(binding("good")));
  const Decision decision = decide(Endpoint::kPods, *review, Gathered{}, Snapshot{}, Rules{}, kNow);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.code, code::kNotReady);
  EXPECT_EQ(decision.status, 503);
}

struct PodCase {
  const char* name;
  std::string_view code;
  std::string_view says;
  std::function<void(World&)> spoil;
};

const std::vector<PodCase>& cases() {
  static const std::vector<PodCase> all = {
      {"the node has no verdict", code::kNoVerdict, "no verdict on the node yet",
       [](World& w) { w.snapshot.verdicts.clear(); }},
      {"the node's token was refused", code::kNoVerdict, "signature is wrong",
       [](World& w) {
         w.snapshot.verdicts.clear();
         w.snapshot.refused_tokens["good"] = "signature is wrong";
       }},
      {"the token names another UID", code::kNoVerdict, "uid-old",
       [](World& w) {
         w.set_verdict("good", claims_on("good", "uid-old", {w.judged("production")}));
       }},
      {"the token names another node", code::kNoVerdict, "\"other\"",
       [](World& w) {
         w.set_verdict("good", claims_on("other", "uid-good", {w.judged("production")}));
       }},
      {"the token ends now", code::kVerdictStale, "has expired",
       [](World& w) { w.trust("good", {"production"}, Status::kAffirming, kNow - minutes(5)); }},
      {"the token is of the future", code::kVerdictStale, "clocks",
       [](World& w) { w.trust("good", {"production"}, Status::kAffirming, kNow + seconds(61)); }},
      {"the token has lived out its time here", code::kVerdictStale, "lived out its time",
       [](World& w) {
         VerdictFacts facts = *w.snapshot.verdicts.at("uid-good");
         facts.outlived = true;
         w.snapshot.verdicts["uid-good"] = std::make_shared<const VerdictFacts>(std::move(facts));
       }},
      {"the node has rebooted since", code::kVerdictStale, "has rebooted",
       [](World& w) {
         w.add_node("good", {{"pool", "attested"}}, kNow - seconds(27));
       }},
      {"the node has rebooted since the token came, by whose dates it has not", code::kVerdictStale,
       "has rebooted",
       [](World& w) {
         NodeFacts node = *w.snapshot.nodes.at("good");
         node.rebooted_at = kNow - seconds(60);
         node.rebooted_seen = w.snapshot.verdicts.at("uid-good")->came + seconds(3);
         w.snapshot.nodes["good"] = std::make_shared<const NodeFacts>(std::move(node));
       }},
      {"the policy has changed since", code::kVerdictOfAnotherPolicy, "as it stands now",
       [](World& w) { w.add_policy("production", json(R"({"freshness":{"maxAge":"4m"}})")); }},
      {"the node was judged by another policy", code::kVerdictOfAnotherPolicy, "as it stands now",
       [](World& w) {
         w.add_policy("other", json(R"({"workloads":{"namespaceSelector":{"matchLabels":
           {"a":"b"}}}})"));
         w.trust("good", {"other"});
       }},
      {"another policy has the same spec", code::kVerdictOfAnotherPolicy, "as it stands now",
       [](World& w) {
         w.add_policy("twin");
         w.trust("good", {"twin"});
         w.snapshot.policies.erase("twin");
       }},
      {"the node is contraindicated", code::kContraindicated, "PcrMismatch: PCR 7 differs",
       [](World& w) { w.trust("good", {"production"}, Status::kContraindicated); }},
      {"the node lost the label", code::kNotSelected, "does not select the node",
       [](World& w) { w.add_node("good", {}); }},
      {"there is no such node", code::kNodeUnknown, "no node of this name",
       [](World& w) { w.snapshot.nodes.clear(); }},
      {"the policy cannot be used", code::kPolicyUnusable, "cannot be used",
       [](World& w) { w.add_policy("production", json(R"({"pcrs":null})")); }},
      {"the policy is no object", code::kPolicyUnusable, "cannot be used",
       [](World& w) {
         w.snapshot.policies["production"] =
             std::make_shared<const PolicyFacts>(read_policy("production", Json("x")));
       }},
      {"the data is too old", code::kNotReady, "informers are stale",
       [](World& w) { w.gathered.not_ready = "informers are stale"; }},
  };
  return all;
}

TEST(DecidePod, DeniesByEveryWayWhatIsNotProved) {
  for (const PodCase& one : cases()) {
    for (const auto& [operation, request] : ways()) {
      World world;
      one.spoil(world);
      const Decision decision = world.pods(request("good"));
      SCOPED_TRACE(std::string(one.name) + ", " + operation);
      EXPECT_FALSE(decision.allowed);
      EXPECT_EQ(decision.code, one.code);
      EXPECT_TRUE(contains(decision.message, one.says)) << decision.message;
      if (one.code == code::kNotReady) {
        EXPECT_FALSE(decision.verdict);
        continue;
      }
      EXPECT_EQ(decision.status, 403);
      EXPECT_TRUE(contains(decision.message,
                           "\"good\" does not satisfy AttestationPolicy "
                           "\"production\""))
          << decision.message;
      EXPECT_TRUE(contains(decision.message, "See: kubectl avouch explain node good"));
      ASSERT_TRUE(decision.verdict);
      ASSERT_EQ(decision.verdict->findings.size(), 1U);
      EXPECT_EQ(decision.verdict->findings[0].code, one.code);
    }
  }
}

TEST(DecidePod, AllowsOnANodeThatSatisfiesThePolicyWithReservations) {
  World world;
  world.trust("good", {"production"}, Status::kWarning);
  EXPECT_TRUE(world.pods(binding("good")).allowed);
}

TEST(DecidePod, ShowsTheReasonsOfThePolicyThatDenies) {
  World world;
  world.trust("good", {"production"}, Status::kContraindicated);
  VerdictFacts facts = *world.snapshot.verdicts.at("uid-good");
  facts.reasons = {"PcrMismatch: AttestationPolicy \"observe\": PCR 8 differs",
                   "PcrMismatch: AttestationPolicy \"production\": PCR 7 differs",
                   "BootLogMissing: AttestationPolicy \"production\": there is none."};
  world.snapshot.verdicts["uid-good"] = std::make_shared<const VerdictFacts>(facts);
  std::string message = world.pods(binding("good")).message;
  EXPECT_TRUE(contains(message,
                       "does not satisfy AttestationPolicy \"production\": PcrMismatch: PCR 7 "
                       "differs; BootLogMissing: there is none. Verdict #12, last issued at "))
      << message;

  facts.reasons.resize(1);
  world.snapshot.verdicts["uid-good"] = std::make_shared<const VerdictFacts>(std::move(facts));
  message = world.pods(binding("good")).message;
  EXPECT_TRUE(
      contains(message,
               "does not satisfy AttestationPolicy \"production\": PcrMismatch: "
               "AttestationPolicy \"observe\": PCR 8 differs. Verdict #12, last issued at "))
      << message;
}

// The entry of the log is the verdict's, and may be far older than its newest token.
TEST(DecidePod, SaysTheTokensTimeAsTheTokensBesideTheEntryOfTheVerdict) {
  World world;
  world.trust("good", {"production"}, Status::kContraindicated);
  EXPECT_TRUE(contains(world.pods(binding("good")).message,
                       " Verdict #12, last issued at 2027-01-15T07:59:30Z. See: "))
      << world.pods(binding("good")).message;
  VerdictFacts facts = *world.snapshot.verdicts.at("uid-good");
  facts.log_index.reset();
  world.snapshot.verdicts["uid-good"] = std::make_shared<const VerdictFacts>(std::move(facts));
  EXPECT_TRUE(contains(world.pods(binding("good")).message,
                       " Verdict, last issued at 2027-01-15T07:59:30Z. See: "));
}

TEST(DecidePod, PutsNoMadeUpNameIntoACommand) {
  World world;
  const std::string message = world.pods(binding("a; reboot")).message;
  EXPECT_TRUE(contains(message, "See: kubectl avouch status")) << message;
  EXPECT_FALSE(contains(message, "kubectl avouch explain node")) << message;
}

TEST(DecidePod, GivesACodeWhereTheReasonsAreNotReadYet) {
  World world;
  world.trust("good", {"production"}, Status::kContraindicated);
  VerdictFacts facts = *world.snapshot.verdicts.at("uid-good");
  facts.reasons.clear();
  world.snapshot.verdicts["uid-good"] = std::make_shared<const VerdictFacts>(std::move(facts));
  const Decision decision = world.pods(binding("good"));
  EXPECT_EQ(decision.code, code::kContraindicated);
  EXPECT_TRUE(
      contains(decision.message,
               "does not satisfy AttestationPolicy \"production\": ReasonsNotRead: the "
               "controller's verdict on it is contraindicated, and the webhook has not read "
               "the reasons yet; they stand in the node's AttestationEvidence in a moment. "
               "Verdict #12, last issued at "))
      << decision.message;
}

TEST(DecidePod, BelievesATokenToItsLastMomentOnly) {
  World world;
  const SystemTime end = kNow - seconds(30) + minutes(5);
  world.now = end - std::chrono::milliseconds(1);
  EXPECT_TRUE(world.pods(binding("good")).allowed);
  world.now = end;
  EXPECT_EQ(world.pods(binding("good")).code, code::kVerdictStale);
}

TEST(DecidePod, AllowsARebootThatTheVerdictIsNewerThan) {
  World world;
  world.add_node("good", {{"pool", "attested"}}, kNow - seconds(31));
  EXPECT_TRUE(world.pods(binding("good")).allowed);
  // A token's time is cut to seconds: two of them are allowed for.
  world.add_node("good", {{"pool", "attested"}}, kNow - seconds(28));
  EXPECT_TRUE(world.pods(binding("good")).allowed);
}

TEST(DecidePod, AuditRecordsWarnWarnsEnforceDenies) {
  for (const PodCase& one : cases()) {
    if (one.code == code::kNotReady) continue;
    for (const std::string mode : {"Audit", "Warn", "Enforce"}) {
      World world;
      one.spoil(world);
      PolicyFacts facts = *world.snapshot.policies.at("production");
      facts.mode = mode == "Audit"  ? attest::Mode::kAudit
                   : mode == "Warn" ? attest::Mode::kWarn
                                    : attest::Mode::kEnforce;
      world.snapshot.policies["production"] = std::make_shared<const PolicyFacts>(facts);
      const Decision decision = world.pods(binding("good"));
      SCOPED_TRACE(std::string(one.name) + ", " + mode);
      EXPECT_EQ(decision.allowed, mode != "Enforce");
      EXPECT_EQ(decision.warnings.size(), mode == "Warn" ? 1U : 0U);
      for (const std::string& warning : decision.warnings) {
        EXPECT_TRUE(warning.ends_with(" See: kubectl avouch explain node good")) << warning;
        EXPECT_LE(warning.size(), 250U);
      }
      ASSERT_TRUE(decision.verdict);
      EXPECT_EQ(decision.verdict->findings.size(), 1U);
    }
  }
}

TEST(DecidePod, AsksEveryPolicyThatGates) {
  World world;
  world.add_policy("second", json(R"({"freshness":{"maxAge":"2m"}})"));
  const Decision one = world.pods(binding("good"));
  EXPECT_EQ(one.code, code::kVerdictOfAnotherPolicy);
  EXPECT_TRUE(contains(one.message, "\"second\"")) << one.message;
  EXPECT_FALSE(contains(one.message, "\"production\"")) << one.message;
  EXPECT_EQ(one.verdict->policies.size(), 2U);
  world.trust("good", {"production", "second"});
  EXPECT_TRUE(world.pods(binding("good")).allowed);
}

TEST(DecidePod, ListsEveryViolationAndNamesTheReasonOfTheFirstThatDenies) {
  World world;
  world.add_policy("a-audit", json(R"({"mode":"Audit","nodeSelector":{"matchLabels":{"x":"y"}}})"));
  world.add_policy("second", json(R"({"freshness":{"maxAge":"2m"}})"));
  world.add_node("good", {});
  const Decision decision = world.pods(binding("good"));
  EXPECT_EQ(decision.code, code::kNotSelected);
  EXPECT_TRUE(contains(decision.message, "\"production\"")) << decision.message;
  EXPECT_TRUE(contains(decision.message, "\"second\"")) << decision.message;
  EXPECT_FALSE(contains(decision.message, "a-audit")) << decision.message;
  EXPECT_EQ(decision.verdict->findings.size(), 3U);
}

TEST(DecidePod, GatesOnlyWhatPoliciesSelect) {
  World world;
  world.snapshot.verdicts.clear();
  const Decision other_namespace = world.pods(binding("good", "free"));
  EXPECT_TRUE(other_namespace.allowed);
  EXPECT_FALSE(other_namespace.verdict);
  world.add_policy("production", json(R"({"workloads":{"namespaceSelector":{"matchLabels":
    {"attested":"required"}},"podSelector":{"matchLabels":{"app":"db"}}}})"));
  EXPECT_TRUE(world.pods(binding("good")).allowed);
  EXPECT_TRUE(world.pods(pod_on("good")).allowed);
  world.gathered.pod_labels = attest::Labels{{"app", "db"}};
  EXPECT_FALSE(world.pods(binding("good")).allowed);
}

TEST(DecidePod, RecordsTheUidOfThePodThatWasJudgedWhereABindingNamesNone) {
  World world;
  world.gathered.pod_uid = "pod-uid";
  Json unnamed = binding("good");
  unnamed["request"]["object"]["metadata"].as_object()->erase("uid");
  EXPECT_EQ(world.pods(unnamed).verdict.value().pod_uid, "pod-uid");
  Json named = binding("good");
  named["request"]["object"]["metadata"]["uid"] = "named";
  EXPECT_EQ(world.pods(named).verdict.value().pod_uid, "named");
  Json created = pod_on("good");
  created["request"]["object"]["metadata"].as_object()->erase("uid");
  EXPECT_EQ(world.pods(created).verdict.value().pod_uid, "");
}

TEST(DecidePod, GatesWhatItCannotSelectForWantOfLabels) {
  World world;
  world.snapshot.verdicts.clear();
  world.add_policy("production", json(R"({"workloads":{"podSelector":{"matchLabels":
    {"app":"db"}}}})"));
  world.gathered.pod_labels.reset();  // a pod that is not known here
  EXPECT_EQ(world.pods(binding("good")).code, code::kNoVerdict);
  world.add_policy("production");
  world.gathered.pod_labels = attest::Labels{};
  EXPECT_EQ(world.pods(binding("good", "unheard-of")).code, code::kNoVerdict);
}

TEST(DecidePod, ExemptsNamespacesByNameEvenWhenNotReadyAndByLabelWhenReady) {
  World world;
  world.snapshot.verdicts.clear();
  world.add_policy("production", json(R"({"workloads":{}})"));
  world.gathered.not_ready = "nothing is known yet";
  EXPECT_TRUE(world.pods(binding("good", "kube-system")).allowed);
  EXPECT_TRUE(world.pods(pod_on("good", "avouch-system")).allowed);
  world.add_namespace("tools", {{"avouch.dev/exempt", "true"}});
  EXPECT_FALSE(world.pods(binding("good", "tools")).allowed);
  world.gathered.not_ready.clear();
  EXPECT_TRUE(world.pods(binding("good", "tools")).allowed);
  for (const char* value : {"false", "", "True"}) {
    world.add_namespace("tools", {{"avouch.dev/exempt", value}});
    EXPECT_FALSE(world.pods(binding("good", "tools")).allowed) << value;
  }
}

TEST(DecidePod, DeniesAndRecordsAMirrorPodOnANodeThatIsNotTrusted) {
  World world;
  world.snapshot.verdicts.clear();
  Json mirror = pod_on("good");
  mirror["request"]["object"]["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x";
  EXPECT_FALSE(world.pods(mirror).allowed);  // by alice
  EXPECT_TRUE(world.pods(mirror).warnings.empty());
  mirror["request"]["userInfo"]["username"] = "system:node:other";
  EXPECT_FALSE(world.pods(mirror).allowed);
  mirror["request"]["userInfo"]["username"] = "system:node:good";
  const Decision decision = world.pods(mirror);
  EXPECT_FALSE(decision.allowed) << "its kubelet could make it an endpoint of a Service";
  ASSERT_EQ(decision.warnings.size(), 1U);
  EXPECT_TRUE(contains(decision.warnings[0], "the static pod runs all the same"));
  ASSERT_TRUE(decision.verdict);
  EXPECT_EQ(decision.verdict->findings.size(), 1U);
  World trusted;
  EXPECT_TRUE(trusted.pods(mirror).allowed);
  Json plain = pod_on("good");
  plain["request"]["userInfo"]["username"] = "system:node:good";
  EXPECT_FALSE(world.pods(plain).allowed);
}

TEST(DecidePod, WarnsOfAPodThatCanGoNowhere) {
  World world;
  EXPECT_TRUE(world.pods(pod_on("")).warnings.empty());
  world.snapshot.verdicts.clear();
  const Decision enforced = world.pods(pod_on(""));
  EXPECT_TRUE(enforced.allowed);
  ASSERT_EQ(enforced.warnings.size(), 1U);
  EXPECT_TRUE(contains(enforced.warnings[0], "stays Pending"));
  EXPECT_TRUE(enforced.verdict);
  world.add_policy("production", json(R"({"mode":"Warn"})"));
  ASSERT_EQ(world.pods(pod_on("")).warnings.size(), 1U);
  EXPECT_TRUE(contains(world.pods(pod_on("")).warnings[0], "not all of them are enforced"));
  world.add_policy("production", json(R"({"mode":"Audit"})"));
  EXPECT_TRUE(world.pods(pod_on("")).warnings.empty());
}

TEST(DecidePod, NeedsOneNodeThatSatisfiesAllPoliciesAtOnce) {
  World world;
  world.add_policy("second", json(R"({"freshness":{"maxAge":"2m"}})"));
  world.add_node("other", {{"pool", "attested"}});
  world.trust("other", {"second"});
  EXPECT_EQ(world.pods(pod_on("")).warnings.size(), 1U);
  world.trust("other", {"second", "production"});
  EXPECT_TRUE(world.pods(pod_on("")).warnings.empty());
}

TEST(DecidePod, IsStrictAboutTheLogIfOnePolicyIs) {
  World world;
  EXPECT_EQ(world.pods(binding("good")).logging, attest::Logging::kSpool);
  world.add_policy("second", json(R"({"logging":"Strict","mode":"Audit"})"));
  EXPECT_EQ(world.pods(binding("good")).logging, attest::Logging::kStrict);
}

struct Wrong {
  const char* name;
  std::function<void(Json& request)> change;
};

TEST(DecidePod, DeniesRequestsThatItDoesNotKnow) {
  const World world;
  const std::vector<Wrong> wrong = {
      {"update", [](Json& r) { r["operation"] = "UPDATE"; }},
      {"delete", [](Json& r) { r["operation"] = "DELETE"; }},
      {"connect", [](Json& r) { r["operation"] = "CONNECT"; }},
      {"no operation", [](Json& r) { r.as_object()->erase("operation"); }},
      {"operation in small letters", [](Json& r) { r["operation"] = "create"; }},
      {"group", [](Json& r) { r["resource"]["group"] = "apps"; }},
      {"version", [](Json& r) { r["resource"]["version"] = "v2"; }},
      {"resource", [](Json& r) { r["resource"]["resource"] = "deployments"; }},
      {"no resource name", [](Json& r) { r["resource"]["resource"] = ""; }},
      {"evict", [](Json& r) { r["subResource"] = "eviction"; }},
      {"ephemeral containers", [](Json& r) { r["subResource"] = "ephemeralcontainers"; }},
      {"status", [](Json& r) { r["subResource"] = "status"; }},
      {"exec", [](Json& r) { r["subResource"] = "exec"; }},
      {"no object", [](Json& r) { r.as_object()->erase("object"); }},
      {"no namespace", [](Json& r) { r.as_object()->erase("namespace"); }},
      {"another namespace", [](Json& r) { r["namespace"] = "free"; }},
      {"another namespace, an exempt one", [](Json& r) { r["namespace"] = "kube-system"; }},
      {"another pod", [](Json& r) { r["name"] = "web-1"; }},
      {"no target", [](Json& r) { r["object"].as_object()->erase("target"); }},
      {"no node", [](Json& r) { r["object"]["target"]["name"] = ""; }},
      {"a node that is no text", [](Json& r) { r["object"]["target"]["name"] = Json(true); }},
      {"a target that is no node", [](Json& r) { r["object"]["target"]["kind"] = "Pod"; }},
  };
  for (const Wrong& one : wrong) {
    Json review = binding("good");
    one.change(review["request"]);
    const Decision decision = world.pods(review);
    EXPECT_FALSE(decision.allowed) << one.name;
    EXPECT_EQ(decision.code, code::kInvalid) << one.name;
    EXPECT_EQ(decision.status, 422) << one.name;
    EXPECT_FALSE(decision.message.empty()) << one.name;
  }
}

TEST(DecidePod, DeniesAPodWhoseNodeOrLabelsCannotBeRead) {
  const World world;
  for (const char* node : {"17", "true", "{}", "[]"}) {
    Json review = pod_on("good");
    review["request"]["object"]["spec"]["nodeName"] = json(node);
    EXPECT_EQ(world.pods(review).code, code::kInvalid) << node;
  }
  for (const char* labels : {"17", "[]", R"({"a":1})", R"({"a":null})"}) {
    Json review = pod_on("good");
    review["request"]["object"]["metadata"]["labels"] = json(labels);
    EXPECT_EQ(world.pods(review).code, code::kInvalid) << labels;
  }
}

TEST(DecidePod, DeniesWhatCameToTheWrongEndpoint) {
  const World world;
  for (const Endpoint endpoint :
       {Endpoint::kOwnPods, Endpoint::kEvidence, Endpoint::kPolicies, Endpoint::kNamespaces}) {
    const Decision decision = world.decide_on(endpoint, binding("good"));
    EXPECT_FALSE(decision.allowed) << endpoint_name(endpoint);
    EXPECT_EQ(decision.code, code::kInvalid) << endpoint_name(endpoint);
  }
}

TEST(DecidePod, KeepsMessagesAndWarningsWithinTheApiServersBounds) {
  World world;
  world.snapshot.verdicts.clear();
  for (int i = 0; i < 60; ++i) {
    const std::string name = "p" + std::to_string(i) + std::string(200, 'x');
    world.add_policy(name, json(R"({"mode":"Enforce"})"));
    world.add_policy("w" + name, json(R"({"mode":"Warn"})"));
  }
  const Decision decision = world.pods(binding("good"));
  EXPECT_LE(decision.message.size(), 4096U);
  EXPECT_LE(decision.warnings.size(), 8U);
  for (const auto& warning : decision.warnings) EXPECT_LE(warning.size(), 256U);
  // What the log takes is 32 KiB (src/control/admission_entries.h).
  const Bytes payload = codec::to_cbor(
      verdict_payload(*decision.verdict, decision.allowed, decision.code, kNow, true));
  EXPECT_LE(payload.size(), 32'000U);
}

TEST(PolicyFacts, TakesTheStrictestForWhatCannotBeRead) {
  const PolicyFacts nothing = read_policy("p", Json());
  EXPECT_FALSE(nothing.unusable.empty());
  EXPECT_EQ(nothing.mode, attest::Mode::kEnforce);
  EXPECT_TRUE(nothing.namespace_selector.selects_everything());
  const PolicyFacts odd = read_policy("p", json(R"({"mode":"audit","logging":"spool",
    "workloads":{"namespaceSelector":{"matchLabels":{"a":"b"}},"podSelector":{"nonsense":1}}})"));
  EXPECT_EQ(odd.mode, attest::Mode::kEnforce);
  EXPECT_EQ(odd.logging, attest::Logging::kStrict);
  EXPECT_FALSE(odd.namespace_selector.selects_everything());
  EXPECT_TRUE(odd.pod_selector.selects_everything());
  EXPECT_EQ(read_policy("p", json(R"({"mode":"Audit"})")).mode, attest::Mode::kAudit);
}

TEST(VerdictPayload, SaysWhatWasDecidedAndWhy) {
  World world;
  world.trust("good", {"production"}, Status::kContraindicated);
  const Decision decision = world.pods(pod_on("good"));
  const codec::Cbor payload = verdict_payload(*decision.verdict, false, decision.code, kNow, true);
  EXPECT_EQ(*payload.find("decision")->as_text(), "deny");
  EXPECT_EQ(*payload.find("id")->as_text(), "705ab4f5-6393-11e8-b7cc-42010a800002");
  EXPECT_EQ(*payload.find("user")->as_text(), "alice");
  EXPECT_EQ(*payload.find("time")->as_integer(), kNow.time_since_epoch().count());
  EXPECT_TRUE(*payload.find("late")->as_boolean());
  EXPECT_EQ(*payload.find("caller")->as_text(), "unauthenticated");
  EXPECT_EQ(payload.find("peer"), nullptr);  // nobody has said
  EXPECT_EQ(*payload.find("nodeVerdict")->find("index")->as_integer(), 12);
  EXPECT_EQ(*payload.find("nodeVerdict")->find("origin")->as_text(), kOrigin)
      << "another log may have been begun before it is entered";
  const auto& reasons = *payload.find("reasons")->as_array();
  ASSERT_EQ(reasons.size(), 1U);
  EXPECT_EQ(*reasons[0].find("code")->as_text(), "Contraindicated");
  EXPECT_EQ(*reasons[0].find("policy")->as_text(), "production");
  EXPECT_EQ(payload.find("podSpecDigest")->as_bytes()->size(), 32U);
  AdmissionVerdict sent = *decision.verdict;
  sent.authenticated = true;
  sent.peer = "10.0.0.7";
  const codec::Cbor shown = verdict_payload(sent, false, decision.code, kNow, true);
  EXPECT_EQ(*shown.find("caller")->as_text(), "authenticated");
  EXPECT_EQ(*shown.find("peer")->as_text(), "10.0.0.7");
  // A denial of the webhook's own is one of the reasons too.
  const codec::Cbor own =
      verdict_payload(*decision.verdict, false, code::kLogUnavailable, kNow, false);
  EXPECT_EQ(own.find("reasons")->as_array()->size(), 2U);
}

}  // namespace
}  // namespace avouch::admission
