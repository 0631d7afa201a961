// What the webhook does when it hears nothing of the cluster any more: its informers against a real
// API server, over a connection that is cut without being closed.

#include <gtest/gtest.h>

#include <future>

#include "adapters/rest_transport.h"
#include "adapters/spool_files.h"
#include "integration/webhook/relay.h"
#include "integration/webhook/serving.h"
#include "kube/client.h"
#include "observe/health.h"
#include "support/paths.h"
#include "support/real_apiserver.h"
#include "webhook/informed_facts.h"

namespace avouch::webhook {
namespace {

using admission::Json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

template <typename Holds>
bool eventually(Holds holds, seconds limit = seconds(60)) {
  const auto deadline = steady_clock::now() + limit;
  while (!holds()) {
    if (steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return true;
}

class EmptyLog final : public admission::LogEndpoint {
 public:
  Result<admission::LogPlaces> append(std::span<const admission::LogRecord>) override {
    return retryable("no log here");
  }
  void cancel() override {}
};

HttpRequest post(const std::string& path, const Json& review) {
  HttpRequest request;
  request.method = "POST";
  request.path = path;
  request.headers.add("Content-Type", "application/json");
  request.body = codec::to_json(review);
  return request;
}

class StaleFacts : public ::testing::Test {
 protected:
  StaleFacts() {
    auto started = testing::RealApiserver::start();
    if (!started.has_value()) throw std::runtime_error(started.error().message);
    server_ = *std::move(started);
    const auto crds = testing::vectors_dir() / "../../crds";
    if (auto done = server_->kubectl({"apply", "-f", crds.string()}); !done.has_value()) {
      throw std::runtime_error(done.error().message);
    }
    const std::string& url = server_->url();
    relay_ = std::make_unique<testing::Relay>(
        static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    auto options =
        adapters::kubeconfig_options(server_->write_kubeconfig(server_->admin())).value();
    admin_transport_ = adapters::RestTransport::create(options).value();
    options.base_url = "https://127.0.0.1:" + std::to_string(relay_->port());
    transport_ = adapters::RestTransport::create(options).value();
    config_.max_staleness = milliseconds(5'000);
    put_trust();
  }

  void put_trust() {
    const kube::Client admin(*admin_transport_);
    Json ns(Json::Object{{"apiVersion", "v1"}, {"kind", "Namespace"}});
    ns["metadata"]["name"] = "avouch-system";
    ASSERT_TRUE(admin.create(kube::namespaces(), ns).has_value());
    Json map(Json::Object{{"apiVersion", "v1"}, {"kind", "ConfigMap"}});
    map["metadata"]["name"] = "avouch-trust";
    map["metadata"]["namespace"] = "avouch-system";
    map["data"]["verifier-keys.pem"] = admission::verifier_key().public_key().pem();
    map["data"]["log.origin"] = admission::kOrigin;
    map["data"]["ca.crt"] = make_authority("controller").certificate_pem;
    ASSERT_TRUE(admin.create(kube::config_maps("avouch-system"), map).has_value());
  }

  std::unique_ptr<testing::RealApiserver> server_;
  std::unique_ptr<testing::Relay> relay_;
  std::unique_ptr<adapters::RestTransport> admin_transport_, transport_;
  config::WebhookConfig config_;
};

TEST_F(StaleFacts, FailClosedWithTheReasonUntilTheConnectionIsBack) {
  adapters::SystemClock clock;
  const kube::Client client(*transport_);
  InformedFacts facts(config_, client, clock, [](const std::string&) {});
  observe::Metrics metrics;
  observe::HealthHandler health(metrics);
  health.add_readiness("informers", [&facts]() -> std::optional<std::string> {
    if (auto reason = facts.not_ready(); !reason.empty()) return reason;
    return std::nullopt;
  });
  WebhookMetrics counts(metrics);
  testing::TempDir dir;
  EmptyLog log;
  auto spool = adapters::open_spool_files({.directory = dir / "spool"}).value();
  admission::VerdictRecorder recorder(log, *spool.spool, clock, {});
  admission::DenialBudget denials({});
  AdmissionService service({admission::World().rules, config_.deadline}, facts, recorder, denials,
                           clock, counts);

  const auto ask = [](HttpHandler& handler, HttpRequest request) {
    std::promise<HttpResponse> answered;
    handler.handle(std::move(request), nullptr,
                   [&answered](HttpResponse response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  };
  const auto ready = [&] {
    HttpRequest request;
    request.method = "GET";
    request.path = "/readyz";
    return ask(health, request);
  };
  const auto admit = [&](const std::string& path, const Json& review) {
    const HttpResponse response = ask(service, post(path, review));
    EXPECT_EQ(response.status, 200) << response.body;
    return *admission::json(response.body).find("response");
  };
  const Json to_free = admission::binding("good", "free");
  const auto allowed = [](const Json& response) { return *response.find("allowed")->as_bool(); };

  EXPECT_EQ(ready().status, 503);
  EXPECT_FALSE(allowed(admit("/admit/pods", to_free)));
  EXPECT_FALSE(allowed(admit("/admit/pods-unenforced", to_free)));  // no policy is known yet
  facts.start();
  ASSERT_TRUE(eventually([&] { return facts.not_ready().empty(); })) << facts.not_ready();
  EXPECT_EQ(ready().status, 200);
  EXPECT_TRUE(allowed(admit("/admit/pods", to_free)));  // there is no policy

  relay_->cut();
  ASSERT_TRUE(eventually([&] { return !facts.not_ready().empty(); }));
  EXPECT_NE(facts.not_ready().find("too old"), std::string::npos) << facts.not_ready();
  const HttpResponse unready = ready();
  EXPECT_EQ(unready.status, 503);
  EXPECT_NE(unready.body.find("too old"), std::string::npos) << unready.body;
  const Json denial = admit("/admit/pods", to_free);
  EXPECT_FALSE(allowed(denial));
  EXPECT_NE(denial.text({"status", "message"}).find("too old"), std::string_view::npos);
  EXPECT_FALSE(allowed(admit("/admit/pods", admission::pod_on("good", "free"))));
  // What must never wait for anything, and what nobody wants to stop.
  EXPECT_TRUE(allowed(admit("/admit/pods", admission::pod_on("good", "kube-system"))));
  EXPECT_TRUE(allowed(admit("/admit/pods-unenforced", to_free)));

  relay_->mend();
  ASSERT_TRUE(eventually([&] { return facts.not_ready().empty(); })) << facts.not_ready();
  EXPECT_EQ(ready().status, 200);
  EXPECT_TRUE(allowed(admit("/admit/pods", to_free)));
  recorder.stop();
}

}  // namespace
}  // namespace avouch::webhook
