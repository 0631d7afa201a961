// What the controller puts on Nodes, on an API server in memory: its own signals and nobody else's.

#include <gtest/gtest.h>

#include "control/api_writer.h"
#include "control/names.h"
#include "kube/views.h"
#include "support/fake_kube.h"

namespace avouch::control {
namespace {

using attest::TaintEffect;
using codec::Json;
using testing::FakeKube;

const SystemTime kSignalTime{std::chrono::seconds(1'800'000'000)};

class NodeSignalsTest : public ::testing::Test {
 protected:
  NodeSignalsTest() {
    Json node = codec::parse_json(R"({"metadata":{"name":"n","labels":{"pool":"p"}},
      "spec":{"taints":[{"key":"theirs","value":"v","effect":"NoExecute"}]},
      "status":{"conditions":[{"type":"Ready","status":"True"}]}})")
                    .value();
    outlook.name = "n";
    outlook.node_uid = std::string(server.put(kube::nodes(), node).text({"metadata", "uid"}));
  }
  Json live() { return *server.peek(kube::nodes(), "n"); }
  void sync() {
    const Json seen = live();
    const auto synced = sync_node(client, outlook, &seen, kSignalTime);
    ASSERT_TRUE(synced.has_value()) << synced.error().message;
  }
  // "key[=value]:effect" of every taint of ours, "key:effect" of others, in order.
  std::string taints() {
    std::string out;
    const Json node = live();
    const Json* list = node.find_path({"spec", "taints"});
    if (list == nullptr || list->as_array() == nullptr) return out;
    for (const Json& taint : *list->as_array()) {
      const bool is_ours = taint.text({"key"}) == kTaintKey;
      const std::string value(is_ours ? taint.text({"value"}) : "");
      out += (out.empty() ? "" : " ") + std::string(taint.text({"key"})) +
             (value.empty() ? "" : "=" + value) + ":" + std::string(taint.text({"effect"}));
    }
    return out;
  }
  std::string label() {
    const Json node = live();
    const Json* labels = node.find_path({"metadata", "labels"});
    const Json* value = labels == nullptr ? nullptr : labels->find(kAttestedLabel);
    return value == nullptr || value->as_string() == nullptr ? "" : *value->as_string();
  }
  std::string attested() {
    const Json node = live();
    for (const Json& condition : *node.find_path({"status", "conditions"})->as_array()) {
      if (condition.text({"type"}) == kAttestedCondition) {
        return std::string(condition.text({"status"}));
      }
    }
    return "";
  }

  FakeKube server;
  kube::Client client{server};
  NodeOutlook outlook;
};

TEST_F(NodeSignalsTest, AreSetBesideWhatOthersSet) {
  outlook.signals = {TaintEffect::kNoSchedule, false,
                     AttestedCondition{"False", "PcrMismatch", "m"}};
  sync();
  EXPECT_EQ(taints(), "theirs:NoExecute avouch.dev/unattested:NoSchedule");
  EXPECT_EQ(attested(), "False");
  EXPECT_EQ(label(), "");

  outlook.signals = {TaintEffect::kNone, true, AttestedCondition{"True", "Attested", "m"}};
  sync();
  EXPECT_EQ(taints(), "theirs:NoExecute");
  EXPECT_EQ(attested(), "True");
  EXPECT_EQ(label(), "true");
  EXPECT_EQ(live().text({"metadata", "labels", "pool"}), "p");
}

TEST_F(NodeSignalsTest, ComeBackWhenSomebodyRemovesOrForgesThem) {
  outlook.signals = {TaintEffect::kNoSchedule, false,
                     AttestedCondition{"False", "PcrMismatch", "m"}};
  sync();
  Json forged = live();
  forged["spec"]["taints"] = Json::Array{};
  forged["metadata"]["labels"][std::string(kAttestedLabel)] = "true";
  forged["status"]["conditions"] =
      codec::parse_json(R"([{"type":"Attested","status":"True","reason":"Fine","message":"x"}])")
          .value();
  server.put(kube::nodes(), forged);
  sync();
  EXPECT_EQ(taints(), "avouch.dev/unattested:NoSchedule");
  EXPECT_EQ(attested(), "False");
  EXPECT_EQ(label(), "");
}

TEST_F(NodeSignalsTest, AreWrittenOnceWhenTheyAreRight) {
  outlook.signals = {TaintEffect::kNoSchedule, false,
                     AttestedCondition{"False", "PcrMismatch", "m"}};
  sync();
  server.clear_requests();
  sync();
  EXPECT_TRUE(server.requests().empty());
}

// The webhook's pods tolerate the taint, but not with this value.
TEST_F(NodeSignalsTest, TellANodeThatFailsFromOneThatIsNotJudgedYet) {
  outlook.signals = {TaintEffect::kNoExecute, false,
                     AttestedCondition{"Unknown", "Enrolling", "m"}};
  sync();
  EXPECT_EQ(taints(), "theirs:NoExecute avouch.dev/unattested:NoExecute");
  Json earlier = live();
  (*earlier["spec"]["taints"].as_array())[1]["timeAdded"] = "2026-01-02T03:04:05Z";
  server.put(kube::nodes(), earlier);

  for (const Standing standing : {Standing::kFails, Standing::kSilent}) {
    outlook.signals.standing = standing;
    sync();
    EXPECT_EQ(taints(), "theirs:NoExecute avouch.dev/unattested=failing:NoExecute");
    EXPECT_EQ((*live().find_path({"spec", "taints"})->as_array())[1].text({"timeAdded"}),
              "2026-01-02T03:04:05Z")
        << "what is being evicted must not wait anew";
  }
  Json forged = live();
  (*forged["spec"]["taints"].as_array())[1]["value"] = "";
  server.put(kube::nodes(), forged);
  sync();
  EXPECT_EQ(taints(), "theirs:NoExecute avouch.dev/unattested=failing:NoExecute");
  outlook.signals.standing = Standing::kGood;
  sync();
  EXPECT_EQ(taints(), "theirs:NoExecute avouch.dev/unattested:NoExecute");
}

TEST_F(NodeSignalsTest, AreNotPutOnAnotherNodeOfThatName) {
  outlook.node_uid = "of-the-old-node";
  outlook.signals = {TaintEffect::kNone, true, AttestedCondition{"True", "Attested", "m"}};
  sync();
  EXPECT_EQ(label(), "");
  EXPECT_EQ(attested(), "");
}

TEST_F(NodeSignalsTest, WinARaceWithAnotherWriterWithoutLosingItsTaint) {
  outlook.signals = {TaintEffect::kNoSchedule, false,
                     AttestedCondition{"False", "PcrMismatch", "m"}};
  const Json stale = live();
  Json changed = live();
  changed["spec"]["taints"] = codec::parse_json(R"([{"key":"new","effect":"NoSchedule"}])").value();
  server.put(kube::nodes(), changed);
  ASSERT_TRUE(sync_node(client, outlook, &stale, kSignalTime).has_value());
  EXPECT_EQ(taints(), "new:NoSchedule avouch.dev/unattested:NoSchedule");
}

TEST_F(NodeSignalsTest, AreSetOnANodeThatHasMadeItsObjectLarge) {
  Json large = live();
  large["status"]["conditions"].as_array()->push_back(
      Json::Object{{"type", "Zzz"}, {"message", std::string(8 * 1024 * 1024, 'x')}});
  server.put(kube::nodes(), large);
  outlook.signals = {TaintEffect::kNoExecute, false,
                     AttestedCondition{"False", "PcrMismatch", "m"}};
  sync();
  EXPECT_EQ(taints(), "theirs:NoExecute avouch.dev/unattested:NoExecute");
  EXPECT_EQ(attested(), "False");
}

}  // namespace
}  // namespace avouch::control
