#include "attest/policy.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "support/contains.h"

namespace avouch::attest {
namespace {

using codec::Json;
using crypto::HashAlgorithm;
using testing::contains;

const std::string kSeven(64, '7');
const std::string kEight(64, '8');

Json minimal() {
  return codec::parse_json(R"({
    "nodeSelector": {},
    "workloads": {},
    "endorsement": {"trustBundles": [{"configMap": {"namespace": "ns", "name": "makers"}}],
                    "inventory": {"configMap": {"namespace": "ns", "name": "inventory"}}},
    "pcrs": {"banks": ["sha256"], "exact": [{"index": 7, "sha256": [")" +
                           kSeven + R"("]}]}})")
      .value();
}

Json full() {
  return codec::parse_json(R"({
    "nodeSelector": {"matchLabels": {"pool": "production"}},
    "workloads": {"namespaceSelector": {"matchExpressions": [{"key": "gated", "operator": "Exists"}]},
                  "podSelector": {"matchLabels": {"app": "x"}}},
    "mode": "Warn",
    "freshness": {"maxAge": "90s"},
    "endorsement": {"trustBundles": [{"configMap": {"namespace": "ns", "name": "one"}},
                                     {"configMap": {"namespace": "ns", "name": "two"}}],
                    "enrollment": "TrustOnFirstUse", "requireHardware": true},
    "keys": ["rsapss-3072-sha384"],
    "pcrs": {"banks": ["sha256", "sha384"],
             "exact": [{"index": 7, "sha256": [")" +
                           kSeven + R"(", ")" + kEight + R"("], "sha384": [")" +
                           std::string(96, 'a') + R"("]},
                       {"index": 23, "sha256": [")" +
                           kSeven + R"("], "sha384": [")" + std::string(96, 'b') + R"("]}]},
    "onFailure": {"taint": "NoExecute", "condition": false},
    "logging": "Strict"})")
      .value();
}

std::string errors_of(const Json& spec) {
  const auto policy = parse_policy("p", spec);
  return policy.has_value() ? "" : policy.error().message;
}

// The error of the minimal policy with one member at a dotted path set to `json`.
std::string errors_with(std::initializer_list<const char*> path, std::string_view json) {
  Json spec = minimal();
  Json* at = &spec;
  for (const char* name : path) at = &(*at)[name];
  *at = codec::parse_json(json).value();
  return errors_of(spec);
}

std::string errors_without(const char* section, const char* member) {
  Json spec = minimal();
  Json* at = *section == '\0' ? &spec : &spec[section];
  at->as_object()->erase(member);
  return errors_of(spec);
}

TEST(ParsePolicy, FillsDefaultsThatDenyMost) {
  const auto policy = parse_policy("p", minimal());
  ASSERT_TRUE(policy.has_value()) << policy.error().message;
  const PolicySpec& spec = policy->spec;
  EXPECT_EQ(policy->name, "p");
  EXPECT_EQ(spec.mode, Mode::kEnforce);
  EXPECT_EQ(spec.max_age, std::chrono::minutes(5));
  EXPECT_EQ(spec.enrollment, Enrollment::kInventory);
  EXPECT_EQ(spec.inventory, (ConfigMapName{"ns", "inventory"}));
  EXPECT_FALSE(spec.require_hardware);
  EXPECT_TRUE(spec.node_selector.selects_everything());
  EXPECT_TRUE(spec.namespace_selector.selects_everything());
  EXPECT_TRUE(spec.pod_selector.selects_everything());
  EXPECT_EQ(spec.taint, TaintEffect::kNoSchedule);
  EXPECT_TRUE(spec.condition);
  EXPECT_EQ(spec.logging, Logging::kSpool);
  std::vector<std::string> keys;
  for (const KeyKind& kind : spec.keys) keys.push_back(key_kind_name(kind));
  EXPECT_EQ(keys, (std::vector<std::string>{"ecdsa-p256-sha256", "rsassa-2048-sha256",
                                            "ecdsa-p384-sha384"}));
}

TEST(ParsePolicy, ReadsEveryField) {
  const auto policy = parse_policy("p", full());
  ASSERT_TRUE(policy.has_value()) << policy.error().message;
  const PolicySpec& spec = policy->spec;
  EXPECT_TRUE(matches(spec.node_selector, Labels{{"pool", "production"}}));
  EXPECT_FALSE(matches(spec.node_selector, Labels{}));
  EXPECT_TRUE(matches(spec.namespace_selector, Labels{{"gated", ""}}));
  EXPECT_FALSE(matches(spec.pod_selector, Labels{{"app", "y"}}));
  EXPECT_EQ(spec.mode, Mode::kWarn);
  EXPECT_EQ(spec.max_age, std::chrono::seconds(90));
  EXPECT_EQ(spec.enrollment, Enrollment::kTrustOnFirstUse);
  EXPECT_FALSE(spec.inventory.has_value());
  EXPECT_TRUE(spec.require_hardware);
  EXPECT_EQ(spec.trust_bundles.size(), 2U);
  ASSERT_EQ(spec.keys.size(), 1U);
  EXPECT_EQ(key_kind_name(spec.keys[0]), "rsapss-3072-sha384");
  EXPECT_EQ(spec.banks, (std::vector{HashAlgorithm::kSha256, HashAlgorithm::kSha384}));
  ASSERT_EQ(spec.exact.size(), 2U);
  EXPECT_EQ(spec.exact[0].accepted.at(HashAlgorithm::kSha256).size(), 2U);
  EXPECT_EQ(spec.exact[1].index, 23);
  EXPECT_EQ(spec.taint, TaintEffect::kNoExecute);
  EXPECT_FALSE(spec.condition);
  EXPECT_EQ(spec.logging, Logging::kStrict);
}

TEST(ParsePolicy, RefusesARequirementOfHardwareThatIsNoYesOrNo) {
  EXPECT_TRUE(contains(errors_with({"endorsement", "requireHardware"}, R"("true")"),
                       "spec.endorsement.requireHardware"));
  EXPECT_TRUE(contains(errors_with({"endorsement", "requirehardware"}, "true"), "requirehardware"));
}

TEST(ParsePolicy, RefusesAPolicyThatRestsOnPcrsOfTheRunningSystemAlone) {
  const auto exact = [](std::initializer_list<int> indexes) {
    std::string out;
    for (const int index : indexes) {
      out += (out.empty() ? "" : ",") + std::string(R"({"index": )") + std::to_string(index) +
             R"(, "sha256": [")" + kSeven + "\"]}";
    }
    return errors_with({"pcrs", "exact"}, "[" + out + "]");
  };
  for (const int index : {8, 9, 10, 11, 12, 13, 14, 15, 16, 23}) {
    EXPECT_TRUE(contains(exact({index}), "spec.pcrs.exact: nothing is proven by PCR 8")) << index;
    EXPECT_EQ(exact({index, 7}), "") << index;
  }
  EXPECT_TRUE(contains(exact({8, 9, 11, 14, 15, 16, 23}), "nothing is proven"));
  for (const int index : {0, 1, 4, 7, 17, 22}) EXPECT_EQ(exact({index}), "") << index;
}

TEST(ParsePolicy, RefusesAPolicyThatRestsOnPcrsOfALaunchThatWasNone) {
  for (const std::string& blank : {std::string(64, 'f'), std::string(64, '0')}) {
    for (const std::string index : {"17", "20", "22"}) {
      const std::string entry =
          R"({"index": )" + index + R"(, "sha256": [")" + kSeven + R"(", ")" + blank + "\"]}";
      EXPECT_TRUE(contains(errors_with({"pcrs", "exact"}, "[" + entry + "]"), "a dynamic launch"))
          << index;
      const std::string seven = R"({"index": 7, "sha256": [")" + std::string(kSeven) + "\"]}";
      EXPECT_EQ(errors_with({"pcrs", "exact"}, "[" + entry + "," + seven + "]"), "") << index;
    }
  }
}

TEST(ParsePolicy, RefusesAnArgumentThatAnyLineHas) {
  const auto with = [](const std::string& required) {
    return errors_with(
        {"bootLog"},
        R"({"secureBoot": "Optional", "kernelCommandLine": {"required": [")" + required + "\"]}}");
  };
  for (const char* any :
       {".*", ".+", "[a-z0-9]*", ".*=.*", "(quiet|.*)", "/.*", ".* .*", ".{30,}", "[(/].*",
        "/[^ ]+ .+", ".{999}.*", ".{30,200}", ".{28,46}", "[^ ]+( [^ ]+){5,20}"}) {
    EXPECT_TRUE(contains(with(any), "kernelCommandLine.required[0]: \"" + std::string(any) +
                                        "\" is satisfied by anything"))
        << any;
  }
  for (const char* some : {"quiet", "root=.*", ".*tcb.*", "/vmlinuz.* quiet"}) {
    EXPECT_EQ(with(some), "") << some;
  }
}

TEST(ParsePolicy, APolicyWithPcrsOfTheRunningSystemBesideALogIsTaken) {
  Json spec = minimal();
  spec["pcrs"]["exact"] =
      codec::parse_json(R"([{"index": 23, "sha256": [")" + kSeven + "\"]}]").value();
  EXPECT_NE(errors_of(spec), "");
  spec["bootLog"] = codec::parse_json(R"({"secureBoot": "Required"})").value();
  EXPECT_EQ(errors_of(spec), "");
}

TEST(ParsePolicy, RefusesAPolicyThatChecksNothing) {
  EXPECT_TRUE(contains(errors_with({"pcrs", "exact"}, "[]"), "nothing is checked"));
  EXPECT_TRUE(contains(errors_without("pcrs", "exact"), "spec.pcrs.exact: nothing is checked"));
  EXPECT_TRUE(contains(errors_without("", "pcrs"), "spec.pcrs: is required"));
  EXPECT_TRUE(contains(errors_with({"pcrs", "exact"}, R"([{"index": 7, "sha256": []}])"),
                       "expected at least one accepted value"));
}

TEST(ParsePolicy, RefusesBanksAndValuesThatDoNotFitEachOther) {
  EXPECT_TRUE(contains(errors_with({"pcrs", "banks"}, R"(["sha256", "sha384"])"),
                       "spec.pcrs.exact[0].sha384: is required"));
  EXPECT_TRUE(contains(errors_with({"pcrs", "banks"}, R"(["sha384"])"), "would not be checked"));
  EXPECT_TRUE(contains(errors_with({"pcrs", "banks"}, R"(["sha1"])"), "stronger bank than sha1"));
  EXPECT_TRUE(contains(errors_with({"pcrs", "banks"}, "[]"), "stronger bank"));
  EXPECT_TRUE(contains(errors_with({"pcrs", "banks"}, R"(["sha256", "sha256"])"), "given twice"));
  EXPECT_TRUE(contains(errors_with({"pcrs", "banks"}, R"(["md5"])"), "spec.pcrs.banks[0]"));
}

TEST(ParsePolicy, RefusesValuesThatAreNoDigestOfTheirBank) {
  for (const std::string& value : {std::string(), kSeven + "7", kSeven.substr(1), kSeven.substr(2),
                                   std::string(63, '7') + "g", std::string(40, 'a')}) {
    const std::string errors = errors_with(
        {"pcrs", "exact"}, R"([{"index": 7, "sha256": [")" + kEight + R"(", ")" + value + "\"]}]");
    EXPECT_EQ(errors, "spec.pcrs.exact[0].sha256[1]: \"" + value.substr(0, 40) +
                          (value.size() > 40 ? "..." : "") +
                          "\" is no value of a PCR: expected 64 hexadecimal digits");
  }
  EXPECT_TRUE(contains(errors_with({"pcrs", "exact"}, R"([{"index": 7, "sha256": [")" + kSeven +
                                                          R"(", ")" + kSeven + "\"]}]"),
                       "given twice"));
}

// As the example in the README is applied without having been filled in.
TEST(ParsePolicy, NamesEachPlaceholderByItsPlace) {
  EXPECT_EQ(errors_with({"pcrs", "exact"}, R"([{"index": 4, "sha256": ["<64 hexadecimal digits>"]},
                {"index": 7, "sha256": [")" + kSeven +
                                               R"(", "<64 hexadecimal digits>"]}])"),
            "spec.pcrs.exact[0].sha256[0]: \"<64 hexadecimal digits>\" is a placeholder: expected "
            "64 hexadecimal digits, those that the TPM of a good node shows (docs/policies.md, "
            "section 3); spec.pcrs.exact[1].sha256[1]: \"<64 hexadecimal digits>\" is a "
            "placeholder: expected 64 hexadecimal digits, those that the TPM of a good node shows "
            "(docs/policies.md, section 3)");
  EXPECT_TRUE(contains(
      errors_with({"pcrs", "exact"}, R"([{"index": 4, "sha256": ["sha256:)" + kSeven + R"("]}])"),
      "spec.pcrs.exact[0].sha256[0]: \"sha256:777"));
  EXPECT_TRUE(contains(
      errors_with({"pcrs", "exact"}, R"([{"index": 4, "sha256": ["sha256:)" + kSeven + R"("]}])"),
      "expected 64 hexadecimal digits, without sha256: in front"));
}

TEST(ParsePolicy, RefusesPcrsOutOfRangeAndTwice) {
  const std::string values = R"("sha256": [")" + kSeven + "\"]}";
  for (const char* index : {"-1", "24", "1.5", "\"7\"", "99999999999"}) {
    const std::string errors =
        errors_with({"pcrs", "exact"}, "[{\"index\": " + std::string(index) + ", " + values + "]");
    EXPECT_TRUE(contains(errors, "spec.pcrs.exact[0].index")) << index << ": " << errors;
  }
  EXPECT_TRUE(contains(errors_with({"pcrs", "exact"}, "[{" + values + "]"), "index: is required"));
  EXPECT_TRUE(contains(errors_with({"pcrs", "exact"}, "[{\"index\": 7, " + values +
                                                          ", {\"index\": 7, " + values + "]"),
                       "PCR 7 is given twice"));
}

TEST(ParsePolicy, RefusesAMaxAgeOutsideTenSecondsToOneDay) {
  for (const char* age : {"9s", "9999ms", "24h1s", "0s", "5x", ""}) {
    EXPECT_TRUE(contains(errors_with({"freshness", "maxAge"}, "\"" + std::string(age) + "\""),
                         "spec.freshness.maxAge"))
        << age;
  }
  for (const char* age : {"10s", "24h", "1h30m"}) {
    EXPECT_EQ(errors_with({"freshness", "maxAge"}, "\"" + std::string(age) + "\""), "") << age;
  }
}

TEST(ParsePolicy, RefusesEndorsementRulesThatHaveNoEffectOrNoSource) {
  EXPECT_TRUE(
      contains(errors_with({"endorsement", "trustBundles"}, "[]"), "at least one ConfigMap"));
  EXPECT_TRUE(contains(errors_without("endorsement", "trustBundles"), "at least one ConfigMap"));
  EXPECT_TRUE(contains(errors_without("endorsement", "inventory"),
                       "spec.endorsement.inventory: is required"));
  EXPECT_TRUE(contains(errors_with({"endorsement", "enrollment"}, "\"TrustOnFirstUse\""),
                       "has no effect with enrollment TrustOnFirstUse"));
  EXPECT_TRUE(contains(errors_with({"endorsement", "enrollment"}, "\"Anybody\""), "not accepted"));
}

TEST(ParsePolicy, RefusesKeysItDoesNotKnowAndEmptyLists) {
  EXPECT_TRUE(contains(errors_with({"keys"}, "[]"), "accepts no key"));
  for (const char* key : {"rsassa-1024-sha256", "ecdsa-p256-sha1", "ed25519", ""}) {
    EXPECT_TRUE(contains(errors_with({"keys"}, "[\"" + std::string(key) + "\"]"), "spec.keys[0]"))
        << key;
  }
  EXPECT_TRUE(contains(errors_with({"keys"}, R"(["ecdsa-p256-sha256", "ecdsa-p256-sha256"])"),
                       "given twice"));
}

TEST(ParsePolicy, RefusesUnknownFieldsAndWordsAnywhere) {
  EXPECT_TRUE(contains(errors_with({"more"}, "1"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"pcrs", "more"}, "1"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"workloads", "more"}, "1"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"endorsement", "more"}, "1"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"freshness"}, R"({"max_age": "5m"})"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"onFailure"}, R"({"evict": true})"), "unknown field"));
  EXPECT_TRUE(contains(errors_with({"mode"}, "\"enforce\""), "spec.mode"));
  EXPECT_TRUE(contains(errors_with({"logging"}, "\"None\""), "spec.logging"));
  EXPECT_TRUE(
      contains(errors_with({"onFailure"}, R"({"taint": "Evict"})"), "spec.onFailure.taint"));
  EXPECT_TRUE(contains(errors_without("", "nodeSelector"), "spec.nodeSelector: is required"));
  EXPECT_TRUE(contains(errors_without("", "workloads"), "spec.workloads: is required"));
}

TEST(ParsePolicy, ListsAllErrorsAtOnce) {
  const std::string errors = errors_of(codec::parse_json(R"({"mode": "X", "keys": []})").value());
  for (const char* path : {"spec.mode", "spec.keys", "spec.nodeSelector", "spec.workloads",
                           "spec.endorsement", "spec.pcrs"}) {
    EXPECT_TRUE(contains(errors, path)) << path << " in " << errors;
  }
}

TEST(ParsePolicy, TellsWithAFewWordsWhatAWeakBankDoesToEveryPcr) {
  Json spec = minimal();
  spec["pcrs"]["banks"] = codec::parse_json(R"(["sha1"])").value();
  Json::Array exact;
  for (int i = 0; i < 11; ++i) {
    exact.push_back(Json::Object{{"index", std::int64_t{i}}, {"sha256", Json::Array{kSeven}}});
  }
  spec["pcrs"]["exact"] = std::move(exact);
  EXPECT_EQ(
      errors_of(spec),
      "spec.pcrs.banks: a stronger bank than sha1 is required: add sha256, sha384 or sha512; "
      "spec.pcrs.exact[0].sha1, spec.pcrs.exact[1].sha1, spec.pcrs.exact[2].sha1 and 8 more: "
      "is required, since pcrs.banks has sha1: expected at least one accepted value; "
      "spec.pcrs.exact[0].sha256, spec.pcrs.exact[1].sha256, spec.pcrs.exact[2].sha256 and 8 "
      "more: would not be checked, since pcrs.banks has no sha256: add the bank, or remove the "
      "values");
}

TEST(ParsePolicy, RefusesASpecThatIsNoObject) {
  for (const char* json : {"null", "[]", "1", "\"x\""}) {
    EXPECT_NE(errors_of(codec::parse_json(json).value()), "") << json;
  }
}

TEST(RequiredSelection, IsEveryExactPcrInEveryBank) {
  const auto policy = parse_policy("p", full()).value();
  const tpm::PcrSelection expected = {{HashAlgorithm::kSha256, (1U << 7) | (1U << 23)},
                                      {HashAlgorithm::kSha384, (1U << 7) | (1U << 23)}};
  EXPECT_EQ(required_selection(policy.spec), expected);
}

TEST(SelfSetLabels, AreThoseThatANodeCanSetOnItself) {
  Json spec = minimal();
  spec["nodeSelector"] = codec::parse_json(R"({
      "matchLabels": {"pool": "a", "acme.node-restriction.kubernetes.io/y": "c"},
      "matchExpressions": [{"key": "example.com/w", "operator": "DoesNotExist"}]})")
                             .value();
  EXPECT_EQ(self_set_labels(parse_policy("p", spec)->spec),
            (std::vector<std::string>{"example.com/w", "pool"}));
}

// SHA-256 of the RFC 8785 form, computed by Python's json and hashlib.
TEST(SpecDigest, IsTheAnswerOfAnIndependentProgram) {
  const Json spec =
      codec::parse_json(R"({"b": [1, true, null], "a": {"é": "\n", "z": "x"}})").value();
  EXPECT_EQ(digest_text(spec_digest(spec).value()),
            "sha256:0e9e8dfbffb2abec4565317689fffd502636564d2f75db04bf60b45488489a71");
}

TEST(SpecDigest, DoesNotDependOnTheOrderOfMembersButOnEverythingElse) {
  const auto of = [](std::string_view json) {
    return digest_text(spec_digest(codec::parse_json(json).value()).value());
  };
  EXPECT_EQ(of(R"({"a": 1, "b": 2})"), of(R"({"b":2,"a":1})"));
  EXPECT_NE(of(R"({"a": 1, "b": 2})"), of(R"({"a": 2, "b": 1})"));
  EXPECT_NE(of(R"({"a": [1, 2]})"), of(R"({"a": [2, 1]})"));
  EXPECT_NE(of(R"({"a": "1"})"), of(R"({"a": 1})"));
}

TEST(PolicyDigest, IsTheAnswerOfAnIndependentProgram) {
  const Reference makers = config_map_reference({"ns", "makers"}, {{"b", "2"}, {"a", "1\n"}});
  const Reference inventory = config_map_reference({"ns", "inventory"}, {});
  EXPECT_EQ(makers.name, "ConfigMap/ns/makers");
  EXPECT_EQ(digest_text(makers.content),
            "sha256:08f2b3332ad0fc88376337e82188c02ef4dfcefbf0376a520ca04f6ad29fd714");
  const crypto::Sha256 spec = crypto::sha256("spec");
  const Reference both[] = {makers, inventory};
  EXPECT_EQ(digest_text(policy_digest(spec, both)),
            "sha256:399b21b183f067d3e7da015fbf495c55eaddc615a55a89760fd729add51d8c5a");
  EXPECT_EQ(digest_text(policy_digest(spec, {})),
            "sha256:1a11cc3835f587d9ffca0fe7f8247049f76f8ef9fa3a25621d8503bbf97cb1b3");
}

TEST(PolicyDigest, DependsOnTheOrderNamesAndContentsOfReferences) {
  const crypto::Sha256 spec{};
  const Reference a{"ab", crypto::sha256("1")};
  const Reference b{"c", crypto::sha256("2")};
  const Reference ab[] = {a, b};
  const Reference ba[] = {b, a};
  const Reference swapped[] = {{"ab", b.content}, {"c", a.content}};
  const Reference cut[] = {{"a", a.content}, {"bc", b.content}};
  const auto digest = policy_digest(spec, ab);
  EXPECT_NE(digest, policy_digest(spec, ba));
  EXPECT_NE(digest, policy_digest(spec, swapped));
  EXPECT_NE(digest, policy_digest(spec, cut));
  EXPECT_NE(digest, policy_digest(crypto::sha256("x"), ab));
}

TEST(ReferencesOf, AreInTheOrderOfTheSpec) {
  EXPECT_EQ(references_of(parse_policy("p", full())->spec),
            (std::vector<ConfigMapName>{{"ns", "one"}, {"ns", "two"}}));
  EXPECT_EQ(references_of(parse_policy("p", minimal())->spec),
            (std::vector<ConfigMapName>{{"ns", "makers"}, {"ns", "inventory"}}));
}

TEST(DigestText, ReadsWhatItWroteAndNothingElse) {
  const crypto::Sha256 digest = crypto::sha256("x");
  const std::string text = digest_text(digest);
  EXPECT_EQ(parse_digest_text(text).value(), digest);
  std::string upper = text;
  upper[8] = 'A';
  for (const std::string& wrong : {text.substr(1), text + "0", text.substr(0, 70),
                                   "sha512:" + text.substr(7), upper, " " + text, std::string()}) {
    EXPECT_FALSE(parse_digest_text(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace avouch::attest
