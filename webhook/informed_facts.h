#pragma once

// Facts from informers.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "config/webhook_config.h"
#include "kube/client.h"
#include "kube/informer.h"
#include "observe/logging.h"
#include "webhook/admission_service.h"
#include "webhook/cluster_view.h"

namespace avouch::webhook {

class InformedFacts final : public Facts, public LiveReads {
 public:
  // `on_ca` is called with the controller's certificate authority, at first and on each change, on
  // an informer's thread. The references must outlive it.
  InformedFacts(const config::WebhookConfig& config, const kube::Client& client, Clock& clock,
                std::function<void(const std::string& pem)> on_ca);
  ~InformedFacts() override;  // stops the informers

  void start();

  std::shared_ptr<const admission::Snapshot> snapshot() override { return view_.snapshot(); }
  std::string not_ready() override;
  bool policies_known() override { return policies_->synced(); }
  std::optional<KnownPod> unbound_pod(const admission::PodKey& pod) override;
  std::optional<std::string> agent_node(const std::string& pod_name,
                                        const std::string& pod_uid) override;
  std::string log_origin() override;

  Result<std::optional<attest::Labels>> namespace_labels(
      const std::string& name, std::chrono::milliseconds timeout) override;
  Result<void> policies_current(std::chrono::milliseconds timeout) override;

  void prune() { view_.prune(); }

  struct CacheAge {
    std::string name;
    std::chrono::milliseconds age;
  };
  std::vector<CacheAge> cache_ages() const;  // of the informers that have had contact

 private:
  struct Watched {
    std::string name;
    std::unique_ptr<kube::Informer> informer;
  };
  kube::Informer& add(std::string name, kube::InformerOptions options,
                      kube::Informer::Handler handler);

  const config::WebhookConfig& config_;
  const kube::Client& client_;
  Clock& clock_;
  observe::Logger log_{"informers"};
  ClusterView view_;
  std::vector<Watched> informers_;
  kube::Informer* policies_ = nullptr;
  kube::Informer* unbound_pods_ = nullptr;
  kube::Informer* agent_pods_ = nullptr;
};

}  // namespace avouch::webhook
