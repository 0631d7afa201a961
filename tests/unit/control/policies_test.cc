// Policies as they are resolved and as their status shows them.

#include <gtest/gtest.h>

#include "support/memory_digest_lists.h"
#include "tests/unit/control/world.h"

namespace avouch::control {
namespace {

using std::chrono::seconds;

Result<ConfigMapData> nothing_there(const attest::ConfigMapName&) {
  return rejected("does not exist");
}
Result<ConfigMapData> makers(const attest::ConfigMapName&) {
  static const testing::EkAuthority maker;
  return ConfigMapData{{"ca.pem", maker.root().pem()}};
}

// "Type=Status/Reason" of each condition.
std::vector<std::string> conditions(const Json& policy, const ConfigMapLookup& lookup,
                                    std::int64_t matched) {
  const PolicyOutlook outlook =
      make_policy_outlook(resolve_policy(policy, lookup), {.matched = matched}, seconds(10));
  std::vector<std::string> out;
  for (const Json& condition : *outlook.status.find("conditions")->as_array()) {
    out.push_back(std::string(condition.text({"type"})) + "=" +
                  std::string(condition.text({"status"})) + "/" +
                  std::string(condition.text({"reason"})));
    EXPECT_FALSE(condition.text({"message"}).empty());
  }
  return out;
}

using Shown = std::vector<std::string>;

TEST(PolicyStatus, SaysThatAPolicyIsInForce) {
  EXPECT_EQ(conditions(policy_object("p"), makers, 3),
            (Shown{"Ready=True/InForce", "ReferencesResolved=True/Resolved",
                   "SelectsNodes=True/Selected", "GatesPods=True/EveryNamespace"}));
}

TEST(PolicyStatus, FlagsAPolicyThatChecksNothing) {
  for (const char* member : {"exact", "banks"}) {
    Json policy = policy_object("p");
    policy["spec"]["pcrs"][member] = Json::Array{};
    EXPECT_EQ(conditions(policy, makers, 3).front(), "Ready=False/InvalidSpec") << member;
  }
  Json empty = policy_object("p");
  empty["spec"] = Json::Object{};
  EXPECT_EQ(conditions(empty, makers, 3),
            (Shown{"Ready=False/InvalidSpec", "ReferencesResolved=Unknown/InvalidSpec",
                   "SelectsNodes=Unknown/InvalidSpec", "GatesPods=Unknown/InvalidSpec"}));
}

TEST(PolicyStatus, ListsTheFirstOfManyReferencesThatAreMissingAndCountsTheOthers) {
  Json policy = policy_object("p");
  Json::Array bundles;
  for (int i = 0; i < 12; ++i) {
    bundles.push_back(Json::Object{
        {"configMap", Json::Object{{"namespace", "ns"}, {"name", "m" + std::to_string(i)}}}});
  }
  policy["spec"]["endorsement"]["trustBundles"] = std::move(bundles);
  const PolicyOutlook outlook =
      make_policy_outlook(resolve_policy(policy, nothing_there), {.matched = 1}, seconds(10));
  const Json& ready = outlook.status.find("conditions")->as_array()->front();
  const std::string message(ready.text({"message"}));
  EXPECT_NE(message.find("ConfigMap \"ns/m7\": does not exist; and "), std::string::npos)
      << message;
  EXPECT_EQ(message.find("ns/m8"), std::string::npos) << message;
}

TEST(PolicyStatus, FlagsAPolicyThatSelectsNothing) {
  EXPECT_EQ(conditions(policy_object("p"), makers, 0).at(2), "SelectsNodes=False/NoNodes");
}

TEST(PolicyStatus, SaysWhosePodsThePolicyGates) {
  const auto gates = [](const char* workloads, const char* mode) {
    Json policy = policy_object("p", {.mode = mode});
    policy["spec"]["workloads"] = must_value(codec::parse_json(workloads));
    const PolicyOutlook outlook =
        make_policy_outlook(resolve_policy(policy, makers), {.matched = 1}, seconds(10));
    const Json& condition = outlook.status.find("conditions")->as_array()->at(3);
    return std::string(condition.text({"reason"})) + ": " +
           std::string(condition.text({"message"}));
  };
  EXPECT_EQ(gates("{}", "Enforce"),
            "EveryNamespace: namespaceSelector is empty: the policy gates every pod of EVERY "
            "namespace that is not exempt; mode Enforce: they are denied on nodes that do not "
            "satisfy it");
  EXPECT_EQ(gates(R"({"namespaceSelector":{"matchLabels":{"a":"b"}},
                      "podSelector":{"matchLabels":{"c":"d"}}})",
                  "Audit"),
            "SelectedNamespaces: the policy gates the pods that match podSelector of namespaces "
            "that match namespaceSelector; mode Audit: nothing is denied");
}

TEST(PolicyStatus, FlagsLabelsThatANodeCanSetOnItself) {
  EXPECT_EQ(
      conditions(policy_object("p", {.selector = R"({"matchLabels": {"pool": "x"}})"}), makers, 1)
          .at(2),
      "SelectsNodes=True/LabelsSetByNodes");
  EXPECT_EQ(
      conditions(
          policy_object(
              "p", {.selector = R"({"matchLabels": {"a.node-restriction.kubernetes.io/b": "x"}})"}),
          makers, 1)
          .at(2),
      "SelectsNodes=True/Selected");
}

TEST(PolicyStatus, NamesEveryReferenceThatIsMissing) {
  EXPECT_EQ(conditions(policy_object("p"), nothing_there, 1),
            (Shown{"Ready=False/ReferencesMissing", "ReferencesResolved=False/Unresolved",
                   "SelectsNodes=True/Selected", "GatesPods=True/EveryNamespace"}));
  const ResolvedPolicy resolved = resolve_policy(policy_object("p"), nothing_there);
  ASSERT_EQ(resolved.in_force->problems.size(), 1U);
  EXPECT_EQ(resolved.in_force->problems.front(),
            "trust bundle ConfigMap \"ns/makers\": does not exist");
  EXPECT_FALSE(resolved.usable());
}

TEST(PolicyStatus, FlagsAMaxAgeThatNoHeartbeatCanKeep) {
  EXPECT_EQ(conditions(policy_object("p", {.max_age = "15s"}), makers, 1).front(),
            "Ready=True/MaxAgeShort");
  EXPECT_EQ(conditions(policy_object("p", {.max_age = "20s"}), makers, 1).front(),
            "Ready=True/InForce");
}

TEST(ResolvePolicy, TakesNoUnreadableBundleForAnEmptyOne) {
  const ResolvedPolicy resolved =
      resolve_policy(policy_object("p"), [](const attest::ConfigMapName&) -> Result<ConfigMapData> {
        return ConfigMapData{{"ca.pem", "no certificate"}};
      });
  EXPECT_FALSE(resolved.usable());
}

TEST(ResolvePolicy, HasAnotherDigestWhenAReferenceChanges) {
  const ResolvedPolicy with = resolve_policy(policy_object("p"), makers);
  const ResolvedPolicy without = resolve_policy(policy_object("p"), nothing_there);
  EXPECT_EQ(with.spec_digest, without.spec_digest);
  EXPECT_NE(with.digest, without.digest);
}

TEST(ResolvePolicy, AnUnreadablePolicySelectsNoNode) {
  Json policy = policy_object("p");
  policy["spec"]["unknown"] = true;
  const ResolvedPolicy resolved = resolve_policy(policy, makers);
  EXPECT_FALSE(resolved.selects({}));
  EXPECT_NE(resolved.spec_error.find("unknown"), std::string::npos);
}

TEST(PolicySet, IsSortedSoThatEveryPolicyIsFound) {
  std::vector<std::shared_ptr<const Json>> objects;
  for (const char* name : {"c", "a", "b"}) {
    objects.push_back(std::make_shared<const Json>(policy_object(name)));
  }
  const PolicySet set = resolve_policies(objects, makers);
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_NE(set.find(name), nullptr) << name;
    EXPECT_EQ(set.find(name)->name, name);
  }
  EXPECT_EQ(set.find("d"), nullptr);
}

TEST(PolicyRecord, IsTheSameAfterItWasStoredAndRefusedWhenAnyMemberIsMissing) {
  const RecordedPolicy policy{"uid-1",
                              {.name = "p",
                               .spec_digest = crypto::sha256(std::string_view("a")),
                               .digest = crypto::sha256(std::string_view("b")),
                               .generation = 7},
                              "log"};
  const std::string text = encode_policy_record(policy);
  EXPECT_EQ(encode_policy_record(must_value(parse_policy_record(text))), text);
  const Json whole = must_value(codec::parse_json(text));
  for (const auto& [name, value] : *whole.as_object()) {
    Json::Object less = *whole.as_object();
    std::erase_if(less, [&, key = name](const auto& member) { return member.first == key; });
    const auto parsed = parse_policy_record(codec::to_json(Json(less)));
    if (name == "logOrigin") {  // records from before have none
      ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
      EXPECT_EQ(parsed->log_origin, "");
      continue;
    }
    ASSERT_FALSE(parsed.has_value()) << name;
    EXPECT_NE(parsed.error().message.find(name), std::string::npos) << parsed.error().message;
  }
}

// A list in the controller's own store, named by its digest.
class StoredLists : public ::testing::Test {
 protected:
  StoredLists() : digest(source.add(to_hex(crypto::sha256("file")) + "  /usr/bin/file\n")) {
    Json manifest{Json::Object{{"kind", "ReferenceManifest"}}};
    manifest["metadata"]["name"] = "files";
    manifest["spec"]["ima"]["source"]["blob"] = attest::digest_text(digest);
    catalog.set({std::make_shared<const Json>(manifest)});
    policy = policy_object("p");
    policy["spec"]["runtime"]["references"] = Json::Array{Json::Object{{"name", "files"}}};
  }
  ResolvedPolicy resolve(reference::SharedDigestLists* from) {
    ClusterMaterial material(makers, catalog, lists, from);
    return resolve_policy(policy, material, kResolvedAt);
  }

  testing::MemoryDigestLists source;
  const crypto::Sha256 digest;
  reference::SharedDigestLists store{source};
  ManifestCatalog catalog;
  DigestLists lists;
  Json policy;
};

TEST_F(StoredLists, OfAManifestThatHasEndedAreNamedInTheStatus) {
  Json ended{Json::Object{{"kind", "ReferenceManifest"}}};
  ended["metadata"]["name"] = "files";
  ended["spec"]["ima"]["source"]["blob"] = attest::digest_text(digest);
  ended["spec"]["notAfter"] = std::string("2020-01-01T00:00:00Z");
  catalog.set({std::make_shared<const Json>(ended)});
  const PolicyOutlook outlook = make_policy_outlook(resolve(&store), {.matched = 1}, seconds(10));
  const Json& references = outlook.status.find("conditions")->as_array()->at(1);
  EXPECT_EQ(references.text({"status"}), "True");
  EXPECT_EQ(references.text({"message"}),
            "every reference was read; of no effect now are files: ended at 2020-01-01T00:00:00Z");
}

TEST_F(StoredLists, AreReadOnceAndShared) {
  const ResolvedPolicy one = resolve(&store);
  EXPECT_TRUE(one.usable()) << one.in_force->problems.front();
  const ResolvedPolicy two = resolve(&store);
  EXPECT_TRUE(two.usable());
  EXPECT_EQ(source.reads(), 1U);
  EXPECT_EQ(catalog.lists(), std::set<crypto::Sha256>{digest});
}

// What cannot be read now may be read later: the policy that needs it denies until then, and no
// other waits for it.
TEST_F(StoredLists, ThatCannotBeReadMakeTheirPolicyUnusableAndHoldUpNoOther) {
  source.fail("Input/output error");
  ClusterMaterial material(makers, catalog, lists, &store);
  const PolicySet set = resolve_policies(
      {std::make_shared<const Json>(policy), std::make_shared<const Json>(policy_object("q"))},
      material, kResolvedAt);
  EXPECT_FALSE(material.incomplete());
  EXPECT_TRUE(material.unread());
  ASSERT_EQ(set.policies.size(), 2U);
  EXPECT_FALSE(set.policies[0]->usable());
  EXPECT_NE(set.policies[0]->in_force->problems.front().find("Input/output error"),
            std::string::npos);
  EXPECT_TRUE(set.policies[1]->usable());
  source.fail("");
  EXPECT_TRUE(resolve(&store).usable());
}

TEST_F(StoredLists, ThatAreMissingOrDamagedMakeThePolicyUnusableAndSayWhatToDo) {
  source.replace(digest, "no list");
  EXPECT_FALSE(resolve(&store).usable());
  EXPECT_FALSE(resolve(nullptr).usable());
  testing::MemoryDigestLists empty;
  reference::SharedDigestLists nothing(empty);
  const ResolvedPolicy missing = resolve(&nothing);
  ASSERT_FALSE(missing.usable());
  const std::string& problem = missing.in_force->problems.front();
  EXPECT_NE(problem.find("kubectl avouch reference upload"), std::string::npos) << problem;
  EXPECT_NE(problem.find("files"), std::string::npos) << problem;
}

}  // namespace
}  // namespace avouch::control
