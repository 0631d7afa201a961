#pragma once

// Uplink over the controller's intake and the API server.

#include <chrono>
#include <stop_token>
#include <string>

#include "codec/json.h"
#include "collect/attester.h"
#include "collect/uplink.h"
#include "kube/client.h"
#include "kube/transport.h"

namespace avouch::collect {

// One owner thread.
class KubeUplink final : public Uplink {
 public:
  // `api` and `controller` must outlive it; `controller` carries the agent's token.
  KubeUplink(const kube::Client& api, kube::Transport& controller, std::string node_name,
             std::stop_token stop);

  Result<std::string> node_uid() override;
  Result<HeartbeatAnswer> heartbeat(const attest::UnverifiedEvidence& evidence) override;
  Result<void> put_blob(const crypto::Sha256& digest, ByteView content) override;
  Result<std::uint64_t> append_runtime_log(std::uint64_t offset, ByteView piece) override;
  Result<void> publish(const attest::UnverifiedEvidence& evidence) override;

 private:
  Result<HttpResponse> ask(std::string method, std::string path, std::string query,
                           std::string content_type, std::string body);

  const kube::Client& api_;
  kube::Transport& controller_;
  std::string node_name_;
  std::stop_token stop_;
};

// The challenge in an AttestationEvidence's status; nothing where there is none. kRejected where it
// is malformed.
Result<std::optional<ActivationRequest>> activation_request(const codec::Json& evidence);

}  // namespace avouch::collect
