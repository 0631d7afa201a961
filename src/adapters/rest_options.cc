#include <cstdlib>

#include "adapters/files.h"
#include "adapters/rest_transport.h"
#include "config/kubeconfig.h"

namespace avouch::adapters {
namespace {

constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/";
constexpr std::size_t kMaxCaBytes = 1024 * 1024;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<RestOptions> in_cluster_options() {
  const std::string host = environment("KUBERNETES_SERVICE_HOST");
  const std::string port = environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return rejected(
        "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: expected to run in a "
        "pod; elsewhere give --kubeconfig FILE");
  }
  RestOptions options;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  options.base_url = "https://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
  const std::string ca_file = std::string(kServiceAccount) + "ca.crt";
  AVOUCH_TRY(const auto ca, read_file(ca_file, kMaxCaBytes));
  if (!ca) return rejected(ca_file + ": does not exist: expected a mounted service account");
  options.ca_pem = as_text(*ca);
  options.token_file = std::string(kServiceAccount) + "token";
  return options;
}

Result<RestOptions> kubeconfig_options(const std::string& file) {
  AVOUCH_TRY(config::KubeContext context, config::load_kubeconfig(file));
  RestOptions options;
  options.base_url = std::move(context.server);
  options.ca_pem = std::move(context.ca_pem);
  options.client_certificate_pem = std::move(context.client_certificate_pem);
  options.client_certificate_file = std::move(context.client_certificate_file);
  options.client_key_pem = std::move(context.client_key_pem);
  options.client_key_file = std::move(context.client_key_file);
  options.token = std::move(context.token);
  options.token_file = std::move(context.token_file);
  return options;
}

Result<RestOptions> kube_options(const std::string& kubeconfig_file) {
  return kubeconfig_file.empty() ? in_cluster_options() : kubeconfig_options(kubeconfig_file);
}

}  // namespace avouch::adapters
