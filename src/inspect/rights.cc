#include "inspect/rights.h"

namespace avouch::inspect {
namespace {

constexpr std::string_view kPlain =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:@_-";

// The server says: User "bob" cannot list resource "nodes" ...
std::string user_of(std::string_view refusal) {
  constexpr std::string_view kBefore = "User \"";
  const std::size_t at = refusal.find(kBefore);
  if (at == std::string_view::npos) return "USER";
  const std::string_view rest = refusal.substr(at + kBefore.size());
  const std::string_view user = rest.substr(0, rest.find('"'));
  const bool plain = !user.empty() && user.front() != '-' && user.size() < rest.size() &&
                     user.find_first_not_of(kPlain) == std::string_view::npos;
  return plain ? std::string(user) : "USER";
}

}  // namespace

std::string grant_text(Role role, const ReleaseName& release, std::string_view refusal) {
  const std::string user = user_of(refusal);
  if (role == Role::kNodeViewer) {
    const std::string name = release.name + "-node-viewer";
    return "ClusterRole " + name + " grants it: kubectl create clusterrolebinding " + name + "-" +
           user + " --clusterrole=" + name + " --user=" + user;
  }
  const std::string name = release.name + "-log-reader";
  return "Role " + name + " grants it: kubectl -n " + release.ns + " create rolebinding " + name +
         "-" + user + " --role=" + name + " --user=" + user;
}

Error needs_reader(const std::string& what, const ReleaseName& release) {
  return rejected(what + " only with a token of account " + release.ns + "/" + release.name +
                  "-reader; " + grant_text(Role::kLogReader, release, ""));
}

Error with_grant(const kube::ApiError& error, Role role, const ReleaseName& release) {
  if (!error.is_forbidden()) return error;
  return {error.kind, error.message + "; " + grant_text(role, release, error.message)};
}

Error with_pods_grant(const kube::ApiError& error, const std::string& ns) {
  if (!error.is_forbidden()) return error;
  const std::string user = user_of(error.message);
  const std::string create = ns.empty() ? "kubectl create clusterrolebinding "
                                        : "kubectl -n " + ns + " create rolebinding ";
  return {error.kind, error.message + "; ClusterRole view grants it: " + create + user +
                          "-pods --clusterrole=view --user=" + user};
}

}  // namespace avouch::inspect
