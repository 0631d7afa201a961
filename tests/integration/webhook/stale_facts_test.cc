// What the webhook does when it hears nothing of the cluster any more, or hears it late: its
// informers against a real API server, over a connection that is cut without being closed.

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "adapters/rest_transport.h"
#include "adapters/spool_files.h"
#include "integration/webhook/serving.h"
#include "kube/client.h"
#include "observe/health.h"
#include "support/paths.h"
#include "support/real_apiserver.h"
#include "support/relay.h"
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

HttpRequest post_to(const std::string& path, const Json& review) {
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

  void put_namespace(const std::string& name, const attest::Labels& labels) {
    Json ns(Json::Object{{"apiVersion", "v1"}, {"kind", "Namespace"}});
    ns["metadata"]["name"] = name;
    for (const auto& [key, value] : labels) ns["metadata"]["labels"][key] = value;
    ASSERT_TRUE(kube::Client(*admin_transport_).create(kube::namespaces(), ns).has_value());
  }

  std::unique_ptr<testing::RealApiserver> server_;
  std::unique_ptr<testing::Relay> relay_;
  std::unique_ptr<adapters::RestTransport> admin_transport_, transport_;
  config::WebhookConfig config_;
};

// The service over informers; reviews are handed to it directly.
struct Serving {
  Serving(const config::WebhookConfig& config, const kube::Client& client)
      : facts(config, client, clock, [](const std::string&) {}),
        service({admission::World().rules, config.deadline}, facts, facts, recorder, denials, clock,
                counts) {
    health.add_readiness("informers", [this]() -> std::optional<std::string> {
      if (auto reason = facts.not_ready(); !reason.empty()) return reason;
      return std::nullopt;
    });
  }
  ~Serving() { recorder.stop(); }

  static HttpResponse ask(HttpHandler& handler, HttpRequest request) {
    std::promise<HttpResponse> answered;
    handler.handle(std::move(request), nullptr,
                   [&answered](HttpResponse response) { answered.set_value(std::move(response)); });
    return answered.get_future().get();
  }
  HttpResponse ready() {
    HttpRequest request;
    request.method = "GET";
    request.path = "/readyz";
    return ask(health, request);
  }
  Json admit(const std::string& path, const Json& review) {
    const HttpResponse response = ask(service, post_to(path, review));
    EXPECT_EQ(response.status, 200) << response.body;
    return *admission::json(response.body).find("response");
  }

  adapters::SystemClock clock;
  InformedFacts facts;
  observe::Metrics metrics;
  observe::HealthHandler health{metrics};
  WebhookMetrics counts{metrics};
  testing::TempDir dir;
  EmptyLog log;
  adapters::OpenedSpool spool = adapters::open_spool_files({.directory = dir / "spool"}).value();
  admission::VerdictRecorder recorder{log, *spool.spool, clock, {}};
  admission::DenialBudget denials{{}};
  AdmissionService service;
};

bool admitted(const Json& response) { return *response.find("allowed")->as_bool(); }

TEST_F(StaleFacts, FailClosedWithTheReasonUntilTheConnectionIsBack) {
  const kube::Client client(*transport_);
  Serving serving(config_, client);
  InformedFacts& facts = serving.facts;
  const auto ready = [&] { return serving.ready(); };
  const auto admit = [&](const std::string& path, const Json& review) {
    return serving.admit(path, review);
  };
  const Json to_free = admission::binding("good", "free");
  put_namespace("free", {});

  EXPECT_EQ(ready().status, 503);
  EXPECT_FALSE(admitted(admit("/admit/pods", to_free)));
  EXPECT_FALSE(admitted(admit("/admit/pods-unenforced", to_free)));  // no policy is known yet
  facts.start();
  ASSERT_TRUE(eventually([&] { return facts.not_ready().empty(); })) << facts.not_ready();
  EXPECT_EQ(ready().status, 200);
  EXPECT_TRUE(admitted(admit("/admit/pods", to_free)));  // there is no policy

  relay_->cut();
  ASSERT_TRUE(eventually([&] { return !facts.not_ready().empty(); }));
  EXPECT_NE(facts.not_ready().find("too old"), std::string::npos) << facts.not_ready();
  const HttpResponse unready = ready();
  EXPECT_EQ(unready.status, 503);
  EXPECT_NE(unready.body.find("too old"), std::string::npos) << unready.body;
  const Json denial = admit("/admit/pods", to_free);
  EXPECT_FALSE(admitted(denial));
  EXPECT_NE(denial.text({"status", "message"}).find("too old"), std::string_view::npos);
  EXPECT_FALSE(admitted(admit("/admit/pods", admission::pod_on("good", "free"))));
  // What must never wait for anything, and what nobody wants to stop.
  EXPECT_TRUE(admitted(admit("/admit/pods", admission::pod_on("good", "kube-system"))));
  EXPECT_TRUE(admitted(admit("/admit/pods-unenforced", to_free)));

  relay_->mend();
  ASSERT_TRUE(eventually([&] { return facts.not_ready().empty(); })) << facts.not_ready();
  EXPECT_EQ(ready().status, 200);
  EXPECT_TRUE(admitted(admit("/admit/pods", to_free)));
}

// Watches come late, and what is asked is answered at once.
class LateWatches final : public kube::Transport {
 public:
  LateWatches(kube::Transport& direct, kube::Transport& late) : direct_(direct), late_(late) {}

  Result<HttpResponse> send(const HttpRequest& request, milliseconds timeout,
                            std::stop_token stop) override {
    if (unreachable) return retryable("no route to the API server");
    return direct_.send(request, timeout, std::move(stop));
  }
  Result<HttpResponse> stream(const HttpRequest& request, const kube::StreamLimits& limits,
                              const OnLine& on_line, std::stop_token stop) override {
    return late_.stream(request, limits, on_line, std::move(stop));
  }

  std::atomic<bool> unreachable{false};

 private:
  kube::Transport& direct_;
  kube::Transport& late_;
};

class LateFacts : public StaleFacts {
 protected:
  LateFacts() {
    config_.max_staleness = seconds(60);
    put_namespace("shop", {});
    put_namespace("tools", {{"attested", "required"}, {"avouch.dev/exempt", "true"}});
    serving = std::make_unique<Serving>(config_, client_);
  }
  void start() {
    serving->facts.start();
    ASSERT_TRUE(eventually([&] { return serving->facts.not_ready().empty(); }));
  }
  // A Node-less cluster: a policy that gates denies.
  std::string reason(const std::string& path, const std::string& ns) {
    const Json response = serving->admit(path, admission::binding("good", ns));
    return admitted(response) ? "allowed" : std::string(response.text({"status", "message"}));
  }
  void put_policy(const std::string& name, const std::string& mode = "Enforce") {
    Json policy(Json::Object{{"apiVersion", "avouch.dev/v1alpha1"}, {"kind", "AttestationPolicy"}});
    policy["metadata"]["name"] = name;
    policy["spec"] = admission::json(admission::kSpec);
    policy["spec"]["mode"] = mode;
    const auto created =
        kube::Client(*admin_transport_).create(kube::attestation_policies(), policy);
    ASSERT_TRUE(created.has_value()) << created.error().message;
  }
  void label(const std::string& ns, const char* labels) {
    const kube::Client admin(*admin_transport_);
    const Json patch = admission::json(std::string(R"({"metadata":{"labels":)") + labels + "}}");
    ASSERT_TRUE(admin.patch(kube::namespaces(), ns, kube::PatchType::kMerge, patch).has_value());
  }

  LateWatches late_{*admin_transport_, *transport_};
  kube::Client client_{late_};
  std::unique_ptr<Serving> serving;
};

bool says(const std::string& reason, const std::string& what) {
  return reason.find(what) != std::string::npos;
}

TEST_F(LateFacts, JudgeByALabelThatTheApiServerKnowsAndTheyDoNot) {
  put_policy("production");
  start();
  EXPECT_EQ(reason("/admit/pods", "shop"), "allowed");  // as the configuration may be behind too
  relay_->cut();
  label("shop", R"({"attested":"required"})");
  EXPECT_TRUE(serving->facts.snapshot()->namespaces.at("shop")->find("attested") ==
              serving->facts.snapshot()->namespaces.at("shop")->end());
  EXPECT_TRUE(says(reason("/admit/pods", "shop"), "no node of this name"))
      << reason("/admit/pods", "shop");
  label("tools", R"({"avouch.dev/exempt":null})");
  EXPECT_TRUE(says(reason("/admit/pods", "tools"), "no node of this name"));
  EXPECT_TRUE(says(reason("/admit/pods-unenforced", "tools"), "no node of this name"));
}

TEST_F(LateFacts, DenyWhereTheApiServerHasPoliciesThatTheyDoNotKnow) {
  label("shop", R"({"attested":"required"})");
  start();
  EXPECT_EQ(reason("/admit/pods", "shop"), "allowed");  // there is no policy
  relay_->cut();
  put_policy("production");
  EXPECT_TRUE(says(reason("/admit/pods", "shop"), "policies is older"))
      << reason("/admit/pods", "shop");
  relay_->mend();
  EXPECT_TRUE(
      eventually([&] { return says(reason("/admit/pods", "shop"), "no node of this name"); }));
}

TEST_F(LateFacts, DenyWhereTheApiServerCannotBeAsked) {
  put_policy("production");
  start();
  late_.unreachable = true;
  EXPECT_TRUE(says(reason("/admit/pods", "shop"), "no route")) << reason("/admit/pods", "shop");
  EXPECT_TRUE(says(reason("/admit/pods-unenforced", "tools"), "no route"));
  EXPECT_EQ(reason("/admit/pods-unenforced", "shop"), "allowed");  // what needs no asking
  late_.unreachable = false;
  EXPECT_EQ(reason("/admit/pods", "shop"), "allowed");
}

}  // namespace
}  // namespace avouch::webhook
