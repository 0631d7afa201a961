#include "inspect/pod_today.h"

#include <gmock/gmock.h>

#include "support/answering_transport.h"

namespace avouch::inspect {
namespace {

using ::testing::AllOf;
using testing::AnsweringTransport;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const SystemTime kMoment = SystemTime(std::chrono::seconds(1'800'000'000));  // 2027-01-15T08:00:00Z
constexpr std::string_view kPodPath = "/api/v1/namespaces/shop/pods/web-0";
constexpr std::string_view kNodePath = "/api/v1/nodes/n1";
constexpr std::string_view kEvidencePath = "/apis/avouch.dev/v1alpha1/attestationevidences/n1";

std::string pod_text(const std::string& node, const std::string& phase) {
  return R"({"metadata":{"name":"web-0","namespace":"shop","uid":"u-web",)"
         R"("creationTimestamp":"2027-01-15T05:00:00Z"},"spec":{"nodeName":")" +
         node + R"("},"status":{"phase":")" + phase + R"("}})";
}

std::string evidence_of(const std::string& phase, const std::string& result) {
  return R"({"metadata":{"name":"n1"},"status":{"phase":")" + phase +
         R"(","conditions":[{"type":"Attested","lastTransitionTime":"2027-01-15T07:57:00Z"}],)"
         R"("verdict":{"expires":"2027-01-15T08:05:00Z","policies":[{"name":"production","result":")" +
         result +
         R"("}],"reasons":[{"code":"PcrMismatch","severity":"contraindicated",)"
         R"("message":"PCR 8 \u001b[31m"},{"code":"PcrMismatch","message":"PCR 9"}]}}})";
}

PolicyReport policy_with(const std::string& mode, const std::string& taint) {
  PolicyReport out;
  out.name = "production";
  out.mode = mode;
  out.taint = taint;
  return out;
}

class PodTodayTest : public ::testing::Test {
 protected:
  PodTodayTest() {
    serve(pod_text("n1", "Running"));
    transport.answer(std::string(kNodePath), R"({"metadata":{"name":"n1","uid":"u"}})");
    judge("Contraindicated", "contraindicated");
  }

  void serve(const std::string& pod) { transport.answer(std::string(kPodPath), pod); }
  void judge(const std::string& phase, const std::string& result) {
    transport.answer(std::string(kEvidencePath), evidence_of(phase, result));
  }
  PodToday today(const std::vector<PolicyReport>& policies = {}) {
    auto out = pod_today(kube::Client(transport), "shop", "web-0", policies, {});
    EXPECT_TRUE(out.has_value()) << out.error().message;
    return out.has_value() ? *std::move(out) : PodToday();
  }
  std::string said(const std::vector<PolicyReport>& policies = {}) {
    return pod_today_text(today(policies), kMoment);
  }

  AnsweringTransport transport;
};

codec::Cbor decided_as(const std::string& decision, const std::string& uid, SystemTime time) {
  using codec::Cbor;
  return Cbor::map({{Cbor::text("decision"), Cbor::text(decision)},
                    {Cbor::text("node"), Cbor::text("n1")},
                    {Cbor::text("podUID"), Cbor::text(uid)},
                    {Cbor::text("time"),
                     Cbor::integer(time.time_since_epoch() / std::chrono::milliseconds(1))}});
}

TEST_F(PodTodayTest, SaysThatTheNodeThatPassedThenFailsNow) {
  PodToday found = today({policy_with("Enforce", "NoSchedule")});
  const SystemTime then = kMoment - std::chrono::hours(3);
  EXPECT_FALSE(let_in_by(12, decided_as("deny", "u-web", then), found.pod).has_value());
  EXPECT_FALSE(let_in_by(12, decided_as("allow", "another", then), found.pod).has_value());
  EXPECT_FALSE(let_in_by(12, decided_as("allow", "u-web", kMoment), found.pod).has_value())
      << "it was on its node before";
  EXPECT_FALSE(let_in_by(12, codec::Cbor(), found.pod).has_value()) << "a withheld content";
  found.let_in_entry = let_in_by(12, decided_as("allow", "u-web", then), found.pod);
  ASSERT_TRUE(found.let_in_entry.has_value());
  EXPECT_EQ(pod_today_text(found, kMoment),
            "NODE FAILS NOW: pod shop/web-0 runs on node n1, which is Contraindicated since "
            "2027-01-15T07:57:00Z. Entry 12 let it in there at 2027-01-15T05:00:00Z, when the node "
            "satisfied what gates the pod.\n"
            "  PcrMismatch: PCR 8 \\x1b[31m, and 1 more\n"
            "  policy production (mode Enforce, onFailure.taint NoSchedule): the pod stays; others "
            "that it gates are denied there, and the scheduler avoids the node\n"
            "  the node has no taint of ours now: nothing evicts the pod\n"
            "To do: kubectl avouch explain node n1 says why and what to do about it; kubectl -n "
            "shop delete pod web-0 takes the pod off it, and what made the pod makes another "
            "elsewhere.\n");
  found.let_in_entry->reasons = "PcrMismatch: PCR 4";
  EXPECT_THAT(pod_today_text(found, kMoment),
              HasSubstr("although policies in Audit or Warn were not satisfied even then: "
                        "PcrMismatch: PCR 4.\n"));
}

TEST_F(PodTodayTest, SaysWhatEachOnFailureDoesToWhatRunsThere) {
  EXPECT_THAT(said({policy_with("Enforce", "None")}), HasSubstr("): no taint: the pod stays;"));
  EXPECT_THAT(said({policy_with("Audit", "NoExecute")}),
              HasSubstr("(mode Audit, onFailure.taint NoExecute): it denies and taints nothing: "
                        "the pod stays\n"));
  EXPECT_THAT(said({policy_with("Enforce", "NoExecute")}),
              HasSubstr("): the pod is evicted, unless it tolerates the taint\n"));
  EXPECT_THAT(said(), HasSubstr("policy production: its mode and onFailure were not read\n"));
  judge("Stale", "affirming");
  EXPECT_THAT(said({policy_with("Enforce", "NoExecute")}),
              HasSubstr("tolerates the taint, once the node has had freshness.maxAge to answer\n"));
  transport.answer(std::string(kNodePath),
                   R"({"metadata":{"name":"n1","uid":"u"},"spec":{"taints":[)"
                   R"({"key":"avouch.dev/unattested","effect":"NoExecute"}]}})");
  EXPECT_THAT(said(), AllOf(HasSubstr("the node has the taint avouch.dev/unattested:NoExecute\n"),
                            Not(HasSubstr("no taint of ours"))));
}

// The controller forgets a silent node's policies with its verdict.
TEST_F(PodTodayTest, SaysOfASilentNodeWhatThePoliciesDoThatMaySelectIt) {
  transport.answer(std::string(kEvidencePath),
                   R"({"metadata":{"name":"n1"},"status":{"phase":"Stale"}})");
  const std::string text =
      said({policy_with("Enforce", "NoExecute"), policy_with("Audit", "NoSchedule")});
  EXPECT_THAT(text,
              HasSubstr("  policy production (mode Enforce, onFailure.taint NoExecute), if it "
                        "selects the node: the pod is evicted, unless it tolerates the taint, "
                        "once the node has had freshness.maxAge to answer\n"));
  EXPECT_THAT(text, Not(HasSubstr("mode Audit")));
  const std::vector<PolicyReport> many(9, policy_with("Enforce", "None"));
  EXPECT_THAT(said(many), HasSubstr("\n  and so on: kubectl get attestationpolicies\n"));
}

TEST_F(PodTodayTest, SaysThatTheVerdictEndedWhateverThePhaseIs) {
  judge("Trusted", "affirming");
  EXPECT_EQ(said(), "");
  EXPECT_THAT(pod_today_text(today({policy_with("Enforce", "NoSchedule")}),
                             kMoment + std::chrono::minutes(5)),
              AllOf(HasSubstr("which is Trusted, by a verdict that ended at 2027-01-15T08:05:00Z "
                              "and was not renewed.\n"),
                    HasSubstr("policy production (mode Enforce")));
}

// Where no policy selects the node nothing is known of it: that is nothing to a pod that none
// gated.
TEST_F(PodTodayTest, SaysNothingOfNodesThatNobodyJudgesUnlessTheyLetThePodIn) {
  judge("Pending", "affirming");
  PodToday found = today();
  EXPECT_EQ(pod_today_text(found, kMoment), "");
  found.let_in_entry = LetIn{.index = 1, .time = "then", .reasons = ""};
  EXPECT_THAT(pod_today_text(found, kMoment), StartsWith("NODE FAILS NOW: "));
}

TEST_F(PodTodayTest, SaysNothingOfAPodThatIsOnNoNodeOrHasEnded) {
  for (const std::string& pod :
       {pod_text("", "Pending"), pod_text("n1", "Succeeded"), pod_text("n1", "Failed")}) {
    serve(pod);
    EXPECT_EQ(said(), "") << pod;
    EXPECT_EQ(codec::to_json(pod_today_json(today(), kMoment)), "null");
  }
  AnsweringTransport empty;
  const auto gone = pod_today(kube::Client(empty), "shop", "web-0", {}, {});
  ASSERT_TRUE(gone.has_value()) << gone.error().message;
  EXPECT_EQ(pod_today_text(*gone, kMoment), "");
}

TEST_F(PodTodayTest, IsAnErrorWhereTheNodeIsGoneOrThePodMayNotBeRead) {
  serve(pod_text("n2", "Running"));
  const auto gone = pod_today(kube::Client(transport), "shop", "web-0", {}, {});
  ASSERT_FALSE(gone.has_value());
  EXPECT_THAT(gone.error().message, HasSubstr("there is no node \"n2\""));
  transport.on(std::string(kPodPath), [](const HttpRequest&) {
    return HttpResponse{.status = 403,
                        .content_type = "application/json",
                        .body = R"({"kind":"Status","code":403,"reason":"Forbidden"})"};
  });
  const auto refused = pod_today(kube::Client(transport), "shop", "web-0", {}, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("ClusterRole view grants it"));
}

TEST_F(PodTodayTest, ShowsTheSameAsJson) {
  PodToday found = today({policy_with("Enforce", "NoExecute")});
  found.let_in_entry = LetIn{.index = 12, .time = "then", .reasons = ""};
  const std::string json = codec::to_json(pod_today_json(found, kMoment));
  EXPECT_THAT(json, AllOf(HasSubstr(R"("fails":true)"), HasSubstr(R"("letInBy":12)"),
                          HasSubstr(R"("name":"n1")"), HasSubstr(R"("phase":"Contraindicated")"),
                          HasSubstr(R"("onFailure":[{"mode":"Enforce","policy":"production",)"
                                    R"("taint":"NoExecute"}])")));
}

TEST(PoliciesOfStatus, ReadOnFailureWithItsDefault) {
  AnsweringTransport transport;
  transport.answer("/apis/avouch.dev/v1alpha1/attestationpolicies",
                   R"({"kind":"AttestationPolicyList","metadata":{"resourceVersion":"1"},"items":[
      {"metadata":{"name":"a"},"spec":{}},
      {"metadata":{"name":"b"},"spec":{"onFailure":{"taint":"NoExecute"}}}]})");
  const auto policies = report_policies(kube::Client(transport));
  ASSERT_TRUE(policies.has_value()) << policies.error().message;
  EXPECT_EQ(policies->at(0).taint, "NoSchedule");
  EXPECT_EQ(policies->at(1).taint, "NoExecute");
}

}  // namespace
}  // namespace avouch::inspect
