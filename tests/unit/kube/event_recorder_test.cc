#include "kube/event_recorder.h"

#include <gtest/gtest.h>

#include "support/fake_kube.h"
#include "support/manual_clock.h"

namespace avouch::kube {
namespace {

using testing::FakeKube;
using testing::ManualClock;

class EventRecorderTest : public ::testing::Test {
 protected:
  std::vector<Json> recorded() { return client_.list(events("default")).value().items; }

  FakeKube kube_;
  ManualClock clock_;
  Client client_{kube_};
  EventRecorder recorder_{client_, clock_, "avouch-controller", "pod-1"};
  ObjectReference node_ = reference_to(*codec::parse_json(
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n1","uid":"u1"}})"));
};

TEST_F(EventRecorderTest, WritesWhatKubectlShows) {
  ASSERT_TRUE(
      recorder_.record(node_, EventType::kWarning, "PcrMismatch", "PCR 8 differs").has_value());
  const auto all = recorded();
  ASSERT_EQ(all.size(), 1U);
  const Json& event = all[0];
  EXPECT_EQ(event.text({"type"}), "Warning");
  EXPECT_EQ(event.text({"reason"}), "PcrMismatch");
  EXPECT_EQ(event.text({"message"}), "PCR 8 differs");
  EXPECT_EQ(event.text({"involvedObject", "kind"}), "Node");
  EXPECT_EQ(event.text({"involvedObject", "uid"}), "u1");
  EXPECT_EQ(event.text({"source", "component"}), "avouch-controller");
  EXPECT_EQ(event.text({"firstTimestamp"}), "2027-01-15T08:00:00Z");
  EXPECT_EQ(*event.find("count")->as_int(), 1);
  EXPECT_TRUE(event.text({"metadata", "name"}).starts_with("n1."));
}

TEST_F(EventRecorderTest, CountsWhatItHasSaidBeforeAlsoInAnotherProcess) {
  ASSERT_TRUE(recorder_.record(node_, EventType::kNormal, "Attested", "m").has_value());
  clock_.advance(std::chrono::seconds(60));
  const EventRecorder restarted(client_, clock_, "avouch-controller", "pod-2");
  ASSERT_TRUE(restarted.record(node_, EventType::kNormal, "Attested", "m").has_value());
  const auto all = recorded();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(*all[0].find("count")->as_int(), 2);
  EXPECT_EQ(all[0].text({"firstTimestamp"}), "2027-01-15T08:00:00Z");
  EXPECT_EQ(all[0].text({"lastTimestamp"}), "2027-01-15T08:01:00Z");
}

TEST_F(EventRecorderTest, KeepsApartWhatDiffersInAnyPart) {
  ObjectReference again = node_;
  again.uid = "u2";
  ASSERT_TRUE(recorder_.record(node_, EventType::kNormal, "A", "m").has_value());
  ASSERT_TRUE(recorder_.record(again, EventType::kNormal, "A", "m").has_value());
  ASSERT_TRUE(recorder_.record(node_, EventType::kWarning, "A", "m").has_value());
  ASSERT_TRUE(recorder_.record(node_, EventType::kNormal, "B", "m").has_value());
  ASSERT_TRUE(recorder_.record(node_, EventType::kNormal, "A", "n").has_value());
  ASSERT_TRUE(recorder_.record(node_, EventType::kNormal, "Am", "").has_value());
  EXPECT_EQ(recorded().size(), 6U);
}

TEST_F(EventRecorderTest, CutsLongWordsBetweenCharacters) {
  std::string message(1023, 'a');
  message += "\xc3\xa9\xc3\xa9";
  ASSERT_TRUE(
      recorder_.record(node_, EventType::kNormal, std::string(200, 'R'), message).has_value());
  const Json event = recorded()[0];
  EXPECT_EQ(event.text({"message"}), std::string(1023, 'a'));
  EXPECT_EQ(event.text({"reason"}).size(), 128U);
}

TEST_F(EventRecorderTest, FitsLongNodeNamesIntoTheEventsName) {
  node_.name = std::string(253, 'n');
  ASSERT_TRUE(recorder_.record(node_, EventType::kNormal, "A", "m").has_value());
  EXPECT_EQ(recorded()[0].text({"metadata", "name"}).size(), 253U);
}

TEST_F(EventRecorderTest, WritesBesideNamespacedObjects) {
  const ObjectReference pod = reference_to(*codec::parse_json(
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"a","uid":"u"}})"));
  ASSERT_TRUE(recorder_.record(pod, EventType::kNormal, "A", "m").has_value());
  EXPECT_EQ(client_.list(events("a")).value().items.size(), 1U);
}

TEST_F(EventRecorderTest, RefusesAnEventAboutNothing) {
  EXPECT_FALSE(recorder_.record({}, EventType::kNormal, "A", "m").has_value());
}

TEST_F(EventRecorderTest, ReportsWhatTheServerSays) {
  kube_.answer_next(testing::status_answer(403, "Forbidden", "no"));
  const auto outcome = recorder_.record(node_, EventType::kNormal, "A", "m");
  ASSERT_FALSE(outcome.has_value());
  EXPECT_TRUE(outcome.error().is_forbidden());
}

}  // namespace
}  // namespace avouch::kube
