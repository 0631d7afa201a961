// The own-node rule for evidence, our own kinds, and the guard of the exemption label.

#include <gtest/gtest.h>

#include <functional>

#include "support/contains.h"
#include "tests/unit/admission/world.h"

namespace avouch::admission {
namespace {

using testing::contains;

constexpr const char* kAgent = "system:serviceaccount:avouch-system:avouch-agent";

Json evidence(const std::string& node = "good", const std::string& operation = "CREATE") {
  Json object = json(R"({"apiVersion":"avouch.dev/v1alpha1","kind":"AttestationEvidence",
    "metadata":{},"spec":{"identity":{"ekPublic":"AAA=","akPublic":"AAA=","ekCertificates":[]}}})");
  object["metadata"]["name"] = node;
  object["spec"]["nodeUID"] = "uid-" + node;
  Json review = review_of("avouch.dev", "v1alpha1", "attestationevidences", "", operation,
                          std::move(object), kAgent);
  review["request"]["userInfo"]["extra"] = Json(
      Json::Object{{"authentication.kubernetes.io/node-name", Json(Json::Array{Json("good")})}});
  return review;
}

Decision on_evidence(const World& world, const Json& review) {
  return world.decide_on(Endpoint::kEvidence, review);
}

TEST(DecideEvidence, LetsTheNodesOwnAgentWrite) {
  const World world;
  const Decision decision = on_evidence(world, evidence());
  EXPECT_TRUE(decision.allowed) << decision.message;
  EXPECT_FALSE(decision.verdict);
  EXPECT_TRUE(on_evidence(world, evidence("good", "UPDATE")).allowed);
}

TEST(DecideEvidence, RefusesEverybodyElse) {
  const World world;
  for (const char* user : {"alice", "system:admin", "system:node:good", "",
                           "system:serviceaccount:avouch-system:avouch-controller",
                           "system:serviceaccount:avouch-system:avouch-webhook",
                           "system:serviceaccount:shop:avouch-agent",
                           "system:serviceaccount:avouch-system:avouch-agent2"}) {
    Json review = evidence();
    review["request"]["userInfo"]["username"] = user;
    EXPECT_EQ(on_evidence(world, review).code, code::kNotOwnNode) << user;
  }
}

TEST(DecideEvidence, RefusesTheAgentOfAnotherNode) {
  const World world;
  EXPECT_EQ(on_evidence(world, evidence("other")).code, code::kNotOwnNode);
}

TEST(DecideEvidence, KnowsAnAgentByItsPodWhereTheTokenNamesNoNode) {
  World world;
  Json review = evidence();
  Json extras(Json::Object{});
  extras["authentication.kubernetes.io/pod-name"] = Json(Json::Array{Json("agent-1")});
  extras["authentication.kubernetes.io/pod-uid"] = Json(Json::Array{Json("u1")});
  review["request"]["userInfo"]["extra"] = extras;
  const auto parsed = parse_review(codec::to_json(review));
  EXPECT_TRUE(caller_pod_to_look_up(Endpoint::kEvidence, *parsed));
  EXPECT_EQ(on_evidence(world, review).code, code::kNotOwnNode);  // no such pod
  world.gathered.caller_node = "other";
  EXPECT_EQ(on_evidence(world, review).code, code::kNotOwnNode);
  world.gathered.caller_node = "good";
  EXPECT_TRUE(on_evidence(world, review).allowed);
  review["request"]["userInfo"].as_object()->erase("extra");
  world.gathered.caller_node.reset();
  EXPECT_EQ(on_evidence(world, review).code, code::kNotOwnNode);
}

TEST(DecideEvidence, BelievesTheTokensNodeBeforeThePods) {
  World world;
  world.gathered.caller_node = "other";
  EXPECT_FALSE(on_evidence(world, evidence("other")).allowed);
  EXPECT_TRUE(on_evidence(world, evidence("good")).allowed);
}

TEST(DecideEvidence, LetsMetadataBeChangedByOthers) {
  const World world;
  Json review = evidence("good", "UPDATE");
  review["request"]["userInfo"]["username"] = "alice";
  review["request"]["oldObject"] = *review.find_path({"request", "object"});
  EXPECT_TRUE(on_evidence(world, review).allowed);
  review["request"]["oldObject"]["spec"]["nodeUID"] = "before";
  EXPECT_EQ(on_evidence(world, review).code, code::kNotOwnNode);
  review["request"]["operation"] = "CREATE";
  review["request"]["oldObject"] = *review.find_path({"request", "object"});
  EXPECT_EQ(on_evidence(world, review).code, code::kNotOwnNode);
}

// With the object ends the enrolment of the node: an owner that is not there, or that the agent can
// delete, would be a way to delete it.
TEST(DecideEvidence, LetsNoAgentChangeWhenAnObjectEndsNorAnythingOfAnotherNodes) {
  const World world;
  const Json owners =
      codec::parse_json(R"([{"apiVersion": "v1", "kind": "Node", "name": "gone", "uid": "u"}])")
          .value();
  for (const char* operation : {"CREATE", "UPDATE"}) {
    for (const char* member : {"ownerReferences", "finalizers"}) {
      Json review = evidence("good", operation);
      review["request"]["oldObject"] = *review.find_path({"request", "object"});
      review["request"]["object"]["metadata"][member] = owners;
      const Decision decision = on_evidence(world, review);
      EXPECT_EQ(decision.code, code::kNotOwnNode) << operation << member;
      EXPECT_TRUE(contains(decision.message, "metadata." + std::string(member)));
    }
  }
  Json kept = evidence("good", "UPDATE");
  kept["request"]["object"]["metadata"]["ownerReferences"] = owners;
  kept["request"]["oldObject"] = *kept.find_path({"request", "object"});
  EXPECT_TRUE(on_evidence(world, kept).allowed);

  Json other = evidence("other", "UPDATE");  // an agent, but not this object's
  other["request"]["oldObject"] = *other.find_path({"request", "object"});
  other["request"]["object"]["metadata"]["labels"]["a"] = "b";
  EXPECT_EQ(on_evidence(world, other).code, code::kNotOwnNode);
}

TEST(DecideEvidence, LetsNoAgentGrowTheMetadataBeyondItsBound) {
  const World world;
  // {"a":"..."}, or ["..."] with as many bytes.
  const auto with = [](Json review, const char* object, const char* member, std::size_t bytes) {
    const std::string name(member);
    Json& metadata = review["request"][object]["metadata"];
    if (name == "managedFields") {
      metadata[member] = Json(Json::Array{Json(std::string(bytes - 4, 'x'))});
    } else {
      metadata[member] = Json(Json::Object{{"a", Json(std::string(bytes - 8, 'x'))}});
    }
    return review;
  };
  struct Case {
    const char* member;
    std::size_t most;
  };
  for (const Case& one :
       {Case{"labels", 16384}, Case{"annotations", 16384}, Case{"managedFields", 262144}}) {
    for (const char* operation : {"CREATE", "UPDATE"}) {
      const Json plain = evidence("good", operation);
      EXPECT_TRUE(on_evidence(world, with(plain, "object", one.member, one.most)).allowed)
          << one.member;
      const Decision decision = on_evidence(world, with(plain, "object", one.member, one.most + 1));
      EXPECT_EQ(decision.code, code::kInvalid) << one.member;
      EXPECT_TRUE(contains(decision.message, "found " + std::to_string(one.most + 1) + " bytes"))
          << decision.message;
    }
    // What somebody else put there stops no agent, unless it adds to it.
    const Json there = with(evidence("good", "UPDATE"), "oldObject", one.member, one.most + 9);
    EXPECT_TRUE(on_evidence(world, with(there, "object", one.member, one.most + 9)).allowed);
    EXPECT_TRUE(on_evidence(world, with(there, "object", one.member, one.most + 5)).allowed);
    EXPECT_FALSE(on_evidence(world, with(there, "object", one.member, one.most + 10)).allowed);
  }
  const Json both = with(with(evidence(), "object", "labels", 8193), "object", "annotations", 8192);
  EXPECT_FALSE(on_evidence(world, both).allowed) << "together";
}

TEST(DecideEvidence, RefusesWhatIsMalformedOrOfAnotherUidWithThePath) {
  const World world;
  Json review = evidence();
  review["request"]["object"]["spec"]["nodeUID"] = "uid-of-a-dead-node";
  const Decision uid = on_evidence(world, review);
  EXPECT_EQ(uid.code, code::kInvalid);
  EXPECT_TRUE(contains(uid.message, "spec.nodeUID")) << uid.message;
  review = evidence();
  review["request"]["object"]["spec"]["identity"]["akPublic"] = "!";
  review["request"]["object"]["spec"]["surprise"] = 1;
  const Decision malformed = on_evidence(world, review);
  EXPECT_EQ(malformed.code, code::kInvalid);
  EXPECT_TRUE(contains(malformed.message, "spec.identity.akPublic")) << malformed.message;
  EXPECT_TRUE(contains(malformed.message, "surprise")) << malformed.message;
  review = evidence();
  review["request"]["object"].as_object()->erase("spec");
  EXPECT_EQ(on_evidence(world, review).code, code::kInvalid);
  review = evidence();
  review["request"]["name"] = "other";
  EXPECT_EQ(on_evidence(world, review).code, code::kInvalid);
  review["request"].as_object()->erase("name");
  review["request"]["object"]["metadata"].as_object()->erase("name");
  EXPECT_EQ(on_evidence(world, review).code, code::kInvalid);
}

TEST(DecideEvidence, RefusesRequestsThatItDoesNotKnow) {
  const World world;
  const std::vector<std::function<void(Json&)>> changes = {
      [](Json& r) { r["operation"] = "DELETE"; },
      [](Json& r) { r["subResource"] = "status"; },
      [](Json& r) { r["resource"]["version"] = "v9"; },
      [](Json& r) { r["resource"]["resource"] = "attestationpolicies"; },
      [](Json& r) { r["resource"]["group"] = ""; },
      [](Json& r) { r.as_object()->erase("object"); }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Json review = evidence();
    changes[i](review["request"]);
    EXPECT_EQ(on_evidence(world, review).code, code::kInvalid) << i;
  }
}

// ---- our own kinds ----

Json own_kind(const std::string& resource, Json spec, const std::string& operation = "CREATE") {
  Json object = json(R"({"apiVersion":"avouch.dev/v1alpha1","metadata":{"name":"production"}})");
  object["spec"] = std::move(spec);
  return review_of("avouch.dev", "v1alpha1", resource, "", operation, std::move(object), "admin");
}

Decision on_policy(const World& world, const Json& spec) {
  return world.decide_on(Endpoint::kPolicies, own_kind("attestationpolicies", spec));
}

TEST(DecidePolicy, TakesAPolicyThatChecksSomething) {
  const World world;
  const Decision decision = on_policy(world, json(kSpec));
  EXPECT_TRUE(decision.allowed) << decision.message;
  EXPECT_FALSE(decision.verdict);
  EXPECT_EQ(decision.warnings,
            std::vector<std::string>{
                "spec.nodeSelector: a node can leave the policy, as its kubelet may change pool; "
                "select by labels that no kubelet may change, such as "
                "example.com.node-restriction.kubernetes.io/pool"});
}

TEST(DecidePolicy, WarnsOfEveryLabelByWhichANodeCouldLeave) {
  World world;
  Json spec = json(kSpec);
  const auto about_labels = [&](const char* selector) {
    spec["nodeSelector"] = json(selector);
    std::string found;
    for (const std::string& warning : on_policy(world, spec).warnings) {
      EXPECT_LE(warning.size(), 250U);
      if (!contains(warning, "kubelet")) continue;
      EXPECT_TRUE(warning.ends_with("such as example.com.node-restriction.kubernetes.io/pool"));
      found += warning;
    }
    return found;
  };
  EXPECT_EQ(about_labels(R"({"matchLabels":{"a.node-restriction.kubernetes.io/pool":"x",
    "node-role.kubernetes.io/worker":""}})"),
            "");
  EXPECT_TRUE(contains(about_labels(R"({"matchLabels":{"topology.kubernetes.io/zone":"x",
    "a.node-restriction.kubernetes.io/pool":"x"},"matchExpressions":[
    {"key":"example.com/edge","operator":"DoesNotExist"}]})"),
                       "may change example.com/edge, topology.kubernetes.io/zone; select"));
  const std::string many = about_labels(
      R"({"matchLabels":{"one.example.com/of-many-labels":"x","two.example.com/of-many-labels":"x",
          "three.example.com/of-many-labels":"x"}})");
  EXPECT_TRUE(contains(many, "one.example.com/of-many-labels, thr")) << many;
}

TEST(DecidePolicy, WarnsOfAConfigMapInANamespaceThatIsNotThere) {
  World world;
  Json spec = json(kSpec);
  spec["endorsement"] = json(R"({
    "trustBundles": [{"configMap": {"namespace": "avouch-system", "name": "makers"}},
                     {"configMap": {"namespace": "avouch-sytem", "name": "others"}}],
    "enrollment": "Inventory",
    "inventory": {"configMap": {"namespace": "nowhere", "name": "tpms"}}})");
  spec["referenceKeys"] = json(R"([{"configMap": {"namespace": "gone", "name": "vendors"}}])");
  const auto about_references = [&] {
    std::vector<std::string> found;
    const Decision decision = on_policy(world, spec);
    EXPECT_TRUE(decision.allowed) << decision.message;
    for (const std::string& warning : decision.warnings) {
      if (contains(warning, "ConfigMap")) found.push_back(warning);
    }
    return found;
  };
  const auto missing = [](const std::string& field, const std::string& name) {
    return "spec." + field + ": there is no ConfigMap " + name +
           ", nor the namespace: until there is, the policy's nodes are contraindicated "
           "(PolicyUnusable)";
  };
  EXPECT_EQ(about_references(),
            (std::vector<std::string>{
                missing("endorsement.trustBundles[1].configMap", "avouch-sytem/others"),
                missing("endorsement.inventory.configMap", "nowhere/tpms"),
                missing("referenceKeys[0].configMap", "gone/vendors")}));
  for (const char* ns : {"avouch-sytem", "nowhere", "gone"}) world.add_namespace(ns, {});
  EXPECT_TRUE(about_references().empty()) << "whether the ConfigMaps are there is not known here";
  // One whose labels are too large to be known is there all the same.
  world.snapshot.namespaces.erase("gone");
  world.snapshot.unread_namespaces = {"gone"};
  EXPECT_TRUE(about_references().empty());
  world.snapshot.unread_namespaces.clear();
  // Before namespaces are known nothing is said of them.
  world.snapshot.namespaces.clear();
  EXPECT_EQ(about_references().size(), 4U);
  world.gathered.not_ready = "not known";
  EXPECT_TRUE(about_references().empty());
}

// The definition bounds its length alone.
TEST(DecidePolicy, SaysOfWhatIsNoDurationWhatWasFoundAndWhatIsExpected) {
  const World world;
  for (const char* text : {"300", "5x", "5 m", "m", "", "soon", "-5m", "1m1h", "0.5h"}) {
    const std::string age(text);
    Json spec = json(kSpec);
    spec["freshness"]["maxAge"] = age;
    const Decision decision = on_policy(world, spec);
    EXPECT_EQ(decision.code, code::kInvalid) << age;
    EXPECT_TRUE(contains(decision.message,
                         "spec.freshness.maxAge: \"" + age +
                             "\" is not a duration: expected for example 90s, 5m or 1h30m"))
        << decision.message;
  }
}

TEST(DecidePolicy, NamesEveryFieldThatIsWrong) {
  const World world;
  Json spec = json(kSpec);
  spec["mode"] = "Maybe";
  spec["freshness"]["maxAge"] = "1y";
  spec["pcrs"]["exact"] = Json(Json::Array{});
  spec["surprise"] = true;
  const Decision decision = on_policy(world, spec);
  EXPECT_EQ(decision.code, code::kInvalid);
  EXPECT_EQ(decision.status, 422);
  for (const char* path : {"AttestationPolicy \"production\"", "spec.mode", "spec.freshness.maxAge",
                           "spec.pcrs.exact", "surprise"}) {
    EXPECT_TRUE(contains(decision.message, path)) << path << " in " << decision.message;
  }
}

// The warnings of a policy about the pods that it gates.
std::vector<std::string> about_workloads(const World& world, const Json& spec) {
  std::vector<std::string> out;
  const Decision decision = on_policy(world, spec);
  EXPECT_TRUE(decision.allowed) << decision.message;
  for (const std::string& warning : decision.warnings) {
    EXPECT_LE(warning.size(), 256U);
    if (contains(warning, "spec.workloads")) out.push_back(warning);
  }
  return out;
}

TEST(DecidePolicy, WarnsOfAPolicyThatGatesEveryNamespace) {
  const World world;
  Json spec = json(kSpec);
  for (const char* workloads : {"{}", R"({"namespaceSelector":{}})"}) {
    spec["workloads"] = json(workloads);
    const auto warnings = about_workloads(world, spec);
    ASSERT_EQ(warnings.size(), 1U) << workloads;
    EXPECT_TRUE(contains(warnings[0], "every pod of EVERY namespace that is not exempt"))
        << warnings[0];
    EXPECT_TRUE(contains(warnings[0], "no webhook answers")) << warnings[0];
  }
  spec["workloads"] = json(R"({"podSelector":{"matchLabels":{"a":"b"}}})");
  spec["mode"] = "Audit";
  const auto warnings = about_workloads(world, spec);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(contains(warnings[0], "gates pods of EVERY namespace")) << warnings[0];
  EXPECT_FALSE(contains(warnings[0], "no webhook answers")) << warnings[0];
}

TEST(DecidePolicy, WarnsOfAPolicyThatGatesNoNamespace) {
  World world;
  Json spec = json(kSpec);
  const auto wants = [&](const char* label) {
    spec["workloads"]["namespaceSelector"] =
        json(std::string(R"({"matchLabels":{"team":")") + label + R"("}})");
  };
  wants("nobody");
  ASSERT_EQ(about_workloads(world, spec).size(), 1U);
  EXPECT_TRUE(contains(about_workloads(world, spec)[0], "gates no pod"));
  // Exempt ones do not count, by name or by label.
  world.add_namespace("kube-system", {{"team", "nobody"}});
  world.add_namespace("tools", {{"team", "nobody"}, {"avouch.dev/exempt", "true"}});
  EXPECT_EQ(about_workloads(world, spec).size(), 1U);
  world.add_namespace("garden", {{"team", "nobody"}});
  EXPECT_TRUE(about_workloads(world, spec).empty());
  // Before namespaces are known nothing is said of them.
  wants("elsewhere");
  world.gathered.not_ready = "not known";
  EXPECT_TRUE(about_workloads(world, spec).empty());
}

TEST(DecidePolicy, WarnsOfAPolicyThatNoNodeCanSatisfy) {
  World world;
  Json spec = json(kSpec);
  spec["nodeSelector"] =
      json(R"({"matchLabels":{"x.node-restriction.kubernetes.io/pool":"nowhere"}})");
  ASSERT_EQ(on_policy(world, spec).warnings.size(), 1U);
  EXPECT_TRUE(contains(on_policy(world, spec).warnings[0], "selects no node"));
  world.gathered.not_ready = "not known";
  EXPECT_TRUE(on_policy(world, spec).warnings.empty());
}

TEST(DecidePolicy, LetsMetadataOfAnUnusablePolicyBeChanged) {
  const World world;
  Json review = own_kind("attestationpolicies", json("{}"), "UPDATE");
  EXPECT_FALSE(world.decide_on(Endpoint::kPolicies, review).allowed);
  review["request"]["oldObject"] = *review.find_path({"request", "object"});
  EXPECT_TRUE(world.decide_on(Endpoint::kPolicies, review).allowed);
}

TEST(DecideManifest, ChecksTheForm) {
  const World world;
  const auto on = [&](const char* spec) {
    return world.decide_on(Endpoint::kPolicies, own_kind("referencemanifests", json(spec)));
  };
  const std::string digest = "sha256:" + std::string(64, 'a');
  EXPECT_TRUE(on((R"({"revoked":[")" + digest + "\"]}").c_str()).allowed);
  const Decision nothing = on("{}");
  EXPECT_EQ(nothing.code, code::kInvalid);
  EXPECT_TRUE(contains(nothing.message, "says nothing")) << nothing.message;
  const Decision wrong = on(R"({"revoked":["sha256:zz"],"bootComponents":[{"name":"shim"}],
    "notBefore":"2026-01-02T00:00:00Z","notAfter":"2026-01-01T00:00:00Z","surprise":1,
    "secureBootCertificates":["AAAA"],"ima":{}})");
  for (const char* path : {"spec.revoked[0]", "spec.bootComponents[0]", "spec.notAfter",
                           "\"surprise\"", "spec.secureBootCertificates[0]", "spec.ima"}) {
    EXPECT_TRUE(contains(wrong.message, path)) << path << " in " << wrong.message;
  }
}

TEST(DecideOwnKind, RefusesRequestsThatItDoesNotKnow) {
  const World world;
  const std::vector<std::function<void(Json&)>> changes = {
      [](Json& r) { r["operation"] = "DELETE"; }, [](Json& r) { r["subResource"] = "status"; },
      [](Json& r) { r["resource"]["version"] = "v1"; },
      [](Json& r) { r["resource"]["resource"] = "attestationevidences"; },
      [](Json& r) { r.as_object()->erase("object"); }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Json review = own_kind("attestationpolicies", json(kSpec));
    changes[i](review["request"]);
    EXPECT_EQ(world.decide_on(Endpoint::kPolicies, review).code, code::kInvalid) << i;
  }
}

// ---- who may exempt a namespace ----

TEST(ExemptByLabel, CountsNamespacesThatTheLabelAloneTakesOut) {
  World world;
  EXPECT_EQ(exempt_by_label(world.snapshot, world.rules), 0U);
  world.add_namespace("kube-system", {{"avouch.dev/exempt", "true"}});
  EXPECT_EQ(exempt_by_label(world.snapshot, world.rules), 0U);
  world.add_namespace("early", {{"avouch.dev/exempt", "false"}});  // the value does not matter
  EXPECT_EQ(exempt_by_label(world.snapshot, world.rules), 1U);
}

Json namespace_with(const std::optional<std::string>& label,
                    const std::optional<std::string>& before, const std::string& operation,
                    const std::string& subresource = "") {
  const auto object = [](const std::optional<std::string>& value) {
    Json out = json(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop",
      "labels":{"team":"a"}}})");
    if (value) out["metadata"]["labels"]["avouch.dev/exempt"] = *value;
    return out;
  };
  Json review = review_of("", "v1", "namespaces", subresource, operation, object(label), "alice");
  if (operation == "UPDATE") review["request"]["oldObject"] = object(before);
  return review;
}

TEST(DecideNamespace, GuardsTheLabelWhetherSetChangedOrRemovedAndByWhichever) {
  const World world;
  const auto code_of = [&](const Json& review) {
    return world.decide_on(Endpoint::kNamespaces, review).code;
  };
  EXPECT_EQ(code_of(namespace_with("true", {}, "CREATE")), code::kNotAllowed);
  EXPECT_EQ(code_of(namespace_with("", {}, "CREATE")), code::kNotAllowed);
  for (const char* way : {"", "status", "finalize"}) {
    EXPECT_EQ(code_of(namespace_with("true", {}, "UPDATE", way)), code::kNotAllowed) << way;
    EXPECT_EQ(code_of(namespace_with("true", "false", "UPDATE", way)), code::kNotAllowed) << way;
    EXPECT_EQ(code_of(namespace_with({}, "true", "UPDATE", way)), code::kNotAllowed) << way;
    EXPECT_EQ(code_of(namespace_with("true", "true", "UPDATE", way)), "") << way;
    EXPECT_EQ(code_of(namespace_with({}, {}, "UPDATE", way)), "") << way;
  }
}

TEST(DecideNamespace, KnowsItsAdministratorsByNameAndByGroup) {
  const World world;
  Json review = namespace_with("true", {}, "CREATE");
  review["request"]["userInfo"]["username"] = "root";
  EXPECT_TRUE(world.decide_on(Endpoint::kNamespaces, review).allowed);
  review["request"]["userInfo"]["username"] = "alice";
  review["request"]["userInfo"]["groups"] = json(R"(["x","system:masters"])");
  EXPECT_TRUE(world.decide_on(Endpoint::kNamespaces, review).allowed);
  review["request"]["userInfo"]["groups"] = json(R"(["x","system:master"])");
  const Decision decision = world.decide_on(Endpoint::kNamespaces, review);
  EXPECT_EQ(decision.code, code::kNotAllowed);
  EXPECT_TRUE(contains(decision.message, "\"alice\"")) << decision.message;
}

TEST(DecideNamespace, RefusesRequestsThatItDoesNotKnow) {
  const World world;
  const std::vector<std::function<void(Json&)>> changes = {
      [](Json& r) { r["operation"] = "DELETE"; }, [](Json& r) { r["resource"]["group"] = "apps"; },
      [](Json& r) { r["resource"]["version"] = "v2"; },
      [](Json& r) { r["resource"]["resource"] = "nodes"; },
      [](Json& r) { r.as_object()->erase("object"); }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    Json review = namespace_with({}, {}, "UPDATE");
    changes[i](review["request"]);
    EXPECT_EQ(world.decide_on(Endpoint::kNamespaces, review).code, code::kInvalid) << i;
  }
}

Decision undecided(std::string_view code, bool enforced) {
  Decision decision = deny(code, "why");
  decision.enforced = enforced;
  return decision;
}

TEST(Waive, LetsInWhatCouldNotBeDecidedWhereNothingIsEnforcedAndNothingElse) {
  for (const auto code : {code::kNotReady, code::kOverloaded, code::kLogUnavailable}) {
    EXPECT_FALSE(waive(Endpoint::kUnenforcedPods, deny(code, "why")).allowed) << code;
    const Decision waived = waive(Endpoint::kUnenforcedPods, undecided(code, false));
    EXPECT_TRUE(waived.allowed) << code;
    EXPECT_EQ(waived.code, code);
    EXPECT_FALSE(waived.verdict);
    ASSERT_EQ(waived.warnings.size(), 1U);
    EXPECT_NE(waived.warnings[0].find("why"), std::string::npos);
    for (const Endpoint other :
         {Endpoint::kPods, Endpoint::kEvidence, Endpoint::kPolicies, Endpoint::kNamespaces}) {
      EXPECT_FALSE(waive(other, undecided(code, false)).allowed) << code;
    }
  }
  for (const auto code :
       {code::kNoVerdict, code::kVerdictStale, code::kVerdictOfAnotherPolicy, code::kNotSelected,
        code::kContraindicated, code::kPolicyUnusable, code::kNodeUnknown, code::kInvalid}) {
    EXPECT_FALSE(waive(Endpoint::kUnenforcedPods, undecided(code, false)).allowed) << code;
  }
  EXPECT_FALSE(waive(Endpoint::kPods, Decision{}).allowed);
}

TEST(UnenforcedPods, AreWaivedOnlyWhereItIsKnownThatNoEnforcedPolicyGatesThem) {
  const auto waived = [](const World& world, const Json& review) {
    return waive(Endpoint::kUnenforcedPods, world.decide_on(Endpoint::kUnenforcedPods, review))
        .allowed;
  };
  for (const bool late : {true, false}) {
    World world;
    if (late) {
      world.gathered.late = true;
    } else {
      world.gathered.not_ready = "too old";
    }
    EXPECT_TRUE(waived(world, binding("good", "free"))) << late;
    EXPECT_FALSE(waived(world, binding("good", "shop"))) << late;
    EXPECT_FALSE(waived(world, binding("good", "unheard-of"))) << late;
    world.add_namespace("tools", {{"attested", "required"}, {"avouch.dev/exempt", "true"}});
    EXPECT_EQ(waived(world, binding("good", "tools")), late) << "a label that may be old";
    world.add_policy("production", json(R"({"mode":"Audit","logging":"Strict"})"));
    EXPECT_TRUE(waived(world, binding("good", "shop"))) << late;
    // One that cannot be read counts as enforced.
    world.add_policy("second", json(R"({"mode":"Perhaps"})"));
    EXPECT_FALSE(waived(world, binding("good", "shop"))) << late;
    world.gathered.policies_known = false;
    EXPECT_FALSE(waived(world, binding("good", "free"))) << late;
  }
}

TEST(Decide, SaysWhetherAnEnforcedPolicyGatesWhatItAllows) {
  World world;
  EXPECT_TRUE(world.pods(binding("good")).enforced);
  world.add_policy("production", json(R"({"mode":"Warn"})"));
  EXPECT_FALSE(world.pods(binding("good")).enforced);
}

TEST(Decide, DeniesWhatIsLateAtEveryEndpoint) {
  World world;
  world.gathered.late = true;
  EXPECT_EQ(world.pods(binding("good")).code, code::kOverloaded);
  for (const Endpoint endpoint :
       {Endpoint::kEvidence, Endpoint::kPolicies, Endpoint::kNamespaces}) {
    EXPECT_EQ(world.decide_on(endpoint, binding("good")).code, code::kOverloaded);
  }
}

TEST(OwnPods, AreNotMadeByWhoeverNamesTheirNode) {
  World world;
  const auto pod_in = [](const std::string& ns, const char* spec) {
    Json object = json(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"w"}})");
    object["spec"] = json(spec);
    Json review = review_of("", "v1", "pods", "", "CREATE", object, "system:node:n");
    review["request"]["namespace"] = ns;
    return review;
  };
  const std::string own = world.rules.release_namespace;
  const auto decided = [&](const Json& review) {
    return world.decide_on(Endpoint::kOwnPods, review);
  };
  EXPECT_TRUE(decided(pod_in(own, R"({"containers":[]})")).allowed) << "by the ReplicaSet";
  const Decision denied = decided(pod_in(own, R"({"nodeName":"n"})"));
  EXPECT_EQ(denied.code, code::kNotAllowed);
  EXPECT_NE(denied.message.find("other labels"), std::string::npos) << denied.message;
  EXPECT_TRUE(decided(pod_in("shop", R"({"nodeName":"n"})")).allowed) << "no Service's of ours";
  EXPECT_EQ(decided(pod_in(own, R"({"nodeName":7})")).code, code::kInvalid);

  // Nothing needs to be known for it: a release that comes up is not in its own way.
  world.gathered.late = true;
  EXPECT_TRUE(decided(pod_in(own, R"({"containers":[]})")).allowed);
  EXPECT_FALSE(decided(pod_in(own, R"({"nodeName":"n"})")).allowed);
}

TEST(UnenforcedPods, AreJudgedByEveryPolicyAsOthersAre) {
  World world;
  world.add_node("bad", {{"pool", "attested"}});
  for (const Endpoint endpoint : {Endpoint::kPods, Endpoint::kUnenforcedPods}) {
    EXPECT_TRUE(world.decide_on(endpoint, binding("good")).allowed);
    EXPECT_EQ(world.decide_on(endpoint, binding("bad")).code, code::kNoVerdict);
  }
}

TEST(Endpoints, AreFoundByTheirPathAndNoOther) {
  for (const Endpoint endpoint : kEndpoints) {
    EXPECT_EQ(endpoint_of("/admit/" + std::string(endpoint_name(endpoint))), endpoint);
  }
  for (const char* path : {"", "/", "/admit", "/admit/", "/admit/pods/", "/admit/Pods",
                           "admit/pods", "/admit/pods?x", "//admit/pods"}) {
    EXPECT_FALSE(endpoint_of(path)) << path;
  }
}

}  // namespace
}  // namespace avouch::admission
