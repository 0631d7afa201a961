#pragma once

// One API server for all tests of the program, which each test finds as it was at first: to start
// one takes longer than most of these tests.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "adapters/rest_transport.h"
#include "kube/client.h"
#include "support/eventually.h"
#include "support/paths.h"
#include "support/real_apiserver.h"

namespace avouch::testing {

// With the definitions of crds/ and nothing else, and an audit log.
class CleanApiserver {
 public:
  // The one of the program, without what the test before made. From the main thread, while nothing
  // that the test before started is left.
  static Result<CleanApiserver*> get() {
    std::unique_ptr<CleanApiserver>& one = instance();
    if (one == nullptr) {
      std::unique_ptr<CleanApiserver> made(new CleanApiserver());
      AVOUCH_CHECK(made->start());
      one = std::move(made);
    } else {
      AVOUCH_CHECK(one->clean());
    }
    return one.get();
  }
  // After the last test, before the libraries' own threads end.
  static void end() { instance().reset(); }

  RealApiserver& server() { return *server_; }
  const kube::Client& client() const { return *client_; }  // as admin
  const std::string& kubeconfig() const { return kubeconfig_; }
  // A line of JSON for each request that was answered, since the program started.
  std::string audit_log() const { return dir_ / "audit.log"; }

 private:
  CleanApiserver() = default;
  static std::unique_ptr<CleanApiserver>& instance() {
    static std::unique_ptr<CleanApiserver> one;
    return one;
  }

  Result<void> start() {
    write_text(dir_ / "audit.yaml",
               "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\n"
               "rules: [{level: Metadata}]\n");
    AVOUCH_TRY(server_,
               RealApiserver::start({.flags = {"--audit-policy-file=" + dir_ / "audit.yaml",
                                               "--audit-log-path=" + audit_log()},
                                     .tokens = {}}));
    AVOUCH_CHECK(server_->kubectl({"apply", "-f", (vectors_dir() / "../../crds").string()}));
    kubeconfig_ = server_->write_kubeconfig(server_->admin());
    AVOUCH_TRY(auto options, adapters::kubeconfig_options(kubeconfig_));
    AVOUCH_TRY(transport_, adapters::RestTransport::create(std::move(options)));
    client_ = std::make_unique<kube::Client>(*transport_);
    const bool is_whole = eventually([&] {  // what the server makes by itself, too
      return client_->list(kube::attestation_policies()).has_value() &&
             client_->list(kube::attestation_evidences()).has_value() &&
             client_->list(kube::reference_manifests()).has_value() &&
             client_->get(kube::namespaces(), "default").has_value() &&
             client_->get(kube::namespaces(), "kube-node-lease").has_value();
    });
    if (!is_whole) return retryable("the API server does not serve the definitions");
    AVOUCH_TRY(first_, server_->revision());
    return {};
  }

  Result<void> clean() {
    AVOUCH_TRY(const std::vector<std::string> taken, server_->take_away_since(first_));
    const bool is_known = eventually([&] {
      return std::none_of(std::begin(kCached), std::end(kCached),
                          [&](const auto& kind) { return shows_any(kind(), taken); });
    });
    if (!is_known) return retryable("the API server still shows what is gone from etcd");
    return {};
  }
  // By its cache, from which controllers list and watch.
  bool shows_any(const kube::ResourcePath& kind, const std::vector<std::string>& keys) const {
    kube::ListOptions cached;
    cached.resource_version = "0";
    cached.metadata_only = true;
    const auto list = client_->list(kind, cached);
    if (!list.has_value()) return true;
    return std::any_of(list->items.begin(), list->items.end(), [&](const codec::Json& item) {
      const std::string end = "/" + kube::object_key(item);
      return std::any_of(keys.begin(), keys.end(),
                         [&](const std::string& key) { return key.ends_with(end); });
    });
  }

  static constexpr kube::ResourcePath (*kCached[])() = {
      kube::nodes,
      kube::namespaces,
      [] { return kube::pods(); },
      [] { return kube::secrets(); },
      [] { return kube::config_maps(); },
      [] { return kube::service_accounts(); },
      [] { return kube::leases(); },
      kube::validating_webhook_configurations,
      kube::attestation_policies,
      kube::attestation_evidences,
      kube::reference_manifests,
  };

  TempDir dir_;
  std::unique_ptr<RealApiserver> server_;
  std::string kubeconfig_;
  std::unique_ptr<adapters::RestTransport> transport_;
  std::unique_ptr<kube::Client> client_;
  std::int64_t first_ = 0;  // etcd's revision, with what every test finds
};

}  // namespace avouch::testing
