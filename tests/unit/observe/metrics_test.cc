#include "observe/metrics.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "support/contains.h"

namespace avouch::observe {
namespace {

using testing::contains;

TEST(MetricsText, GivesEveryMetricItsHelpAndType) {
  Metrics metrics;
  metrics.counter("avouch_decisions_total", "Decisions by result.", {{"result", "deny"}}).add(2);
  metrics.gauge("avouch_spool_bytes", "Bytes in the spool.").set(12);
  metrics.histogram("avouch_review_seconds", "Time to answer.", {0.1, 1}).observe(0.5);
  const std::string text = metrics.text();
  EXPECT_TRUE(contains(text, "# HELP avouch_decisions_total Decisions by result."));
  EXPECT_TRUE(contains(text, "# TYPE avouch_decisions_total counter"));
  EXPECT_TRUE(contains(text, "avouch_decisions_total{result=\"deny\"} 2"));
  EXPECT_TRUE(contains(text, "# TYPE avouch_spool_bytes gauge"));
  EXPECT_TRUE(contains(text, "avouch_review_seconds_bucket{le=\"0.1\"} 0"));
  EXPECT_TRUE(contains(text, "avouch_review_seconds_bucket{le=\"+Inf\"} 1"));
}

TEST(MetricsText, SaysWhichBuildAndHowMuchMemory) {
  Metrics metrics;
  const std::string text = metrics.text();
  EXPECT_TRUE(contains(text, "avouch_build_info{version=\"" AVOUCH_VERSION "\"} 1"));
  const std::size_t at = text.find("\navouch_process_resident_memory_bytes ");
  ASSERT_NE(at, std::string::npos);
  EXPECT_GT(std::stod(text.substr(text.find(' ', at))), 1e6);
}

TEST(MetricsRules, RefuseNamesThatBreakTheConventions) {
  Metrics metrics;
  EXPECT_THROW(metrics.counter("decisions_total", "h"), std::logic_error);
  EXPECT_THROW(metrics.counter("avouch_decisions", "h"), std::logic_error);
  EXPECT_THROW(metrics.gauge("avouch_nodes_total", "h"), std::logic_error);
  EXPECT_THROW(metrics.histogram("avouch_latency", "h"), std::logic_error);
}

TEST(MetricsRules, GiveTheSameMetricForTheSameNameAndLabels) {
  Metrics metrics;
  metrics.counter("avouch_x_total", "h", {{"a", "1"}}).add();
  metrics.counter("avouch_x_total", "h", {{"a", "1"}}).add();
  EXPECT_TRUE(contains(metrics.text(), "avouch_x_total{a=\"1\"} 2"));
}

TEST(MetricsRules, NeverCountBackwards) {
  Metrics metrics;
  Counter counter = metrics.counter("avouch_x_total", "h");
  counter.add(3);
  counter.add(-2);
  EXPECT_TRUE(contains(metrics.text(), "avouch_x_total 3"));
}

TEST(MetricsRules, BoundTheLabelSetsThatStrangersCanCause) {
  Metrics metrics;
  for (int i = 0; i < 1'200; ++i) {
    metrics.counter("avouch_x_total", "h", {{"who", std::to_string(i)}}).add();
  }
  const std::string text = metrics.text();
  EXPECT_TRUE(contains(text, "avouch_x_total{who=\"999\"} 1"));
  EXPECT_FALSE(contains(text, "avouch_x_total{who=\"1000\"}"));
  EXPECT_TRUE(contains(text, "avouch_x_total{who=\"other\"} 200"));
}

TEST(MetricsText, IsBroughtUpToDateFirst) {
  Metrics metrics;
  Gauge age = metrics.gauge("avouch_age_seconds", "h");
  metrics.before_collect([age]() mutable { age.set(41); });
  EXPECT_TRUE(contains(metrics.text(), "avouch_age_seconds 41"));
}

}  // namespace
}  // namespace avouch::observe
