#include "inspect/nodes.h"

#include <gtest/gtest.h>

#include "support/answering_transport.h"

namespace avouch::inspect {
namespace {

using testing::AnsweringTransport;

constexpr std::string_view kNodes =
    R"({"kind":"NodeList","metadata":{"resourceVersion":"1"},"items":[
  {"metadata":{"name":"b","uid":"u-b"},"spec":{"taints":[{"key":"avouch.dev/unattested","effect":"NoSchedule"}]}},
  {"metadata":{"name":"a","uid":"u-a"}},
  {"metadata":{"name":"c","uid":"u-c"}}]})";
constexpr std::string_view kEvidences =
    R"({"kind":"AttestationEvidenceList","metadata":{"resourceVersion":"1"},"items":[
  {"metadata":{"name":"a"},"status":{"phase":"Trusted",
    "conditions":[{"type":"Attested","status":"True","lastTransitionTime":"2027-01-15T05:00:00Z"}],"boot":{"resetCount":3,"restartCount":0},
    "verdict":{"expires":"2027-01-15T08:00:30Z","policies":[{"name":"production","result":"affirming"}],
               "log":{"index":12}}}},
  {"metadata":{"name":"b"},"status":{"phase":"Contraindicated",
    "verdict":{"reasons":[{"code":"PcrMismatch","severity":"contraindicated","message":"PCR 8 \u001b[31m"}]}}}]})";
const SystemTime kNow = SystemTime(std::chrono::seconds(1'800'000'000));  // 2027-01-15T08:00:00Z

TEST(Nodes, ReportsEveryNodeByNameAlsoThoseWithoutEvidence) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes", kNodes);
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences", kEvidences);
  const kube::Client api(transport);
  const auto nodes = report_nodes(api);
  ASSERT_TRUE(nodes.has_value()) << nodes.error().message;
  EXPECT_EQ(
      status_table(*nodes, kNow),
      "NODE   PHASE             AGE   REASON        EXPIRES   BOOT   TAINT        POLICIES     "
      "LOG\n"
      "a      Trusted           3h    -             in 30s    3.0    -            production   12\n"
      "b      Contraindicated   -     PcrMismatch   -         -      NoSchedule   -            -\n"
      "c      NoEvidence        -     -             -         -      -            -            "
      "-\n");
  EXPECT_EQ(status_summary(*nodes, kNow), "3 nodes: 1 Contraindicated, 1 NoEvidence, 1 Trusted\n");
}

TEST(Nodes, ShowsThatAVerdictWasNotRenewedAlthoughNobodyWroteSo) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes", kNodes);
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences", kEvidences);
  const auto nodes = report_nodes(kube::Client(transport));
  ASSERT_TRUE(nodes.has_value());
  const SystemTime end = kNow + std::chrono::seconds(30);
  EXPECT_FALSE(nodes->at(0).expired(end - std::chrono::milliseconds(1)));
  EXPECT_TRUE(nodes->at(0).expired(end));
  EXPECT_NE(status_table(*nodes, end).find("Trusted (expired)"), std::string::npos);
  EXPECT_NE(explain_text(nodes->at(0), end).find("admission denies"), std::string::npos);
  EXPECT_EQ(codec::to_json(status_json({nodes->at(0)}, end)).find(R"("expired":false)"),
            std::string::npos);
}

TEST(Nodes, NamesThePoliciesThatAreNotSatisfiedAndWhetherTheyStopAnything) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes", R"({"kind":"NodeList","metadata":{"resourceVersion":"1"},
      "items":[{"metadata":{"name":"a","uid":"u-a"}},{"metadata":{"name":"b","uid":"u-b"}},
      {"metadata":{"name":"c","uid":"u-c"}}]})");
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences",
                   R"({"kind":"AttestationEvidenceList","metadata":{"resourceVersion":"1"},"items":[
      {"metadata":{"name":"a"},"status":{"phase":"Contraindicated","verdict":{"policies":[
        {"name":"pilot","result":"contraindicated"},{"name":"production","result":"affirming"}]}}},
      {"metadata":{"name":"b"},"status":{"phase":"Contraindicated","verdict":{"policies":[
        {"name":"pilot","result":"contraindicated"},{"name":"production","result":"contraindicated"},
        {"name":"unread","result":"affirming"}]}}},
      {"metadata":{"name":"c"},"status":{"phase":"Contraindicated","verdict":{"policies":[
        {"name":"pilot","result":"contraindicated"},{"name":"production","result":"warning"}]}}}]})");
  transport.answer("/apis/avouch.dev/v1alpha1/attestationpolicies",
                   R"({"kind":"AttestationPolicyList","metadata":{"resourceVersion":"1"},"items":[
      {"metadata":{"name":"production"},"spec":{}},
      {"metadata":{"name":"pilot"},"spec":{"mode":"Audit"}}]})");
  const kube::Client api(transport);
  const auto policies = report_policies(api);
  ASSERT_TRUE(policies.has_value()) << policies.error().message;
  const auto nodes = report_nodes(api, *policies);
  ASSERT_TRUE(nodes.has_value()) << nodes.error().message;
  EXPECT_EQ(policy_lines(*policies, *nodes),
            "Policy pilot (mode Audit: it denies and taints nothing) is not satisfied by: a, b, c\n"
            "Policy production (mode Enforce) is not satisfied by: b\n");
  EXPECT_TRUE(fails_unenforced_only(nodes->at(0)));
  EXPECT_FALSE(fails_unenforced_only(nodes->at(1)));
  EXPECT_TRUE(fails_unenforced_only(nodes->at(2))) << "a warning satisfies";
  EXPECT_NE(explain_text(nodes->at(2), kNow).find("policy production (mode Enforce): warning\n"),
            std::string::npos);
  const std::string text = explain_text(nodes->at(1), kNow);
  EXPECT_NE(text.find("policy pilot (mode Audit: it denies and taints nothing): contraindicated\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("policy production (mode Enforce): contraindicated\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("policy unread: affirming\n"), std::string::npos) << text;
  EXPECT_NE(codec::to_json(status_json(*nodes, kNow))
                .find(R"({"mode":"Audit","name":"pilot","result":"contraindicated"})"),
            std::string::npos);
}

TEST(Nodes, SaysThatNoNodeSatisfiesAPolicyThatIsEnforced) {
  const auto policies_of = [](const std::string& spec, const std::string& status) {
    AnsweringTransport transport;
    transport.answer("/apis/avouch.dev/v1alpha1/attestationpolicies",
                     R"({"kind":"AttestationPolicyList","metadata":{"resourceVersion":"1"},"items":[
      {"metadata":{"name":"p","generation":3},"spec":{)" +
                         spec + R"(},"status":{)" + status + "}}]}");
    return report_policies(kube::Client(transport)).value();
  };
  const std::string now = R"("observedGeneration":3,"nodes":)";
  const auto two = policies_of("", now + R"({"matched":2,"trusted":0,"contraindicated":2})");
  EXPECT_TRUE(any_stops_all(two));
  EXPECT_FALSE(any_stops_all(policies_of("", now + R"({"matched":2,"trusted":0,"warning":2})")));
  EXPECT_EQ(
      nowhere_text(two),
      "SATISFIED NOWHERE: policy p (mode Enforce) selects 2 nodes, and none of them satisfies "
      "it.\n"
      "  It means: every pod that it gates is denied everywhere.\n"
      "  To do: kubectl avouch explain node NODE says of each what is wrong with it; until that "
      "is done, kubectl patch attestationpolicy p --type=merge -p "
      "'{\"spec\":{\"mode\":\"Audit\"}}' lets pods in, and records them.\n");
  EXPECT_NE(codec::to_json(policies_json(two)).find(R"("nodes":{"matched":2,"trusted":0})"),
            std::string::npos);
  EXPECT_NE(nowhere_text(policies_of("", now + R"({"matched":1,"trusted":0})"))
                .find("selects 1 node, which does not satisfy it."),
            std::string::npos);
  const std::string none = nowhere_text(policies_of("", now + R"({"matched":0,"trusted":0})"));
  EXPECT_NE(none.find("selects no node.\n"), std::string::npos) << none;
  EXPECT_NE(none.find("To do: correct its nodeSelector"), std::string::npos) << none;
  for (const auto& fine :
       {policies_of("", now + R"({"matched":2,"trusted":1})"),
        policies_of(R"("mode":"Audit")", now + R"({"matched":2,"trusted":0})"),
        policies_of(R"("mode":"Warn")", now + R"({"matched":2,"trusted":0})"),
        policies_of("", R"("observedGeneration":2,"nodes":{"matched":2,"trusted":0})"),
        policies_of("", R"("observedGeneration":3)"), policies_of("", "")}) {
    EXPECT_FALSE(any_stops_all(fine));
    EXPECT_EQ(nowhere_text(fine), "");
  }
}

TEST(Nodes, ShowsThreePoliciesOfANodeAndCountsTheRest) {
  const auto shown = [](std::size_t count) {
    NodeReport node;
    node.name = "a";
    node.phase = "Trusted";
    for (std::size_t i = 0; i < count; ++i) {
      node.policies.push_back({"p" + std::to_string(i), "affirming", "Enforce"});
    }
    const std::string table = status_table({node}, kNow);
    const std::string json = codec::to_json(status_json({node}, kNow));
    EXPECT_NE(json.find('"' + node.policies.back().name + '"'), std::string::npos) << json;
    const std::string last = table.substr(0, table.find_last_not_of(" -\n") + 1);
    return last.substr(last.find_last_of(' ') + 1);
  };
  EXPECT_EQ(shown(1), "p0");
  EXPECT_EQ(shown(3), "p0,p1,p2");
  EXPECT_EQ(shown(4), "p0,p1,p2,+1");
  EXPECT_EQ(shown(61), "p0,p1,p2,+58");
}

TEST(Nodes, ANodeThatFailsAnUnenforcedPolicyAloneIsNotToBeReprovisionedNow) {
  NodeReport node;
  node.name = "a";
  node.phase = "Contraindicated";
  node.reasons = {{"PcrMismatch", "contraindicated", "PCR 7", {}}};
  node.policies = {{"pilot", "contraindicated", "Audit"}, {"production", "affirming", "Enforce"}};
  const std::string text = explain_text(node, kNow);
  EXPECT_NE(text.find("What to do: nothing that must be done now: no policy that is not satisfied "
                      "is enforced, so no pod is denied and nothing tainted. Before one of them "
                      "is: the machine booted something that the policy does not list"),
            std::string::npos)
      << text;
  node.policies[1].result = "contraindicated";
  EXPECT_NE(explain_text(node, kNow).find("What to do: the machine booted something"),
            std::string::npos);
  node.policies.pop_back();
  node.phase = "Stale";
  EXPECT_EQ(explain_text(node, kNow).find("nothing that must"), std::string::npos);
}

TEST(Nodes, SaysOnceThatPodsAreNotGuarded) {
  AnsweringTransport transport;
  const std::string condition =
      R"("status":{"conditions":[{"type":"Guarded","status":"False",
        "reason":"ConfigurationChanged","message":"it \u001b[31m is another"}]})";
  transport.answer("/apis/avouch.dev/v1alpha1/attestationpolicies",
                   R"({"kind":"AttestationPolicyList","metadata":{"resourceVersion":"1"},"items":[
      {"metadata":{"name":"a"},)" +
                       condition + R"(},{"metadata":{"name":"b"},)" + condition +
                       R"(},{"metadata":{"name":"c"},"status":{"conditions":[
        {"type":"Guarded","status":"True","reason":"AsInstalled","message":"m"}]}}]})");
  const auto policies = report_policies(kube::Client(transport));
  ASSERT_TRUE(policies.has_value()) << policies.error().message;
  EXPECT_EQ(guard_lines(*policies), "NOT GUARDED: ConfigurationChanged: it \\x1b[31m is another\n");
  EXPECT_EQ(codec::to_json(*policies_json(*policies).as_array()->at(2).find("guarded")),
            R"({"message":"m","reason":"AsInstalled","status":"True"})");
}

TEST(Nodes, SaysOnceThatTheLogDoesNotTakeWhatIsDecided) {
  const auto policies_with = [](const std::string& first, const std::string& second) {
    AnsweringTransport transport;
    transport.answer("/apis/avouch.dev/v1alpha1/attestationpolicies",
                     R"({"kind":"AttestationPolicyList","metadata":{"resourceVersion":"1"},"items":[
      {"metadata":{"name":"a"},"status":{"conditions":[)" +
                         first + R"(]}},{"metadata":{"name":"b"},"status":{"conditions":[)" +
                         second + "]}}]}");
    return report_policies(kube::Client(transport)).value();
  };
  const auto condition = [](const std::string& status, const std::string& reason) {
    return R"({"type":"Recorded","status":")" + status + R"(","reason":")" + reason +
           R"(","message":"it \u001b[31m is so"})";
  };
  const auto line = [&](const std::string& reason) {
    const std::string one = condition("False", reason);
    return log_line(log_report(policies_with(one, one)));
  };
  EXPECT_EQ(line("LogReadOnly"), "LOG READ-ONLY: it \\x1b[31m is so.\n");
  EXPECT_EQ(line("LogTakesNothing"), "LOG TAKES NOTHING: it \\x1b[31m is so.\n");
  EXPECT_EQ(line("AdmissionsNotRecorded"), "LOG TAKES NO ADMISSIONS: it \\x1b[31m is so.\n");
  EXPECT_EQ(line("DenialsNotRecorded"), "LOG TAKES NO DENIALS: it \\x1b[31m is so.\n");
  EXPECT_EQ(line("OfALaterVersion"), "NOT RECORDED: it \\x1b[31m is so.\n");
  // One that was not written anew yet hides none that was.
  const std::string taken = condition("True", "EntriesTaken");
  EXPECT_EQ(log_line(log_report(policies_with(taken, condition("False", "LogReadOnly")))),
            line("LogReadOnly"));
  const auto fine = log_report(policies_with(taken, ""));
  ASSERT_TRUE(fine.has_value());
  EXPECT_EQ(log_line(fine), "");
  EXPECT_EQ(codec::to_json(log_json(*fine)),
            R"({"message":"it \u001b[31m is so","reason":"EntriesTaken","status":"True"})");
  EXPECT_FALSE(log_report(policies_with("", "")).has_value());
  // Where there is no policy, or none that says so, the Lease does.
  kube::Condition on_lease;
  on_lease.status = "False";
  on_lease.reason = "LogReadOnly";
  on_lease.message = "it is so";
  EXPECT_EQ(log_line(log_report({}, on_lease)), "LOG READ-ONLY: it is so.\n");
  EXPECT_EQ(log_line(log_report(policies_with(taken, taken), on_lease)),
            "LOG READ-ONLY: it is so.\n");
  on_lease.status = "True";
  EXPECT_EQ(log_line(log_report({}, on_lease)), "");
  const std::string nothing = condition("False", "LogTakesNothing");
  EXPECT_EQ(log_line(log_report(policies_with(taken, nothing), on_lease)), line("LogTakesNothing"));
  EXPECT_EQ(log_line({}), "");
}

TEST(Nodes, SaysThatAvouchIsMissingAndWhichNodeIs) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes", kNodes);
  const auto nodes = report_nodes(kube::Client(transport));
  ASSERT_FALSE(nodes.has_value());
  EXPECT_NE(nodes.error().message.find("is Avouch installed"), std::string::npos);
  const auto node = report_node(kube::Client(transport), "x");
  ASSERT_FALSE(node.has_value());
  EXPECT_EQ(node.error().kind, ErrorKind::kRejected);
  EXPECT_NE(node.error().message.find("there is no node \"x\""), std::string::npos);
}

TEST(Nodes, ExplainsWithReasonsAndARemedyAndObeysNoEscapeSequence) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes", kNodes);
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences", kEvidences);
  const auto nodes = report_nodes(kube::Client(transport));
  ASSERT_TRUE(nodes.has_value());
  const std::string text = explain_text(nodes->at(1), kNow);
  EXPECT_NE(text.find("PcrMismatch (contraindicated): PCR 8 \\x1b[31m"), std::string::npos) << text;
  EXPECT_NE(text.find("What to do:"), std::string::npos);
  EXPECT_NE(text.find("tainted avouch.dev/unattested:NoSchedule"), std::string::npos);
}

TEST(Nodes, ExplainsThatNewerEvidenceWasRefusedOnceAndAlsoWhereTheVerdictStands) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes", R"({"kind":"NodeList","metadata":{"resourceVersion":"1"},
      "items":[{"metadata":{"name":"a","uid":"u-a"}},{"metadata":{"name":"b","uid":"u-b"}},
               {"metadata":{"name":"c","uid":"u-c"}}]})");
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences",
                   R"({"kind":"AttestationEvidenceList","metadata":{"resourceVersion":"1"},"items":[
      {"metadata":{"name":"a"},"status":{"phase":"Trusted","conditions":[
        {"type":"EvidenceFresh","status":"False","reason":"QuoteReplayed","message":"older \u001b[31m",
         "lastTransitionTime":"2027-01-15T07:57:00Z"}]}},
      {"metadata":{"name":"b"},"status":{"phase":"Stale","conditions":[
        {"type":"EvidenceFresh","status":"False","reason":"EvidenceExpired","message":"silent"}],
       "verdict":{"reasons":[{"code":"EvidenceExpired","severity":"none","message":"silent"}]}}},
      {"metadata":{"name":"c"},"status":{"phase":"Trusted","conditions":[
        {"type":"EvidenceFresh","status":"True","reason":"QuoteAccepted","message":"m"}]}}]})");
  const auto nodes = report_nodes(kube::Client(transport));
  ASSERT_TRUE(nodes.has_value()) << nodes.error().message;
  const std::string refused = explain_text(nodes->at(0), kNow);
  EXPECT_NE(refused.find("  evidence is not fresh (EvidenceFresh=False), for 3m: QuoteReplayed: "
                         "older \\x1b[31m\n"),
            std::string::npos)
      << refused;
  EXPECT_NE(refused.find("What to do: the verdict stands until it expires, but"), std::string::npos)
      << refused;
  const std::string stale = explain_text(nodes->at(1), kNow);
  EXPECT_EQ(stale.find("EvidenceFresh"), std::string::npos)
      << "it is the verdict's reason: " << stale;
  const std::string good = explain_text(nodes->at(2), kNow);
  EXPECT_EQ(good.find("EvidenceFresh"), std::string::npos) << good;
  EXPECT_NE(good.find("What to do: nothing to do"), std::string::npos) << good;
  const std::string json = codec::to_json(status_json(*nodes, kNow));
  EXPECT_NE(json.find(R"("evidenceFresh":{"message":"silent","reason":"EvidenceExpired",)"),
            std::string::npos)
      << json;
  EXPECT_EQ(json.find("QuoteAccepted"), std::string::npos) << json;
}

// Another TPM claims the name of an enrolled node, or of one that was: no reason of the verdict
// says so.
TEST(Nodes, ExplainsThatWhatClaimsTheNodesNameIsNotEnrolled) {
  const auto node_with = [](const std::string& phase, const std::string& condition,
                            const std::string& verdict) {
    AnsweringTransport transport;
    transport.answer("/api/v1/nodes/a", R"({"metadata":{"name":"a","uid":"u"}})");
    transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences/a",
                     R"({"metadata":{"name":"a"},"status":{"phase":")" + phase +
                         R"(","conditions":[{"type":"Enrolled",)" + condition +
                         R"(}],"verdict":{)" + verdict + "}}}");
    return report_node(kube::Client(transport), "a").value();
  };
  const std::string mismatch =
      R"("reason":"IdentityMismatch","message":"another \u001b[31m TPM","lastTransitionTime":"2027-01-15T07:57:00Z")";
  const std::string gone = R"("status":"False",)" + mismatch;
  const std::string told =
      R"("reasons":[{"code":"IdentityMismatch","severity":"none","message":"another \u001b[31m TPM"}])";
  const std::string silent =
      R"("reasons":[{"code":"EvidenceExpired","severity":"none","message":"silent"}])";

  const NodeReport stale = node_with("Stale", gone, silent);
  const std::string refused = explain_text(stale, kNow);
  EXPECT_NE(refused.find("  not enrolled (Enrolled=False), for 3m: IdentityMismatch: another "
                         "\\x1b[31m TPM\n"),
            std::string::npos)
      << refused;
  EXPECT_NE(refused.find("What to do: another TPM answers for this node than the one that is "
                         "enrolled or in the inventory: if the machine or its TPM was replaced"),
            std::string::npos)
      << refused;
  EXPECT_NE(refused.find("where the message names another node that has this TPM, retire that one"),
            std::string::npos)
      << refused;
  EXPECT_NE(codec::to_json(status_json({stale}, kNow))
                .find(R"("enrolled":{"message":"another \u001b[31m TPM","reason":)"
                      R"("IdentityMismatch","since":"2027-01-15T07:57:00Z","status":"False"})"),
            std::string::npos);

  const std::string trusted =
      explain_text(node_with("Trusted", R"("status":"True",)" + mismatch, ""), kNow);
  EXPECT_NE(trusted.find("  enrolled (Enrolled=True), but not as what claims its name now: "
                         "IdentityMismatch: another "),
            std::string::npos)
      << trusted;
  EXPECT_NE(trusted.find("What to do: what is shown is of the TPM that is enrolled, and stands as "
                         "long as that one answers; what claims the node's name now was refused: "
                         "another TPM answers for this node"),
            std::string::npos)
      << trusted;
  EXPECT_EQ(trusted.find("nothing to do"), std::string::npos) << trusted;

  const std::string failing = explain_text(
      node_with("Contraindicated", R"("status":"True",)" + mismatch,
                R"("reasons":[{"code":"NoPolicy","severity":"contraindicated","message":"m"}])"),
      kNow);
  EXPECT_NE(failing.find("What to do: no policy selects this node"), std::string::npos) << failing;
  EXPECT_NE(failing.find(". Of the enrolment: what is shown is of the TPM that is enrolled"),
            std::string::npos)
      << failing;

  const std::string reserved = explain_text(
      node_with("Warning", R"("status":"True","reason":"Activated","message":"m")",
                R"("reasons":[{"code":"RuntimeViolation","severity":"warning","message":"m"}])"),
      kNow);
  EXPECT_NE(reserved.find("What to do: nothing that must be done: every policy is satisfied"),
            std::string::npos)
      << reserved;

  const std::string once = explain_text(node_with("Pending", gone, told), kNow);
  EXPECT_EQ(once.find("Enrolled="), std::string::npos) << "it is the verdict's reason: " << once;
  const std::string good = explain_text(
      node_with("Trusted", R"("status":"True","reason":"Activated","message":"m")", ""), kNow);
  EXPECT_EQ(good.find("Enrolled="), std::string::npos) << good;
  EXPECT_NE(good.find("What to do: nothing to do."), std::string::npos) << good;
}

TEST(Nodes, ExplainsWhoMadeTheTpmAndHowItsCertificateWasAccepted) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes", R"({"kind":"NodeList","metadata":{"resourceVersion":"1"},
      "items":[{"metadata":{"name":"a","uid":"u-a"}}]})");
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences",
                   R"({"kind":"AttestationEvidenceList","metadata":{"resourceVersion":"1"},"items":[
      {"metadata":{"name":"a"},"status":{"phase":"Trusted","identity":{"boundBy":"Inventory",
        "enrolledAt":"2027-01-15T05:00:00Z","tpm":"STM (id:53544D20), model \u001b[31mST33",
        "certificateRules":["name-not-critical","no-tpm-attributes"]}}}]})");
  const auto nodes = report_nodes(kube::Client(transport));
  ASSERT_TRUE(nodes.has_value()) << nodes.error().message;
  const std::string text = explain_text(nodes->front(), kNow);
  EXPECT_NE(text.find("  TPM of STM (id:53544D20), model "), std::string::npos) << text;
  EXPECT_NE(text.find("accepted by: name-not-critical, no-tpm-attributes\n"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  const std::string json = codec::to_json(status_json(*nodes, kNow));
  EXPECT_NE(json.find(R"("certificateRules":["name-not-critical","no-tpm-attributes"])"),
            std::string::npos);
}

TEST(Nodes, ExplainsWhichEventIsAtFaultAndWhatWouldAcceptIt) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes", R"({"kind":"List","metadata":{"resourceVersion":"1"},
    "items":[{"metadata":{"name":"a","uid":"u"}}]})");
  transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences",
                   R"({"kind":"AttestationEvidenceList","metadata":{"resourceVersion":"1"},"items":[
    {"metadata":{"name":"a","uid":"e"},"status":{"phase":"Contraindicated","verdict":{"reasons":[
      {"code":"BootImageUnknown","severity":"contraindicated","message":"m",
       "event":{"pcr":4,"number":24},"line":{"file":"/bin/x","number":3},
       "fields":[{"name":"path","value":"/boot/\u001b[2J"}],"suggestion":"{\"a\":1}"}]}}}]})");
  const auto nodes = report_nodes(kube::Client(transport));
  ASSERT_TRUE(nodes.has_value()) << nodes.error().message;
  const std::string text = explain_text(nodes->front(), kNow);
  EXPECT_NE(text.find("event 24 of the boot log, PCR 4\n"), std::string::npos) << text;
  EXPECT_NE(text.find("entry 3: /bin/x\n"), std::string::npos);
  EXPECT_NE(text.find("path: /boot/\\x1b[2J\n"), std::string::npos);
  EXPECT_NE(text.find("add to a ReferenceManifest's spec: {\"a\":1}\n"), std::string::npos);
  EXPECT_NE(codec::to_json(status_json(*nodes, kNow)).find(R"("number":24)"), std::string::npos);
}

// What to do about a TPM that is not the one expected depends on whose it is.
TEST(Nodes, SaysWhichNodeToRetireWhereItHasTheTpm) {
  const auto explained = [](const std::string& fields) {
    AnsweringTransport transport;
    transport.answer("/api/v1/nodes/b", R"({"metadata":{"name":"b","uid":"u"}})");
    transport.answer("/apis/avouch.dev/v1alpha1/attestationevidences/b",
                     R"({"metadata":{"name":"b"},"status":{"phase":"Pending","verdict":{"reasons":[
      {"code":"IdentityMismatch","severity":"contraindicated","message":"m")" +
                         fields + "}]}}}");
    const auto node = report_node(kube::Client(transport), "b");
    EXPECT_TRUE(node.has_value());
    return node.has_value() ? explain_text(*node, kNow) : "";
  };
  const std::string moved = explained(R"(,"fields":[{"name":"enrolled node","value":"a"}])");
  EXPECT_NE(moved.find("What to do: this machine's TPM is enrolled for node a: "),
            std::string::npos)
      << moved;
  EXPECT_NE(moved.find("retire it (kubectl delete node a; kubectl delete attestationevidence a), "
                       "and this node enrols by itself"),
            std::string::npos)
      << moved;
  EXPECT_EQ(moved.find("attestationevidence b"), std::string::npos) << "b's is not at fault";
  for (const char* fields : {"", R"(,"fields":[{"name":"path","value":"a"}])",
                             R"(,"fields":[{"name":"enrolled node","value":"a; reboot"}])",
                             R"(,"fields":[{"name":"enrolled node","value":"--all"}])",
                             R"(,"fields":[{"name":"enrolled node","value":""}])"}) {
    const std::string replaced = explained(fields);
    EXPECT_NE(replaced.find("What to do: another TPM answers for this node"), std::string::npos)
        << replaced;
    EXPECT_NE(replaced.find("kubectl delete attestationevidence b lets the node enrol anew"),
              std::string::npos)
        << replaced;
  }
}

TEST(Nodes, ASingleNodeWithoutEvidenceIsNoError) {
  AnsweringTransport transport;
  transport.answer("/api/v1/nodes/a", R"({"metadata":{"name":"a","uid":"u"}})");
  const auto node = report_node(kube::Client(transport), "a");
  ASSERT_TRUE(node.has_value()) << node.error().message;
  EXPECT_EQ(node->phase, "NoEvidence");
}

}  // namespace
}  // namespace avouch::inspect
