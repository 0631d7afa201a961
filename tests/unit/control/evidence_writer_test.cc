// A status is written when it has to be, and read only then.

#include "control/evidence_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "control/informers.h"
#include "control/status_digest.h"
#include "support/fake_kube.h"

namespace avouch::control {
namespace {

using codec::Json;
using testing::FakeKube;

const SystemTime kNow{std::chrono::seconds(1'800'000'000)};

Json parsed(const char* text) { return codec::parse_json(text).value(); }

// Without the times of transitions, as an outlook is.
Json wanted_status() {
  return parsed(R"({"phase":"Trusted","verdict":{"token":"AAAA","trustVector":{"hardware":2}},
        "conditions":[{"type":"Enrolled","status":"True","reason":"e","message":"m"},
                      {"type":"Attested","status":"True","reason":"r","message":"m"}]})");
}

class EvidenceWriterTest : public ::testing::Test {
 protected:
  EvidenceWriterTest() {
    server.put(kube::attestation_evidences(),
               parsed(R"({"apiVersion":"avouch.dev/v1alpha1","kind":"AttestationEvidence",
                          "metadata":{"name":"n"},"spec":{"nodeUID":"u"}})"));
  }

  Json live() { return *server.peek(kube::attestation_evidences(), "n"); }
  // As the informer would: it has the newest.
  kube::ObjectPtr find() {
    const auto object = server.peek(kube::attestation_evidences(), "n");
    if (!object) return nullptr;
    return std::make_shared<const Json>(evidence_informer_options().keep(*object));
  }
  void want(Json status) {
    board.put({"n", "", std::string(live().text({"metadata", "uid"})), {}, std::move(status)});
  }
  void sync() {
    server.clear_requests();
    EXPECT_TRUE(writer.sync("n", kNow).has_value());
  }
  void write_as_another(const std::string& merge_patch) {
    const auto patched = client.patch(kube::attestation_evidences(), "n", kube::PatchType::kMerge,
                                      codec::parse_json(merge_patch).value(), "status");
    ASSERT_TRUE(patched.has_value()) << patched.error().message;
  }
  bool is_settled() { return !board.find_status("n")->status.has_value(); }

  FakeKube server;
  kube::Client client{server};
  NodeBoard board;
  std::vector<std::string> asked;
  EvidenceWriter writer{client, board, [this](const std::string&) { return find(); },
                        [this](const std::string& name) { asked.push_back(name); }};
};

TEST_F(EvidenceWriterTest, WritesOnceAndKeepsADigest) {
  want(wanted_status());
  sync();
  EXPECT_EQ(live().text({"status", "phase"}), "Trusted");
  EXPECT_FALSE(live()
                   .find_path({"status", "conditions"})
                   ->as_array()
                   ->front()
                   .text({"lastTransitionTime"})
                   .empty());
  EXPECT_FALSE(is_settled()) << "until it has been seen";
  sync();
  EXPECT_TRUE(server.requests().empty());
  EXPECT_TRUE(is_settled());
  sync();
  EXPECT_TRUE(server.requests().empty());
  EXPECT_TRUE(asked.empty());
}

TEST_F(EvidenceWriterTest, AsksForTheOutlookAgainWhenSomebodyElseHasWritten) {
  want(wanted_status());
  sync();
  sync();
  ASSERT_TRUE(is_settled());
  for (const char* tampered :
       {R"({"status":{"phase":"Contraindicated"}})", R"({"status":{"verdict":null}})",
        R"({"status":{"more":1}})", R"({"status":{"conditions":null}})",
        R"({"status":{"conditions":[{"type":"Attested","status":"False","reason":"r","message":"m",
             "lastTransitionTime":"2026-01-01T00:00:00Z"}]}})"}) {
    asked.clear();
    write_as_another(tampered);
    sync();
    EXPECT_EQ(asked, std::vector<std::string>{"n"}) << tampered;
    EXPECT_TRUE(server.requests().empty());
    want(wanted_status());  // which the appraiser does then
    sync();
    EXPECT_EQ(digest_of_live(*live().find("status")), digest_of_wanted(wanted_status()))
        << tampered;
    sync();
    EXPECT_TRUE(is_settled()) << tampered;
  }
}

TEST_F(EvidenceWriterTest, LeavesWhatIsNotOurs) {
  want(wanted_status());
  sync();
  sync();
  Json with_theirs = *live().find("status");
  with_theirs["conditions"].as_array()->push_back(
      parsed(R"({"type":"Theirs","status":"True","reason":"r","message":"m"})"));
  write_as_another(codec::to_json(Json(Json::Object{{"status", with_theirs}})));
  sync();
  EXPECT_TRUE(server.requests().empty());
  EXPECT_TRUE(asked.empty());
}

TEST_F(EvidenceWriterTest, WritesNothingForAnObjectThatIsAnotherOrGone) {
  want(wanted_status());
  board.put({"n", "", "another-uid", {}, wanted_status()});
  sync();
  EXPECT_TRUE(server.requests().empty());
  want(wanted_status());
  server.erase(kube::attestation_evidences(), "n");
  sync();
  EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace avouch::control
