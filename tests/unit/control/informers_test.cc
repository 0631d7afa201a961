// What is kept of watched objects and of what is to be shown is enough to write no more than is
// due.

#include "control/informers.h"

#include <gtest/gtest.h>

#include "control/api_objects.h"
#include "control/api_writer.h"
#include "control/names.h"
#include "control/node_board.h"
#include "support/fake_kube.h"

namespace avouch::control {
namespace {

using codec::Json;
using testing::FakeKube;

const SystemTime kNow{std::chrono::seconds(1'800'000'000)};

Json parsed(const char* text) { return codec::parse_json(text).value(); }

Json evidence() {
  return parsed(R"({"apiVersion":"avouch.dev/v1alpha1","kind":"AttestationEvidence",
      "metadata":{"name":"n","labels":{"a":"b"}},"spec":{"nodeUID":"u"},
      "status":{"phase":"Trusted","verdict":{"token":"AAAA","trustVector":{"hardware":2}},
        "conditions":[{"type":"Attested","status":"True","reason":"r","message":"m",
                       "lastTransitionTime":"2026-11-28T10:00:00Z"}]}})");
}

TEST(EvidenceInformer, KeepsTheStatusAndNotWhatTheNodeClaims) {
  FakeKube server;
  const Json stored = server.put(kube::attestation_evidences(), evidence());
  const Json kept = evidence_informer_options().keep(stored);
  EXPECT_EQ(kept.find("spec"), nullptr);
  const Json again = evidence_as_kept(kept);
  EXPECT_EQ(*again.find("status"), *stored.find("status"));
  for (const char* name : {"name", "uid", "resourceVersion"}) {
    EXPECT_EQ(again.text({"metadata", name}), stored.text({"metadata", name})) << name;
    EXPECT_FALSE(again.text({"metadata", name}).empty());
  }
}

TEST(EvidenceInformer, KeptStatusesThatAreRightAreNotWrittenAgain) {
  FakeKube server;
  const kube::Client client(server);
  const Json stored = server.put(kube::attestation_evidences(), evidence());
  const Json live = evidence_as_kept(evidence_informer_options().keep(stored));
  Json wanted = *stored.find("status");
  (*wanted["conditions"].as_array())[0].as_object()->erase("lastTransitionTime");
  const auto sync = [&] {
    return sync_status(client, kube::attestation_evidences(), "AttestationEvidence", "n",
                       std::string(stored.text({"metadata", "uid"})), wanted, &live, kNow)
        .has_value();
  };
  server.clear_requests();
  EXPECT_TRUE(sync());
  EXPECT_TRUE(server.requests().empty());
  wanted["phase"] = "Contraindicated";
  EXPECT_TRUE(sync());
  EXPECT_FALSE(server.requests().empty());
  EXPECT_EQ(server.peek(kube::attestation_evidences(), "n")->text({"status", "phase"}),
            "Contraindicated");
}

TEST(EvidenceInformer, TakesAnObjectWithoutStatusForOne) {
  Json without = evidence();
  without.as_object()->erase("status");
  const Json again = evidence_as_kept(evidence_informer_options().keep(without));
  EXPECT_EQ(again.find("status"), nullptr);
  // Not of our making: as if nothing were there, so that it is written.
  EXPECT_TRUE(evidence_as_kept(parsed(R"({"status":"{broken"})")).find("status")->is_null());
}

TEST(NodeInformer, KeepsWhatTheWorkersCompare) {
  Json node = parsed(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n","uid":"u",
      "resourceVersion":"7","labels":{"pool":"p","more":"labels"}},
      "spec":{"taints":[{"key":"theirs","effect":"NoExecute"}],"podCIDR":"10.0.0.0/24"},
      "status":{"images":["large"],"conditions":[{"type":"Ready","status":"True"},
        {"type":"Attested","status":"True","reason":"r","message":"m"}]}})");
  node["metadata"]["labels"][kAttestedLabel] = "true";
  const kube::InformerOptions options = node_informer_options();
  options.trim(node);
  EXPECT_EQ(node.text({"metadata", "labels", "pool"}), "p");  // the appraiser is told all labels
  const Json kept = options.keep(node);
  EXPECT_EQ(kept.find_path({"metadata", "labels", "pool"}), nullptr);
  EXPECT_EQ(kept.text({"metadata", "labels", kAttestedLabel}), "true");
  EXPECT_EQ(kept.text({"metadata", "resourceVersion"}), "7");
  EXPECT_EQ(kept.find_path({"spec", "podCIDR"}), nullptr);
  for (const NodeSignals& signals :
       {NodeSignals{attest::TaintEffect::kNone, true, AttestedCondition{"True", "r", "m"}},
        NodeSignals{attest::TaintEffect::kNoSchedule, false, std::nullopt}}) {
    EXPECT_EQ(node_patch(kept, signals, kNow).has_value(),
              node_patch(node, signals, kNow).has_value());
    EXPECT_EQ(node_condition_patch(kept, signals, kNow).has_value(),
              node_condition_patch(node, signals, kNow).has_value());
  }
}

TEST(NodeBoard, GivesBackWhatWasPutLast) {
  NodeBoard board;
  EXPECT_FALSE(board.find("n").has_value());
  NodeOutlook outlook{"n",
                      "node-uid",
                      "evidence-uid",
                      {attest::TaintEffect::kNoExecute, true, AttestedCondition{"True", "r", "m"}},
                      *evidence().find("status")};
  board.put(outlook);
  const auto found = board.find("n");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->name, "n");
  EXPECT_EQ(found->node_uid, "node-uid");
  EXPECT_EQ(found->evidence_uid, "evidence-uid");
  EXPECT_EQ(found->signals, outlook.signals);
  EXPECT_EQ(found->status, outlook.status);
  outlook.status = {};
  board.put(outlook);
  EXPECT_TRUE(board.find("n")->status.is_null());
  board.erase("n");
  EXPECT_FALSE(board.find("n").has_value());
}

}  // namespace
}  // namespace avouch::control
