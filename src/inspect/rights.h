#pragma once

// What to do where the API server refuses for want of rights: the chart's role that has the right,
// and the command that gives it.

#include <string>
#include <string_view>

#include "inspect/release.h"
#include "kube/api_error.h"

namespace avouch::inspect {

// Roles of charts/avouch/templates/rbac-people.yaml.
enum class Role {
  kNodeViewer,  // ClusterRole: nodes and evidence
  kLogReader,   // Role in the release's namespace: log, keys, version, token of the reader account
};

// "ClusterRole avouch-node-viewer grants it: kubectl create clusterrolebinding ...". The user is
// taken from the API server's refusal; "USER" stands where it names none, or one that a shell
// would read otherwise.
std::string grant_text(Role role, const ReleaseName& release, std::string_view refusal);

// `what` is for those alone who may ask for a token of the reader account: kRejected.
Error needs_reader(const std::string& what, const ReleaseName& release);

// The error as it is; with that text where it is a refusal (403).
Error with_grant(const kube::ApiError& error, Role role, const ReleaseName& release);

// As with_grant(), of pods in that namespace, or with "" of namespaces and pods everywhere: no role
// of ours, but Kubernetes' own.
Error with_pods_grant(const kube::ApiError& error, const std::string& ns);

}  // namespace avouch::inspect
