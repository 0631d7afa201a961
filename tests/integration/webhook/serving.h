#pragma once

// The webhook's real server, service and recorder over TLS, with facts that a test sets.

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/http_server.h"
#include "adapters/system_clock.h"
#include "crypto/x509.h"
#include "observe/metrics.h"
#include "support/process.h"
#include "tests/unit/admission/world.h"
#include "webhook/admission_service.h"

namespace avouch::webhook {

class FixedFacts final : public Facts, public LiveReads {
 public:
  void set(const admission::World& world, std::string not_ready = {}) {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::make_shared<const admission::Snapshot>(world.snapshot);
    not_ready_ = std::move(not_ready);
  }
  void throw_next() {
    const std::lock_guard lock(mutex_);
    throws_ = true;
  }
  void know_policies(bool known) {
    const std::lock_guard lock(mutex_);
    policies_known_ = known;
  }

  std::shared_ptr<const admission::Snapshot> snapshot() override {
    const std::lock_guard lock(mutex_);
    if (std::exchange(throws_, false)) throw std::runtime_error("snapshot");
    return snapshot_;
  }
  std::string not_ready() override {
    const std::lock_guard lock(mutex_);
    return not_ready_;
  }
  bool policies_known() override {
    const std::lock_guard lock(mutex_);
    return policies_known_;
  }
  std::optional<KnownPod> unbound_pod(const admission::PodKey&) override {
    return KnownPod{.uid = "pod-uid", .labels = {{"app", "web"}}};
  }
  std::optional<std::string> agent_node(const std::string&, const std::string&) override {
    return std::nullopt;
  }
  std::string log_origin() override { return admission::kOrigin; }

  // The API server has what the snapshot has.
  Result<std::optional<attest::Labels>> namespace_labels(const std::string& name,
                                                         std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex_);
    const auto found = snapshot_->namespaces.find(name);
    if (found == snapshot_->namespaces.end()) return rejected("no such namespace");
    return std::optional(*found->second);
  }
  Result<void> policies_current(std::chrono::milliseconds) override { return {}; }

 private:
  std::mutex mutex_;
  std::shared_ptr<const admission::Snapshot> snapshot_;
  std::string not_ready_ = "nothing is known yet";
  bool policies_known_ = true;
  bool throws_ = false;
};

// A world whose verdicts are good by the real clock.
inline admission::World present_world() {
  admission::World world;
  const auto now = std::chrono::floor<std::chrono::seconds>(adapters::SystemClock().now());
  world.trust("good", {"production"}, attest::Status::kAffirming, now);
  world.add_node("bad", {{"pool", "attested"}});
  return world;
}

inline crypto::CertifiedKey make_authority(const std::string& name) {
  const SystemTime now = adapters::SystemClock().now();
  return crypto::make_ca(name, now - std::chrono::hours(1), now + std::chrono::hours(24));
}

// Certificate and key in files, as the controller's Secret is mounted.
struct ServingFiles {
  explicit ServingFiles(const crypto::CertifiedKey& authority) { write(authority); }

  void write(const crypto::CertifiedKey& authority) const {
    const SystemTime now = adapters::SystemClock().now();
    const auto issued = crypto::issue_server_certificate(
        authority, {.dns = {"webhook.test"}, .ip = {"127.0.0.1"}}, now - std::chrono::minutes(1),
        now + std::chrono::hours(1));
    testing::write_text(dir / "tls.crt", issued.value().certificate_pem);
    testing::write_text(dir / "tls.key", issued.value().key_pem);
  }
  adapters::TlsSource source(const std::string& client_ca = {}) const {
    return adapters::tls_from_files(dir / "tls.crt", dir / "tls.key", client_ca);
  }

  testing::TempDir dir;
};

// Log and spool are the caller's; `options` may change the server's limits.
class ServingWebhook {
 public:
  ServingWebhook(admission::LogEndpoint& log, admission::Spool& spool,
                 adapters::HttpServerOptions options,
                 std::chrono::milliseconds deadline = std::chrono::milliseconds(2'500),
                 std::size_t spool_bytes = admission::RecorderOptions().spool_bytes)
      : recorder(log, spool, clock, recording(deadline, spool_bytes)),
        service({admission::World().rules, deadline}, facts, facts, recorder, denials, clock,
                counts) {
    options.listen = "127.0.0.1:0";
    auto started = adapters::HttpServer::start(std::move(options), service);
    if (!started.has_value()) throw std::runtime_error(started.error().message);
    server = *std::move(started);
  }

  static admission::RecorderOptions recording(std::chrono::milliseconds deadline,
                                              std::size_t spool_bytes) {
    admission::RecorderOptions options;
    options.spool_bytes = spool_bytes;
    options.spool_after = deadline * 2 / 5;
    return options;
  }

  adapters::SystemClock clock;
  observe::Metrics metrics;
  WebhookMetrics counts{metrics};
  FixedFacts facts;
  admission::DenialBudget denials{{}};
  admission::VerdictRecorder recorder;
  AdmissionService service;
  std::unique_ptr<adapters::HttpServer> server;  // ends first
};

}  // namespace avouch::webhook
