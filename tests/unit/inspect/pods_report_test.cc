#include "inspect/pods_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/json.h"

namespace avouch::inspect {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using PodState = PodRecord::State;

const SystemTime kReportedAt{std::chrono::seconds(1'800'000'000)};  // 2027-01-15T08:00:00Z

GatedPod gated_pod_of(const std::string& name,
                      std::chrono::seconds age = std::chrono::seconds(120)) {
  GatedPod out;
  out.pod.ns = "shop";
  out.pod.name = name;
  out.pod.uid = "uid-" + name;
  out.pod.node = "n1";
  out.made = kReportedAt - age;
  out.since = kReportedAt - std::chrono::seconds(60);
  out.gates = {"production"};
  return out;
}

PodRecord record_in(PodState state, std::optional<std::uint64_t> index = {},
                    std::size_t entries = 0) {
  PodRecord out;
  out.state = state;
  out.index = index;
  out.entries = entries;
  return out;
}

// A release with one policy that gates one namespace.
GatedPods one_namespace(std::vector<GatedPod> pods) {
  GatedPods out;
  out.to_record = std::move(pods);
  out.policies = {
      {.name = "production", .made = kReportedAt - std::chrono::hours(1), .generation = 1}};
  out.namespaces = 1;
  return out;
}

std::string text_for(const PodsReport& report, const PodScope& scope = {}) {
  return pods_text(report, scope);
}

TEST(PodsReport, IsASummaryAloneWhereEachPodIsRecorded) {
  const PodsReport report =
      report_pods(one_namespace({gated_pod_of("a"), gated_pod_of("b")}),
                  {record_in(PodState::kProven, 3), record_in(PodState::kProven, 4)}, kReportedAt);
  EXPECT_TRUE(report.is_whole());
  EXPECT_EQ(text_for(report), "2 pods gated, 2 recorded and proved, 0 NOT RECORDED\n");
  const codec::Json json = pods_json(report);
  EXPECT_EQ(*json.find("gated")->as_int(), 2);
  EXPECT_EQ(*json.find("recorded")->as_int(), 2);
  for (const char* list : {"notRecorded", "mayBeSpooled", "notLookedFor", "late", "beforePolicy"}) {
    EXPECT_EQ(codec::to_json(*json.find(list)), "[]") << list;
  }
}

TEST(PodsReport, HasALineForEachPodThatIsNotRecorded) {
  PodRecord forged = record_in(PodState::kUnproven, 9, 1);
  forged.why = "statement is signed by the verifier: no such key\x1b";
  GatedPods gated = one_namespace({gated_pod_of("a"), gated_pod_of("b"), gated_pod_of("c"),
                                   gated_pod_of("d"), gated_pod_of("e")});
  gated.to_record[0].is_mirror = true;
  const PodsReport report =
      report_pods(std::move(gated),
                  {record_in(PodState::kNone), record_in(PodState::kDenials, 7, 2),
                   record_in(PodState::kOthers, 8, 1), forged, record_in(PodState::kProven, 10)},
                  kReportedAt);
  EXPECT_FALSE(report.is_whole());
  const std::string text = text_for(report);
  EXPECT_THAT(
      text,
      AllOf(StartsWith("NAMESPACE   POD              NODE   SINCE                  FOUND\n"
                       "shop        a (mirror pod)   n1     2027-01-15T07:59:00Z   no entry\n"
                       "shop        b                n1     2027-01-15T07:59:00Z   only denials: 2 "
                       "entries, the newest is entry 7\n"),
            HasSubstr("1 entry, none let it in on this node by then, the newest is entry 8\n"),
            HasSubstr("entry 9 does not prove it: statement is signed by the verifier: no such "
                      "key\\x1b\n"),
            HasSubstr("\nNOT RECORDED: "), Not(HasSubstr("Edited since")),
            EndsWith("\n5 pods gated, 1 recorded and proved, 4 NOT RECORDED\n")));
  const codec::Json json = pods_json(report);
  const auto& missing = *json.find("notRecorded")->as_array();
  ASSERT_EQ(missing.size(), 4U);
  EXPECT_EQ(codec::to_json(missing[0]),
            R"({"detail":"no entry","found":"NoEntry","mirror":true,"namespace":"shop",)"
            R"("node":"n1","pod":"a","policies":["production"],"since":"2027-01-15T07:59:00Z",)"
            R"("uid":"uid-a"})");
  EXPECT_EQ(missing[1].text({"found"}), "OnlyDenials");
  EXPECT_EQ(*missing[1].find("entry")->as_int(), 7);
  EXPECT_EQ(missing[2].text({"found"}), "OtherEntries");
  EXPECT_EQ(missing[3].text({"found"}), "NotProven");
}

// PodScheduled is the kubelet's to write as well: it makes no pod a new one.
TEST(PodsReport, ExcusesAsSpooledOnlyWhatWasMadeAMomentAgoAndMayBeSpooled) {
  GatedPods gated = one_namespace({gated_pod_of("new", std::chrono::seconds(119)),
                                   gated_pod_of("old", std::chrono::seconds(120)),
                                   gated_pod_of("strict", std::chrono::seconds(5)),
                                   gated_pod_of("forged", std::chrono::seconds(5))});
  gated.to_record[1].since = kReportedAt;
  gated.to_record[2].is_strict = true;
  const PodsReport report =
      report_pods(std::move(gated),
                  {record_in(PodState::kNone), record_in(PodState::kNone),
                   record_in(PodState::kNone), record_in(PodState::kUnproven, 3, 1)},
                  kReportedAt);
  ASSERT_EQ(report.spooled.size(), 1U);
  EXPECT_EQ(report.spooled[0].pod.pod.name, "new");
  EXPECT_EQ(report.missing.size(), 3U);
  EXPECT_THAT(text_for(report),
              AllOf(HasSubstr("so that it may be in a webhook's spool: shop/new; try again\n"),
                    EndsWith("4 pods gated, 0 recorded and proved, 3 NOT RECORDED, 1 may be in a "
                             "spool\n")));
}

TEST(PodsReport, SaysWhatNeedsNoEntryAndWhatWasNotLookedFor) {
  GatedPods gated = one_namespace({gated_pod_of("a"), gated_pod_of("b"), gated_pod_of("c")});
  gated.before = {gated_pod_of("aged")};
  gated.exempt = {"kube-system", "lab"};
  PodRecord late = record_in(PodState::kProven, 3);
  late.is_late = true;
  const PodsReport report =
      report_pods(std::move(gated), {late, record_in(PodState::kNotLookedFor)}, kReportedAt);
  EXPECT_FALSE(report.is_whole());
  PodScope scope;
  scope.enforced_since = kReportedAt;
  EXPECT_EQ(text_for(report, scope),
            "Exempt, and not looked at: namespaces kube-system, lab\n"
            "Recorded late, from a webhook's spool, as the entry says: shop/a\n"
            "Before the policy: shop/aged, on their nodes since before any policy that gates "
            "them was made, or before 2027-01-15T08:00:00Z\n"
            "NOT LOOKED FOR, as the time was over: shop/b, shop/c; name one namespace after the "
            "other with -n\n"
            "4 pods gated, 1 recorded and proved, 0 NOT RECORDED, 1 before the policy, 2 NOT "
            "LOOKED FOR\n");
  const codec::Json json = pods_json(report);
  EXPECT_EQ(json.find("late")->as_array()->size(), 1U);
  EXPECT_EQ(json.find("beforePolicy")->as_array()->size(), 1U);
  EXPECT_EQ(json.find("notLookedFor")->as_array()->size(), 2U);
  EXPECT_EQ(codec::to_json(*json.find("exemptNamespaces")), R"(["kube-system","lab"])");
}

TEST(PodsReport, NamesPoliciesThatWereEditedWhereAPodIsNotRecorded) {
  GatedPods gated = one_namespace({gated_pod_of("a")});
  gated.policies.push_back({.name = "unrelated", .made = kReportedAt, .generation = 5});
  gated.policies[0].generation = 2;
  const PodsReport report =
      report_pods(std::move(gated), {record_in(PodState::kNone)}, kReportedAt);
  EXPECT_THAT(text_for(report),
              AllOf(HasSubstr("may not have gated a pod then: production. "),
                    HasSubstr("--enforced-since TIME"), Not(HasSubstr("unrelated"))));
}

TEST(PodsReport, SaysWhyNoPodIsGated) {
  PodScope shop;
  shop.ns = "shop";
  GatedPods none;
  none.is_configured = false;
  EXPECT_EQ(text_for(report_pods(none, {}, kReportedAt), shop),
            "WEBHOOK CONFIGURATION ABSENT: no pod is gated now, and nothing is recorded: kubectl "
            "avouch status\n"
            "No policy is in Enforce: no pod is gated.\n"
            "0 pods gated, 0 recorded and proved, 0 NOT RECORDED\n");
  GatedPods other = one_namespace({});
  other.namespaces = 0;
  EXPECT_THAT(text_for(report_pods(other, {}, kReportedAt), shop),
              StartsWith("No policy in Enforce gates namespace shop.\n0 pods"));
  EXPECT_THAT(text_for(report_pods(other, {}, kReportedAt)),
              StartsWith("No policy in Enforce gates any namespace.\n"));
  other.exempt = {"shop"};
  EXPECT_THAT(text_for(report_pods(other, {}, kReportedAt), shop),
              StartsWith("Exempt, and not looked at: namespaces shop\n0 pods"));
}

}  // namespace
}  // namespace avouch::inspect
