#pragma once

// kube::Transport over cpprestsdk: for the API server, and for the controller's own endpoints.

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"
#include "kube/transport.h"

namespace avouch::adapters {

struct RestOptions {
  std::string
      base_url;        // "https://host[:port][/prefix]"; a host may be an IPv6 address in brackets
  std::string ca_pem;  // certificates that may sign the server's; never the system's own list
  // Client certificate and key: PEM texts, or files that are read anew for each connection.
  std::string client_certificate_pem, client_key_pem;
  std::string client_certificate_file, client_key_file;
  // Bearer token: a text, or a file that is read again at most once a second (rotation).
  std::string token, token_file;
  std::size_t max_body_bytes = 64 * 1024 * 1024;
  // Also "http://", to this machine's own loopback alone: for a peer in the same pod whose answers
  // prove themselves.
  bool plain_on_loopback = false;
};

// The pod's own: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and the mounted service account.
Result<RestOptions> in_cluster_options();
// The current context of a kubeconfig file.
Result<RestOptions> kubeconfig_options(const std::string& file);
// kubeconfig_options(file) where a file is given, else in_cluster_options().
Result<RestOptions> kube_options(const std::string& kubeconfig_file);

// Thread-safe. Connections are kept and reused. Exceptions of the library are caught here. TLS 1.2
// or newer, the server's certificate must be valid for the host in base_url.
//
// Not bounded here, since the peer has proved itself by TLS before it is read: the size of the
// answer's head, and of one chunk of a chunked answer while it is received.
class RestTransport final : public kube::Transport {
 public:
  // kRejected lists what is wrong with the options; a file that cannot be read is kRetryable.
  static Result<std::unique_ptr<RestTransport>> create(RestOptions options);
  ~RestTransport() override;

  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds timeout,
                            std::stop_token stop) override;
  Result<HttpResponse> stream(const HttpRequest& request, const kube::StreamLimits& limits,
                              const OnLine& on_line, std::stop_token stop) override;

  // From now on only `pem` is trusted; connections made before are not used again. kRejected for a
  // text without a readable certificate, and nothing changes.
  Result<void> replace_ca(const std::string& pem);

 private:
  struct Impl;
  explicit RestTransport(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace avouch::adapters
