// What is told of the webhook configuration, and when.

#include "control/admission_guard.h"

#include <gtest/gtest.h>

#include "support/paths.h"
#include "support/process.h"

namespace avouch::control {
namespace {

using namespace std::chrono_literals;
using codec::Json;
using Status = GuardState::Status;

std::string rendered() {
  return testing::read_text((testing::vectors_dir() / "chart/webhooks.json").string());
}
Json config_map(const std::string& text = rendered()) {
  return Json::Object{{"data", Json::Object{{"webhooks.json", text}}}};
}
Json configuration(std::string_view failure_policy = "Fail") {
  Json webhooks = codec::parse_json(rendered()).value();
  for (Json& webhook : *webhooks.as_array()) {
    if (webhook.text({"name"}) == "pods.avouch.dev") webhook["failurePolicy"] = failure_policy;
  }
  return Json::Object{{"metadata", Json::Object{{"uid", "u"}}}, {"webhooks", webhooks}};
}
std::string with_timeout(int seconds) {
  Json webhooks = codec::parse_json(rendered()).value();
  for (Json& webhook : *webhooks.as_array()) webhook["timeoutSeconds"] = seconds;
  return codec::to_json(webhooks);
}

class Guard : public ::testing::Test {
 protected:
  AdmissionGuard::News expect(const std::string& text = rendered()) {
    const Json map = config_map(text);
    return guard.expect(&map, now);
  }
  AdmissionGuard::News see(const Json& live) { return guard.see(&live, now); }
  void tick() { guard.tick(AdmissionGuard::Watched::kYes, now); }
  std::string reason() const { return guard.state() ? guard.state()->reason : ""; }

  SteadyTime now{1000s};
  AdmissionGuard guard{"avouch", "avouch-controller", now};
};

TEST_F(Guard, SaysNothingUntilBothAreRead) {
  EXPECT_FALSE(see(configuration()).has_value());
  EXPECT_FALSE(guard.state().has_value());
  const auto news = expect();
  ASSERT_TRUE(news.has_value());
  EXPECT_EQ(news->status, Status::kTrue);
  EXPECT_EQ(news->deviations, 0U);
  EXPECT_EQ(guard.departures(), 0U);
}

TEST_F(Guard, TellsAnEditAtOnceAndOnceAndThatItWasPutBack) {
  expect();
  see(configuration());
  const auto edited = see(configuration("Ignore"));
  ASSERT_TRUE(edited.has_value());
  EXPECT_EQ(edited->status, Status::kFalse);
  EXPECT_EQ(edited->reason, "ConfigurationChanged");
  EXPECT_EQ(edited->deviations, 1U);
  EXPECT_NE(edited->message.find(R"(pods.avouch.dev: failurePolicy is "Ignore", expected "Fail")"),
            std::string::npos)
      << edited->message;
  EXPECT_NE(edited->message.find("helm upgrade"), std::string::npos);
  EXPECT_LE(edited->message.size(), 1024U);
  EXPECT_FALSE(see(configuration("Ignore")).has_value());

  const auto restored = see(configuration());
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ(restored->status, Status::kTrue);
  EXPECT_EQ(guard.departures(), 1U);
}

TEST_F(Guard, TellsADeletionAtOnceWhereTheConfigurationWasThere) {
  expect();
  see(configuration());
  const auto deleted = guard.see(nullptr, now);
  ASSERT_TRUE(deleted.has_value());
  EXPECT_EQ(deleted->status, Status::kFalse);
  EXPECT_EQ(deleted->reason, "ConfigurationAbsent");
  EXPECT_EQ(deleted->deviations, 1U);
  EXPECT_EQ(guard.departures(), 1U);
  EXPECT_EQ(guard.configuration_uid(), "u");
}

TEST_F(Guard, AwaitsOneThatWasNeverThereForABoundedTime) {
  expect();
  guard.see(nullptr, now);
  EXPECT_EQ(reason(), "ConfigurationAwaited");
  EXPECT_EQ(guard.state()->deviations, 0U);
  now += AdmissionGuard::kPatience - 1ms;
  tick();
  EXPECT_EQ(reason(), "ConfigurationAwaited");
  now += 1ms;
  tick();
  EXPECT_EQ(reason(), "ConfigurationAbsent");
  EXPECT_EQ(guard.departures(), 1U);
}

TEST_F(Guard, AwaitsTheConfigurationOfAChangedReleaseAndNoOther) {
  expect();
  see(configuration());
  expect(with_timeout(7));
  EXPECT_EQ(reason(), "ConfigurationAwaited");
  see(configuration("Ignore"));
  EXPECT_EQ(reason(), "ConfigurationChanged");
  see(configuration());
  EXPECT_EQ(reason(), "ConfigurationAwaited");
  now += AdmissionGuard::kPatience;
  tick();
  EXPECT_EQ(reason(), "ConfigurationChanged");
}

TEST_F(Guard, DoesNotKnowWithoutAnExpectationAndSaysSo) {
  see(configuration());
  guard.expect(nullptr, now);
  EXPECT_EQ(reason(), "ExpectationUnknown");
  EXPECT_EQ(guard.state()->status, Status::kUnknown);
  EXPECT_EQ(guard.state()->deviations, 1U);
  expect("[]");
  EXPECT_EQ(reason(), "ExpectationUnknown");
  expect();
  EXPECT_EQ(reason(), "AsInstalled");
  // Taken away later, it hides nothing.
  guard.expect(nullptr, now);
  guard.see(nullptr, now);
  EXPECT_EQ(reason(), "ConfigurationAbsent");
}

TEST_F(Guard, DoesNotCallOldKnowledgeGood) {
  expect();
  see(configuration());
  guard.tick(AdmissionGuard::Watched::kNo, now);
  EXPECT_EQ(reason(), "AsInstalled");  // the watches are only beginning
  now += AdmissionGuard::kPatience;
  guard.tick(AdmissionGuard::Watched::kNo, now);
  EXPECT_EQ(reason(), "ConfigurationNotWatched");
  EXPECT_EQ(guard.state()->deviations, 1U);
  tick();
  EXPECT_EQ(reason(), "AsInstalled");
}

TEST_F(Guard, DoesNotWaitForEverForWhatCannotBeRead) {
  now += AdmissionGuard::kPatience;
  tick();
  EXPECT_EQ(reason(), "ConfigurationNotWatched");
}

TEST_F(Guard, SaysWhereTheControllersOwnPartCannotBeSet) {
  expect();
  see(configuration());
  const auto news = guard.shares_kept("patch is forbidden", now);
  ASSERT_TRUE(news.has_value());
  EXPECT_EQ(news->status, Status::kFalse);
  EXPECT_NE(news->message.find("patch is forbidden"), std::string::npos);
  guard.shares_kept("", now);
  EXPECT_EQ(reason(), "AsInstalled");
}

TEST_F(Guard, MakesACondition) {
  expect();
  see(configuration());
  const Json condition = guard.state()->condition();
  EXPECT_EQ(condition.text({"type"}), "Guarded");
  EXPECT_EQ(condition.text({"status"}), "True");
  EXPECT_EQ(condition.text({"reason"}), "AsInstalled");
  guard.see(nullptr, now);
  EXPECT_EQ(guard.state()->condition().text({"status"}), "False");
  guard.see(nullptr, now);
  AdmissionGuard fresh{"avouch", "avouch-controller", now};
  const Json map = config_map();
  fresh.expect(&map, now);
  fresh.see(nullptr, now);
  EXPECT_EQ(fresh.state()->condition().text({"status"}), "Unknown");
}

}  // namespace
}  // namespace avouch::control
