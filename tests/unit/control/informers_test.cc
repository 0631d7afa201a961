// What is kept of watched objects and of what is to be shown is enough to write no more than is
// due.

#include "control/informers.h"

#include <gtest/gtest.h>

#include "control/api_objects.h"
#include "control/names.h"
#include "control/node_board.h"
#include "control/status_digest.h"
#include "support/fake_kube.h"

namespace avouch::control {
namespace {

using codec::Json;
using testing::FakeKube;

const SystemTime kBegan{std::chrono::seconds(1'800'000'000)};

Json object(const char* text) { return codec::parse_json(text).value(); }

Json evidence() {
  return object(R"({"apiVersion":"avouch.dev/v1alpha1","kind":"AttestationEvidence",
      "metadata":{"name":"n","labels":{"a":"b"}},"spec":{"nodeUID":"u"},
      "status":{"phase":"Trusted","verdict":{"token":"AAAA","trustVector":{"hardware":2}},
        "conditions":[{"type":"Attested","status":"True","reason":"r","message":"m",
                       "lastTransitionTime":"2026-11-28T10:00:00Z"}]}})");
}

TEST(EvidenceInformer, KeepsADigestOfTheStatusAndNothingOfWhatTheNodeClaims) {
  FakeKube server;
  const Json stored = server.put(kube::attestation_evidences(), evidence());
  const Json kept = evidence_informer_options().keep(stored);
  EXPECT_EQ(kept.find("spec"), nullptr);
  EXPECT_EQ(kept.find("status"), nullptr);
  EXPECT_EQ(kept_status_digest(kept), digest_of_live(*stored.find("status")));
  for (const char* name : {"name", "uid", "resourceVersion"}) {
    EXPECT_EQ(kept.text({"metadata", name}), stored.text({"metadata", name})) << name;
    EXPECT_FALSE(kept.text({"metadata", name}).empty());
  }
  Json without = evidence();
  without.as_object()->erase("status");
  EXPECT_FALSE(kept_status_digest(evidence_informer_options().keep(without)).has_value());
  EXPECT_FALSE(kept_status_digest(object(R"({"statusDigest":"00"})")).has_value());
}

TEST(NodeInformer, KeepsWhatTheWorkersCompare) {
  Json node = object(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n","uid":"u",
      "resourceVersion":"7","labels":{"pool":"p","more":"labels"}},
      "spec":{"taints":[{"key":"theirs","effect":"NoExecute"}],"podCIDR":"10.0.0.0/24"},
      "status":{"images":["large"],"conditions":[{"type":"Ready","status":"True"},
        {"type":"Attested","status":"True","reason":"r","message":"m"}]}})");
  node["metadata"]["labels"][kAttestedLabel] = "true";
  const kube::InformerOptions options = node_informer_options();
  node = kube::parse_object(codec::to_json(node), options.max_object_bytes, options.read).value();
  EXPECT_EQ(node.find_path({"status", "images"}), nullptr);
  EXPECT_EQ(node.find_path({"status", "conditions"})->as_array()->size(), 1U);
  EXPECT_EQ(node.text({"metadata", "labels", "pool"}), "p");  // the appraiser is told all labels
  const Json kept = options.keep(node);
  EXPECT_EQ(kept.find_path({"metadata", "labels", "pool"}), nullptr);
  EXPECT_EQ(kept.text({"metadata", "labels", kAttestedLabel}), "true");
  EXPECT_EQ(kept.text({"metadata", "resourceVersion"}), "7");
  EXPECT_EQ(kept.find_path({"spec", "podCIDR"}), nullptr);
  for (const NodeSignals& signals :
       {NodeSignals{attest::TaintEffect::kNone, true, AttestedCondition{"True", "r", "m"}},
        NodeSignals{attest::TaintEffect::kNoSchedule, false, std::nullopt}}) {
    EXPECT_EQ(node_patch(kept, signals, kBegan).has_value(),
              node_patch(node, signals, kBegan).has_value());
    EXPECT_EQ(node_condition_patch(kept, signals, kBegan).has_value(),
              node_condition_patch(node, signals, kBegan).has_value());
  }
}

// A kubelet may write megabytes into its own Node, and each byte may be six as JSON: a Node that
// could not be read would be left as it was, trusted.
TEST(NodeInformer, ReadsANodeAsLargeAsOneCanBeStored) {
  const kube::InformerOptions options = node_informer_options();
  std::string escaped;
  for (int i = 0; i < 3 * 1024 * 1024 / 2; ++i) escaped += "\\u003c";
  const std::string node = R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n","uid":"u",
      "resourceVersion":"7"},"status":{"conditions":[{"type":"Zzz","status":"True","message":")" +
                           escaped + R"("},{"type":"Attested","status":"True"}]}})";
  const auto read = kube::parse_object(node, options.max_object_bytes, options.read);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->text({"metadata", "name"}), "n");
  EXPECT_EQ(read->find_path({"status", "conditions"})->as_array()->size(), 1U);
  EXPECT_LT(codec::to_json(*read).size(), 1000U);
}

TEST(NodeBoard, GivesBackWhatWasPutLast) {
  NodeBoard board;
  EXPECT_FALSE(board.find_node("n").has_value());
  EXPECT_FALSE(board.find_status("n").has_value());
  NodeOutlook outlook{"n",
                      "node-uid",
                      "evidence-uid",
                      {attest::TaintEffect::kNoExecute, true, AttestedCondition{"True", "r", "m"}},
                      *evidence().find("status")};
  board.put(outlook);
  const auto node = board.find_node("n");
  ASSERT_TRUE(node.has_value());
  EXPECT_EQ(node->name, "n");
  EXPECT_EQ(node->node_uid, "node-uid");
  EXPECT_EQ(node->signals, outlook.signals);
  const auto status = board.find_status("n");
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->evidence_uid, "evidence-uid");
  EXPECT_EQ(status->digest, digest_of_wanted(outlook.status));
  EXPECT_EQ(status->status, outlook.status);
  board.erase("n");
  EXPECT_FALSE(board.find_node("n").has_value());
  EXPECT_FALSE(board.find_status("n").has_value());
}

TEST(NodeBoard, KnowsWhetherAnyNodeIsAttested) {
  NodeBoard board;
  NodeOutlook a, b;
  a.name = "a";
  b.name = "b";
  board.put(a);
  EXPECT_FALSE(board.any_attested());
  a.signals.label = b.signals.label = true;
  board.put(a);
  board.put(a);
  board.put(b);
  board.erase("b");
  board.erase("b");
  EXPECT_TRUE(board.any_attested());
  a.signals.label = false;
  board.put(a);
  EXPECT_FALSE(board.any_attested());
}

TEST(NodeBoard, ForgetsAStatusThatIsShownAndNoOther) {
  NodeBoard board;
  NodeOutlook outlook{"n", "", "evidence-uid", {}, *evidence().find("status")};
  const crypto::Sha256 first = digest_of_wanted(outlook.status);
  board.settle("n", first);
  board.put(outlook);
  outlook.status["phase"] = "Stale";
  board.put(outlook);
  board.settle("n", first);  // came too late
  EXPECT_EQ(board.find_status("n")->status, outlook.status);
  board.settle("n", digest_of_wanted(outlook.status));
  EXPECT_FALSE(board.find_status("n")->status.has_value());
  EXPECT_EQ(board.find_status("n")->digest, digest_of_wanted(outlook.status));
}

}  // namespace
}  // namespace avouch::control
