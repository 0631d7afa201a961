#include "control/webhook_pods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_text.h"

namespace avouch::control {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Moment kPodsBegin{SystemTime{1'800'000'000s}, SteadyTime{1000s}};

Moment after_begin(std::chrono::seconds by) {
  return {kPodsBegin.wall + by, kPodsBegin.steady + by};
}

WebhookPod serving_on(const std::string& node) {
  return {.name = "on-" + node,
          .uid = "u-" + node,
          .node = node,
          .ready = true,
          .ended = false,
          .is_ours = true,
          .is_controller = false,
          .ends = {},
          .is_kept = false,
          .reminded_of = ""};
}

std::vector<std::string> names_of_pods(const std::vector<WebhookPod>& pods) {
  std::vector<std::string> names;
  for (const WebhookPod& pod : pods) names.push_back(pod.name);
  return names;
}

class WebhookPodsTest : public ::testing::Test {
 protected:
  WebhookPodPlan plan(const std::vector<WebhookPod>& pods, std::chrono::seconds at = 0s) {
    return keeper.plan(
        pods, held_by, key,
        [this](const std::string& node) {
          const auto found = standing.find(node);
          return WebhookNode{found == standing.end() ? Standing::kGood : found->second, is_closed};
        },
        after_begin(at));
  }

  WebhookPods keeper;
  std::set<std::string> held_by;
  std::string key;
  bool is_closed = true;
  std::map<std::string, Standing> standing{{"bad", Standing::kFails},
                                           {"silent", Standing::kSilent}};
};

TEST_F(WebhookPodsTest, LeaveANodeThatFailsWhereAnotherServes) {
  const WebhookPodPlan found = plan({serving_on("bad"), serving_on("good")});
  EXPECT_THAT(names_of_pods(found.holders), ElementsAre("on-bad"));
  EXPECT_THAT(names_of_pods(found.remove), ElementsAre("on-bad"));
  EXPECT_THAT(found.remove_at_once, IsEmpty());
  EXPECT_TRUE(found.another);
}

// By a wrong policy, say: a cluster whose nodes all fail keeps its webhook.
TEST_F(WebhookPodsTest, StayWhereNoOtherServes) {
  standing["worse"] = Standing::kFails;
  WebhookPod unready = serving_on("good");
  unready.ready = false;
  WebhookPod leaving = serving_on("good");
  leaving.ends = after_begin(30s).wall;
  WebhookPod foreign = serving_on("good");
  foreign.is_ours = false;
  WebhookPod over = serving_on("good");
  over.ended = true;
  WebhookPod nowhere = serving_on("");
  for (const WebhookPod& other :
       {serving_on("worse"), serving_on("silent"), unready, leaving, foreign, over, nowhere}) {
    const WebhookPodPlan found = plan({serving_on("bad"), other});
    EXPECT_THAT(found.remove, IsEmpty()) << other.node;
    EXPECT_FALSE(found.another) << other.node;
    EXPECT_FALSE(found.holders.empty()) << "and that is known";
  }
}

// A kubelet that fails need not say that a pod has ended: as long as the API server has the pod, it
// may read the Secret.
TEST_F(WebhookPodsTest, AreTakenAtOnceFromAKubeletThatDoesNotLetGo) {
  WebhookPod leaving = serving_on("bad");
  leaving.ends = after_begin(8s).wall;
  const WebhookPodPlan first = plan({leaving, serving_on("good")});
  EXPECT_THAT(names_of_pods(first.holders), ElementsAre("on-bad"));
  EXPECT_THAT(first.remove, IsEmpty());
  EXPECT_THAT(first.remove_at_once, IsEmpty());
  EXPECT_EQ(first.look_again, 5s) << "as below: API servers connect anew then";
  EXPECT_EQ(plan({leaving, serving_on("good")}, 5s).look_again, 8s);
  EXPECT_THAT(names_of_pods(plan({leaving, serving_on("good")}, 13s).remove_at_once),
              ElementsAre("on-bad"));
  EXPECT_THAT(names_of_pods(plan({leaving}, 13s).remove_at_once), ElementsAre("on-bad"))
      << "it serves nobody any more";

  WebhookPod over = serving_on("bad");
  over.ended = true;
  EXPECT_THAT(names_of_pods(plan({over}).remove_at_once), ElementsAre("on-bad"));
}

// Who has a kubelet's credentials can have a pod end in years.
TEST_F(WebhookPodsTest, AreTakenWithinSecondsWhateverTheirEnd) {
  WebhookPod leaving = serving_on("bad");
  leaving.ends = after_begin(1'000'000s).wall;
  const std::vector<WebhookPod> pods{leaving, serving_on("good")};
  const WebhookPodPlan first = plan(pods);
  EXPECT_THAT(first.remove_at_once, IsEmpty());
  EXPECT_EQ(plan(pods, 5s).look_again, 10s);
  EXPECT_THAT(plan(pods, 14s).remove_at_once, IsEmpty());
  EXPECT_THAT(names_of_pods(plan(pods, 15s).remove_at_once), ElementsAre("on-bad"));
}

// Else the next one could start where this one was.
TEST_F(WebhookPodsTest, WaitForTheTaintButNotForLong) {
  is_closed = false;
  const std::vector<WebhookPod> pods{serving_on("bad"), serving_on("good")};
  const WebhookPodPlan first = plan(pods);
  EXPECT_THAT(names_of_pods(first.holders), ElementsAre("on-bad"));
  EXPECT_THAT(first.remove, IsEmpty());
  EXPECT_EQ(first.look_again, 10s);
  is_closed = true;
  EXPECT_THAT(names_of_pods(plan(pods, 1s).remove), ElementsAre("on-bad"));
  is_closed = false;
  EXPECT_THAT(names_of_pods(plan(pods, 10s).remove), ElementsAre("on-bad"));
}

TEST_F(WebhookPodsTest, ThatAreNoneAreNamedWhereverTheyAre) {
  WebhookPod foreign = serving_on("good");
  foreign.is_ours = false;
  const WebhookPodPlan found = plan({foreign, serving_on("good")});
  EXPECT_EQ(found.foreign.size(), 1U);
  EXPECT_THAT(found.holders, IsEmpty());
}

TEST_F(WebhookPodsTest, HavePatienceWithSilence) {
  const std::vector<WebhookPod> pods{serving_on("silent"), serving_on("good")};
  const WebhookPodPlan first = plan(pods);
  EXPECT_THAT(first.holders, IsEmpty());
  EXPECT_EQ(first.look_again, 60s);
  EXPECT_EQ(plan(pods, 20s).look_again, 40s);
  EXPECT_THAT(names_of_pods(plan(pods, 60s).remove), ElementsAre("on-silent"));

  standing["silent"] = Standing::kGood;
  EXPECT_THAT(plan(pods, 70s).holders, IsEmpty());
  standing["silent"] = Standing::kSilent;
  EXPECT_THAT(plan(pods, 80s).holders, IsEmpty()) << "it has answered in between";
  EXPECT_THAT(plan({serving_on("good")}, 90s).holders, IsEmpty());
  EXPECT_THAT(plan(pods, 145s).holders, IsEmpty()) << "it had no pod in between";
}

// Whoever wants its key to outlive its failing deletes the pod first.
TEST_F(WebhookPodsTest, LeaveTheKeyBehindOnANodeThatFailsLater) {
  held_by = {"good", "had", "was-silent"};
  WebhookPodPlan found = plan({serving_on("good")});
  EXPECT_EQ(found.failing, "");
  EXPECT_FALSE(found.connect_anew);
  standing["had"] = Standing::kFails;
  found = plan({serving_on("good")});
  EXPECT_EQ(found.failing, "had");
  EXPECT_THAT(found.holders, IsEmpty()) << "so that nothing has to be waited for";
  EXPECT_TRUE(found.connect_anew) << "an API server may have a connection to it";
  EXPECT_FALSE(plan({serving_on("good")}).connect_anew) << "once";

  standing.erase("had");
  standing["was-silent"] = Standing::kSilent;
  found = plan({serving_on("good")}, 1s);
  EXPECT_EQ(found.failing, "") << "it may be slow";
  ASSERT_TRUE(found.look_again.has_value());
  EXPECT_EQ(*found.look_again, 60s);
  EXPECT_EQ(plan({serving_on("good")}, 60s).failing, "");
  found = plan({serving_on("good")}, 61s);
  EXPECT_EQ(found.failing, "was-silent");
  EXPECT_TRUE(found.connect_anew);
}

// The end of an endpoint ends no connection to it.
TEST_F(WebhookPodsTest, AreLeftByApiServersOnceTheyAreNoEndpointsAnyMore) {
  held_by = {"bad", "good"};
  WebhookPod leaving = serving_on("bad");
  EXPECT_FALSE(plan({leaving, serving_on("good")}).connect_anew) << "it is an endpoint still";
  leaving.ends = after_begin(30s).wall;
  WebhookPodPlan found = plan({leaving, serving_on("good")}, 1s);
  EXPECT_EQ(found.failing, "bad");
  EXPECT_FALSE(found.connect_anew) << "nodes may not have heard of it";
  EXPECT_EQ(found.look_again, std::optional<std::chrono::milliseconds>(5s));
  EXPECT_TRUE(plan({leaving, serving_on("good")}, 6s).connect_anew);
  EXPECT_FALSE(plan({leaving, serving_on("good")}, 7s).connect_anew);
  EXPECT_TRUE(plan({serving_on("good")}, 8s).connect_anew) << "it is gone for good";
}

// Else kubelets take up to two minutes, and as long the former key would have to be accepted.
TEST_F(WebhookPodsTest, HaveTheirKubeletsRemindedOfANewKeyOnceThoseHaveHeardOfIt) {
  key = "new";
  WebhookPod knows = serving_on("other");
  knows.reminded_of = "new";
  WebhookPod leaving = serving_on("third");
  leaving.ends = after_begin(8s).wall;
  WebhookPod controller = serving_on("fourth");
  controller.is_controller = true;
  const std::vector<WebhookPod> pods{serving_on("bad"), serving_on("good"), knows,
                                     leaving,           controller,         serving_on("")};
  WebhookPodPlan found = plan(pods);
  EXPECT_THAT(found.remind, IsEmpty()) << "the Secret was written just now";
  EXPECT_EQ(found.look_again, 2s);
  found = plan(pods, 2s);
  EXPECT_THAT(names_of_pods(found.remind), ElementsAre("on-good"))
      << "one that fails is to have no new one";
  key = "newer";
  EXPECT_THAT(plan(pods, 3s).remind, IsEmpty());
  EXPECT_THAT(names_of_pods(plan(pods, 5s).remind), ElementsAre("on-good", "on-other"));
  key = "";
  EXPECT_THAT(plan(pods, 60s).remind, IsEmpty()) << "it is somebody else's to bring";
}

// Its Service's endpoints are told by labels too.
TEST_F(WebhookPodsTest, AreNotTheControllersWhichStaysWhereItIs) {
  WebhookPod controller = serving_on("bad");
  controller.is_controller = true;
  WebhookPodPlan found = plan({controller, serving_on("good")});
  EXPECT_THAT(found.holders, IsEmpty()) << "it has another key";
  EXPECT_THAT(found.remove, IsEmpty());
  EXPECT_THAT(found.foreign, IsEmpty());
  EXPECT_EQ(found.failing, "");
  controller.is_ours = false;
  EXPECT_EQ(plan({controller, serving_on("good")}).foreign.size(), 1U);
}

TEST_F(WebhookPodsTest, AreReadAsTheApiServerHasThem) {
  const auto read = webhook_pod(codec::parse_json(R"({"metadata":{"name":"w","uid":"u",
      "ownerReferences":[{"kind":"ReplicaSet","controller":true}],
      "deletionTimestamp":"2026-01-02T03:04:05Z"},
      "spec":{"nodeName":"n"},"status":{"phase":"Running",
      "conditions":[{"type":"Initialized","status":"True"},{"type":"Ready","status":"True"}]}})")
                                    .value());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->name + " " + read->uid + " " + read->node, "w u n");
  EXPECT_TRUE(read->ready);
  EXPECT_FALSE(read->ended);
  EXPECT_TRUE(read->is_ours);
  EXPECT_EQ(to_rfc3339(read->ends.value()), "2026-01-02T03:04:05Z");

  const auto plain = webhook_pod(codec::parse_json(R"({"metadata":{"name":"w","uid":"u"},
      "status":{"phase":"Failed","conditions":[{"type":"Ready","status":"False"}]}})")
                                     .value());
  ASSERT_TRUE(plain.has_value());
  EXPECT_FALSE(plain->ready);
  EXPECT_TRUE(plain->ended);
  EXPECT_FALSE(plain->is_ours);
  EXPECT_FALSE(plain->ends.has_value());
  EXPECT_EQ(plain->node, "");
  EXPECT_FALSE(plain->is_kept);
  const auto kept = webhook_pod(codec::parse_json(R"({"metadata":{"name":"w","uid":"u",
      "finalizers":["example.org/hold"]}})")
                                    .value());
  ASSERT_TRUE(kept.has_value());
  EXPECT_TRUE(kept->is_kept);
  EXPECT_FALSE(webhook_pod(codec::Json::Object{}).has_value());
  const auto reminded = webhook_pod(codec::parse_json(R"({"metadata":{"name":"w","uid":"u",
      "annotations":{"avouch.dev/webhook-key":"k"}}})")
                                        .value());
  ASSERT_TRUE(reminded.has_value());
  EXPECT_EQ(reminded->reminded_of, "k");
  for (const auto& [kind, is_ours] : {std::pair{"StatefulSet", true}, {"ReplicaSet", false}}) {
    const auto controller = webhook_pod(codec::parse_json(R"({"metadata":{"name":"c-0","uid":"u",
            "labels":{"app.kubernetes.io/component":"controller"},
            "ownerReferences":[{"controller":true,"kind":")" +
                                                          std::string(kind) + R"("}]}})")
                                            .value());
    ASSERT_TRUE(controller.has_value());
    EXPECT_TRUE(controller->is_controller);
    EXPECT_EQ(controller->is_ours, is_ours) << kind;
  }

  for (const char* metadata : {
           R"("annotations":{"kubernetes.io/config.mirror":"x"},
              "ownerReferences":[{"kind":"ReplicaSet","controller":true}])",
           R"("ownerReferences":[{"kind":"Node","controller":true}])",
           R"("ownerReferences":[{"kind":"ReplicaSet"}])", R"("ownerReferences":{})"}) {
    const auto foreign = webhook_pod(
        codec::parse_json(R"({"metadata":{"name":"w","uid":"u",)" + std::string(metadata) + "}}")
            .value());
    ASSERT_TRUE(foreign.has_value());
    EXPECT_FALSE(foreign->is_ours) << metadata;
  }
}

}  // namespace
}  // namespace avouch::control
