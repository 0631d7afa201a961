#pragma once

// kube::Transport through a `kubectl proxy` child: every way of logging in that the user's kubectl
// knows (exec plugins, OIDC, client certificates) works, and none of it is ours.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/transport.h"

namespace avouch::adapters {

struct KubectlOptions {
  std::string program = "kubectl";
  std::string kubeconfig, context;  // "" leaves it to kubectl
  std::chrono::milliseconds start_timeout{15'000};
};

// The namespace of the context that kubectl would use; "default" where it names none. kRejected
// with kubectl's own words where it cannot say.
Result<std::string> current_namespace(const KubectlOptions& options);

// The child listens on a Unix socket in a folder that only this user may enter, and ends with this
// object. One connection a request. Thread-safe.
class KubectlProxy final : public kube::Transport {
 public:
  // kRejected: kubectl is missing, or said why it cannot work (its own words).
  static Result<std::unique_ptr<KubectlProxy>> start(const KubectlOptions& options);
  ~KubectlProxy() override;
  KubectlProxy(const KubectlProxy&) = delete;
  KubectlProxy& operator=(const KubectlProxy&) = delete;

  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds timeout,
                            std::stop_token stop) override;
  // kRejected: commands for people do not watch.
  Result<HttpResponse> stream(const HttpRequest& request, const kube::StreamLimits& limits,
                              const OnLine& on_line, std::stop_token stop) override;

 private:
  KubectlProxy() = default;
  std::string folder_;
  int child_ = -1;  // process ID
};

}  // namespace avouch::adapters
