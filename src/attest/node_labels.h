#pragma once

// Which labels of a Node are out of its own reach.

#include <string_view>

namespace avouch::attest {

// Whether admission plugin NodeRestriction (Kubernetes 1.20 and newer) lets a kubelet add, change
// and remove the label on its own Node. It keeps kubelets from *.node-restriction.kubernetes.io/,
// and of what else has a domain below kubernetes.io or k8s.io from all but some well-known labels
// and *.kubelet.kubernetes.io/ and *.node.kubernetes.io/. Where the plugin is off a kubelet may set
// any. Pure.
bool is_set_by_kubelets(std::string_view label_key);

}  // namespace avouch::attest
