#include "attest/node_labels.h"

#include <algorithm>
#include <array>

namespace avouch::attest {
namespace {

constexpr std::array<std::string_view, 2> kKubernetes = {"kubernetes.io", "k8s.io"};
constexpr std::array<std::string_view, 2> kOfKubelets = {"kubelet.kubernetes.io",
                                                         "node.kubernetes.io"};
constexpr std::array<std::string_view, 10> kWellKnown = {
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
};

// `domain` is one of `parents`, or below one.
template <std::size_t n>
bool is_in(std::string_view domain, const std::array<std::string_view, n>& parents) {
  return std::any_of(parents.begin(), parents.end(), [domain](std::string_view parent) {
    if (!domain.ends_with(parent)) return false;
    return domain.size() == parent.size() || domain[domain.size() - parent.size() - 1] == '.';
  });
}

}  // namespace

bool is_set_by_kubelets(std::string_view label_key) {
  const std::size_t slash = label_key.find('/');
  const std::string_view domain =
      slash == std::string_view::npos ? std::string_view() : label_key.substr(0, slash);
  if (!is_in(domain, kKubernetes) || is_in(domain, kOfKubelets)) return true;
  return std::find(kWellKnown.begin(), kWellKnown.end(), label_key) != kWellKnown.end();
}

}  // namespace avouch::attest
