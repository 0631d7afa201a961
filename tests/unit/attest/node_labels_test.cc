#include "attest/node_labels.h"

#include <gtest/gtest.h>

namespace avouch::attest {
namespace {

// By the rules of plugin/pkg/admission/noderestriction and k8s.io/kubelet/pkg/apis.
TEST(IsSetByKubelets, IsWhatNodeRestrictionLetsThemSet) {
  for (const char* free : {"pool",
                           "example.com/w",
                           "fakenode-restriction.kubernetes.io.example.com/z",
                           "notkubernetes.io/x",
                           "fakek8s.io/x",
                           "kubernetes.io",
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
                           "node.kubernetes.io/instance-type",
                           "node.kubernetes.io/anything",
                           "a.node.kubernetes.io/b",
                           "kubelet.kubernetes.io/x",
                           "a.kubelet.kubernetes.io/b"}) {
    EXPECT_TRUE(is_set_by_kubelets(free)) << free;
  }
  for (const char* guarded :
       {"node-restriction.kubernetes.io/x", "acme.node-restriction.kubernetes.io/y",
        "node-role.kubernetes.io/worker", "kubernetes.io/role", "kubernetes.io/hostname2",
        "topology.kubernetes.io/rack", "x.kubernetes.io/y", "fakenode.kubernetes.io/x",
        "fakenode-restriction.kubernetes.io/z", "k8s.io/x", "x.k8s.io/y", "topology.k8s.io/zone"}) {
    EXPECT_FALSE(is_set_by_kubelets(guarded)) << guarded;
  }
}

}  // namespace
}  // namespace avouch::attest
