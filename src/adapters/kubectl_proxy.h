#pragma once

// kube::Transport through a `kubectl proxy` child: every way of logging in that the user's kubectl
// knows (exec plugins, OIDC, client certificates) works, and none of it is ours.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/kubectl_trouble.h"
#include "base/result.h"
#include "kube/transport.h"

namespace avouch::adapters {

struct KubectlOptions {
  std::string program = "kubectl";
  std::string kubeconfig, context;  // "" leaves it to kubectl
  std::chrono::milliseconds start_timeout{15'000};
};

// The context that kubectl would use, as its kubeconfig has it. kRejected with kubectl's own words
// where there is none.
struct KubectlContext {
  std::string name, server;
  std::string ns = "default";
};
Result<KubectlContext> current_context(const KubectlOptions& options);

// The child listens on a Unix socket in a folder that only this user may enter, and ends with this
// object. One connection a request. Thread-safe.
class KubectlProxy final : public kube::Transport {
 public:
  // kRejected: kubectl is missing, or said why it cannot work (its own words).
  static Result<std::unique_ptr<KubectlProxy>> start(const KubectlOptions& options);
  ~KubectlProxy() override;
  KubectlProxy(const KubectlProxy&) = delete;
  KubectlProxy& operator=(const KubectlProxy&) = delete;

  // kRetryable where no API server answers, or one does not take the login: trouble() says which.
  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds timeout,
                            std::stop_token stop) override;
  // kRejected: commands for people do not watch.
  Result<HttpResponse> stream(const HttpRequest& request, const kube::StreamLimits& limits,
                              const OnLine& on_line, std::stop_token stop) override;

  // Why the last request got no answer of the API server's; nothing where it got one.
  std::optional<ServerTrouble> trouble() const;

 private:
  KubectlProxy() = default;
  Result<HttpResponse> exchange(const HttpRequest& request, std::chrono::milliseconds timeout);

  std::string folder_;
  int child_ = -1;  // process ID
  mutable std::mutex mutex_;
  std::optional<ServerTrouble> trouble_;
};

}  // namespace avouch::adapters
