#pragma once

// A real etcd and kube-apiserver for integration tests: own certificates, free ports, a folder that
// goes away. The binaries come from the cache that hack/cluster.sh fills; where they are missing,
// start() fails and says so: a skipped test would read as a passed one.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "support/process.h"

namespace avouch::testing {

struct RealApiserverOptions {
  // More flags for kube-apiserver; a later one wins over these defaults:
  // --authorization-mode=RBAC, --disable-admission-plugins=ServiceAccount (pods need no account).
  std::vector<std::string> flags;
  // Rows for --token-auth-file: "token,user,uid,\"group1,group2\"".
  std::vector<std::string> tokens;
};

struct CertificateFiles {
  std::string certificate, key;  // paths of PEM files
};

// Start it from the main thread (see ChildProcess). Every call may take seconds.
class RealApiserver {
 public:
  static Result<std::unique_ptr<RealApiserver>> start(const RealApiserverOptions& options = {});

  const std::string& url() const { return url_; }  // https://127.0.0.1:PORT
  const std::string& ca_file() const { return ca_file_; }
  const std::string& folder() const { return dir_.path(); }
  const CertificateFiles& admin() const { return admin_; }  // group system:masters

  // A client certificate that the server accepts as user `name` of these groups.
  Result<CertificateFiles> issue(const std::string& name, const std::vector<std::string>& groups);

  // A kubeconfig for a client certificate; returns its path.
  std::string write_kubeconfig(const CertificateFiles& user);

  // With kubectl of the cache, as admin: CRDs and other files.
  Result<void> kubectl(const std::vector<std::string>& arguments);

  void stop_server();  // SIGTERM; etcd goes on
  void kill_server();  // SIGKILL
  ChildProcess& server() { return server_; }
  Result<void> start_server();  // again, on the same port, with the same data; waits until ready

  // etcd forgets all revisions before the newest. The server's own watch cache does not.
  Result<void> compact();

  // Of the newest change that etcd has.
  Result<std::int64_t> revision() const;
  // Takes away in etcd what was made after that revision, whatever finalizers hold; changes of what
  // was there before stay. The server's caches follow a moment later. The keys, such as
  // "/registry/pods/shop/web-0".
  Result<std::vector<std::string>> take_away_since(std::int64_t revision) const;

 private:
  RealApiserver() = default;
  Result<void> find_binaries();
  Result<void> make_certificates();
  Result<void> start_etcd();
  // The body of the answer.
  Result<std::string> etcd_call(const std::string& path, const std::string& body) const;

  TempDir dir_;
  RealApiserverOptions options_;
  std::string kube_apiserver_, kubectl_, etcd_;
  int port_ = 0, etcd_port_ = 0;
  std::string url_, ca_file_;
  CertificateFiles admin_;
  ChildProcess etcd_process_, server_;
};

}  // namespace avouch::testing
