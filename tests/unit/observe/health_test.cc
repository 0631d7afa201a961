#include "observe/health.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace avouch::observe {
namespace {

HttpResponse ask(HealthHandler& handler, const std::string& path,
                 const std::string& method = "GET") {
  HttpResponse out;
  HttpRequest request;
  request.method = method;
  request.path = path;
  handler.handle(std::move(request), nullptr, [&](HttpResponse response) { out = response; });
  return out;
}

std::optional<std::string> well() { return std::nullopt; }

class Health : public ::testing::Test {
 protected:
  Metrics metrics;
  HealthHandler handler{metrics};
};

TEST_F(Health, IsNotReadyBeforeItKnowsWhatReadyMeans) {
  EXPECT_EQ(ask(handler, "/readyz").status, 503);
  EXPECT_EQ(handler.not_ready(), "start: the program is still starting");
  EXPECT_EQ(ask(handler, "/healthz").status, 200) << "starting is no reason to be killed";
}

TEST_F(Health, ListsEveryCheckAndFailsWithOne) {
  handler.add_readiness("certificate", well);
  handler.add_readiness("informers", [] { return std::optional<std::string>("83s old"); });
  const HttpResponse response = ask(handler, "/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "[+] certificate ok\n[-] informers: 83s old\n");
  EXPECT_EQ(handler.not_ready(), "informers: 83s old");
}

TEST_F(Health, TakesACheckThatThrowsForFailed) {
  handler.add_readiness(
      "throws", []() -> std::optional<std::string> { throw std::runtime_error("no reason"); });
  EXPECT_EQ(ask(handler, "/readyz").status, 503);
  handler.add_liveness("throws", []() -> std::optional<std::string> { throw 7; });
  EXPECT_EQ(ask(handler, "/healthz").status, 503);
}

TEST_F(Health, StaysNotReadyOnceItStops) {
  handler.add_readiness("all", well);
  EXPECT_EQ(ask(handler, "/readyz").status, 200);
  handler.fail_readiness("stopping");
  EXPECT_EQ(ask(handler, "/readyz").status, 503);
  EXPECT_EQ(ask(handler, "/healthz").status, 200);
}

TEST_F(Health, ServesMetricsAndNothingElse) {
  const HttpResponse metrics_page = ask(handler, "/metrics");
  EXPECT_EQ(metrics_page.status, 200);
  EXPECT_EQ(metrics_page.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(metrics_page.body.find("avouch_build_info"), std::string::npos);
  EXPECT_EQ(ask(handler, "/").status, 404);
  EXPECT_EQ(ask(handler, "/metrics/x").status, 404);
  EXPECT_EQ(ask(handler, "/readyz", "POST").status, 405);
  EXPECT_EQ(handler.plan({})->limit, 0U) << "no body is read";
}

}  // namespace
}  // namespace avouch::observe
