#include "support/real_apiserver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <thread>

#include "codec/base64.h"
#include "codec/json.h"
#include "support/https_status.h"

namespace avouch::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kReadyWithin{60};

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path cache_folder() {
  if (const std::string own = environment("AVOUCH_CACHE"); !own.empty()) return own;
  const std::string base = environment("XDG_CACHE_HOME");
  return (base.empty() ? fs::path(environment("HOME")) / ".cache" : fs::path(base)) / "avouch";
}

// The newest complete kubernetes-VERSION folder of the cache.
fs::path kubernetes_folder() {
  fs::path newest;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(cache_folder(), ignored)) {
    if (entry.path().filename().string().starts_with("kubernetes-") &&
        fs::exists(entry.path() / ".complete") && entry.path() > newest) {
      newest = entry.path();
    }
  }
  return newest;
}

std::string on_path(const std::string& program) {
  std::string folders = environment("PATH") + ":/usr/sbin:/usr/bin:";
  for (std::size_t colon; (colon = folders.find(':')) != std::string::npos;
       folders.erase(0, colon + 1)) {
    const fs::path candidate = fs::path(folders.substr(0, colon)) / program;
    if (access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return "";
}

}  // namespace

Result<std::unique_ptr<RealApiserver>> RealApiserver::start(const RealApiserverOptions& options) {
  std::unique_ptr<RealApiserver> server(new RealApiserver());
  server->options_ = options;
  AVOUCH_CHECK(server->find_binaries());
  AVOUCH_CHECK(server->make_certificates());
  AVOUCH_CHECK(server->start_etcd());
  Result<void> started;
  for (int attempt = 0; attempt < 3; ++attempt) {  // somebody else may take the port
    server->port_ = free_port();
    server->url_ = "https://127.0.0.1:" + std::to_string(server->port_);
    started = server->start_server();
    if (started.has_value()) return server;
  }
  return std::move(started).error();
}

Result<void> RealApiserver::find_binaries() {
  const fs::path folder = kubernetes_folder();
  if (folder.empty()) {
    return rejected("no kube-apiserver in " + cache_folder().string() +
                    "/kubernetes-*: run hack/cluster.sh up once, or set AVOUCH_CACHE");
  }
  kube_apiserver_ = (folder / "kube-apiserver").string();
  kubectl_ = (folder / "kubectl").string();
  etcd_ = on_path("etcd");
  if (etcd_.empty()) return rejected("no etcd on the PATH: install Debian's etcd-server");
  return {};
}

Result<void> RealApiserver::make_certificates() {
  ca_file_ = dir_ / "ca.crt";
  AVOUCH_CHECK(run_command({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                            "/CN=test-ca", "-keyout", dir_ / "ca.key", "-out", ca_file_}));
  AVOUCH_CHECK(run_command({"openssl", "genrsa", "-out", dir_ / "accounts.key", "2048"}));
  AVOUCH_CHECK(run_command(
      {"openssl", "rsa", "-in", dir_ / "accounts.key", "-pubout", "-out", dir_ / "accounts.pub"}));
  write_text(dir_ / "server.ext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:10.0.0.1\n");
  AVOUCH_CHECK(run_command({"openssl", "req", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=kube-apiserver",
                            "-keyout", dir_ / "server.key", "-out", dir_ / "server.csr"}));
  AVOUCH_CHECK(run_command({"openssl", "x509", "-req", "-in", dir_ / "server.csr", "-CA", ca_file_,
                            "-CAkey", dir_ / "ca.key", "-CAcreateserial", "-days", "30", "-extfile",
                            dir_ / "server.ext", "-out", dir_ / "server.crt"}));
  AVOUCH_TRY(admin_, issue("admin", {"system:masters"}));
  return {};
}

Result<CertificateFiles> RealApiserver::issue(const std::string& name,
                                              const std::vector<std::string>& groups) {
  std::string subject;
  for (const std::string& group : groups) subject += "/O=" + group;
  subject += "/CN=" + name;
  const std::string base = dir_ / ("client-" + std::to_string(std::hash<std::string>()(subject)));
  write_text(base + ".ext", "extendedKeyUsage=clientAuth\n");
  AVOUCH_CHECK(
      run_command({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                   "-nodes", "-subj", subject, "-keyout", base + ".key", "-out", base + ".csr"}));
  AVOUCH_CHECK(run_command({"openssl", "x509", "-req", "-in", base + ".csr", "-CA", ca_file_,
                            "-CAkey", dir_ / "ca.key", "-CAcreateserial", "-days", "30", "-extfile",
                            base + ".ext", "-out", base + ".crt"}));
  return CertificateFiles{base + ".crt", base + ".key"};
}

std::string RealApiserver::write_kubeconfig(const CertificateFiles& user) {
  const std::string file = user.certificate + ".kubeconfig";
  write_text(file,
             "apiVersion: v1\nkind: Config\ncurrent-context: test\n"
             "clusters:\n- name: c\n  cluster:\n    server: " +
                 url_ + "\n    certificate-authority: " + ca_file_ +
                 "\ncontexts:\n- name: test\n  context: {cluster: c, user: u}\n"
                 "users:\n- name: u\n  user:\n    client-certificate: " +
                 user.certificate + "\n    client-key: " + user.key + "\n");
  return file;
}

Result<void> RealApiserver::kubectl(const std::vector<std::string>& arguments) {
  std::vector<std::string> command{kubectl_, "--kubeconfig", write_kubeconfig(admin_)};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run_command(command);
}

Result<void> RealApiserver::start_etcd() {
  std::string log;
  for (int attempt = 0; attempt < 3; ++attempt) {
    etcd_port_ = free_port();
    const std::string client = "http://127.0.0.1:" + std::to_string(etcd_port_);
    const std::string peer = "http://127.0.0.1:" + std::to_string(free_port());
    const std::string name = "etcd" + std::to_string(attempt);
    AVOUCH_TRY(
        etcd_process_,
        ChildProcess::start({etcd_, "--name", name, "--data-dir", dir_ / name,
                             "--listen-client-urls", client, "--advertise-client-urls", client,
                             "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                             "--initial-cluster", name + "=" + peer, "--unsafe-no-fsync"},
                            dir_ / "etcd.log"));
    const auto deadline = steady_clock::now() + kReadyWithin;
    while (etcd_process_.running() && steady_clock::now() < deadline) {
      if (revision().has_value()) return {};
      std::this_thread::sleep_for(milliseconds(20));
    }
  }
  return rejected("etcd does not start: " + read_text(dir_ / "etcd.log"));
}

Result<void> RealApiserver::start_server() {
  std::vector<std::string> command{
      kube_apiserver_,
      "--etcd-servers=http://127.0.0.1:" + std::to_string(etcd_port_),
      "--bind-address=127.0.0.1",
      "--secure-port=" + std::to_string(port_),
      "--tls-cert-file=" + dir_ / "server.crt",
      "--tls-private-key-file=" + dir_ / "server.key",
      "--client-ca-file=" + ca_file_,
      "--service-account-key-file=" + dir_ / "accounts.pub",
      "--service-account-signing-key-file=" + dir_ / "accounts.key",
      "--service-account-issuer=https://kubernetes.default.svc",
      "--api-audiences=https://kubernetes.default.svc",
      "--service-cluster-ip-range=10.0.0.0/24",
      "--authorization-mode=RBAC",
      "--disable-admission-plugins=ServiceAccount",
      "--allow-privileged=true",
  };
  if (!options_.tokens.empty()) {
    std::string rows;
    for (const std::string& row : options_.tokens) rows += row + "\n";
    write_text(dir_ / "tokens.csv", rows);
    command.push_back("--token-auth-file=" + dir_ / "tokens.csv");
  }
  command.insert(command.end(), options_.flags.begin(), options_.flags.end());
  AVOUCH_TRY(server_, ChildProcess::start(command, dir_ / "kube-apiserver.log"));
  const auto deadline = steady_clock::now() + kReadyWithin;
  while (server_.running() && steady_clock::now() < deadline) {
    // Anybody may ask once the roles are there, which is part of being ready.
    if (https_status(static_cast<std::uint16_t>(port_), "/readyz") == 200) return {};
    std::this_thread::sleep_for(milliseconds(50));
  }
  const std::string log = read_text(dir_ / "kube-apiserver.log");
  return retryable("kube-apiserver does not get ready: " +
                   log.substr(log.size() > 4000 ? log.size() - 4000 : 0));
}

void RealApiserver::stop_server() { server_.stop(); }
void RealApiserver::kill_server() { server_.kill(); }

Result<std::string> RealApiserver::etcd_call(const std::string& path,
                                             const std::string& body) const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(etcd_port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // By HTTP/1.0, of which no answer comes in chunks.
  const std::string request = "POST " + path +
                              " HTTP/1.0\r\nContent-Length: " + std::to_string(body.size()) +
                              "\r\n\r\n" + body;
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char piece[4096];
    for (ssize_t size; (size = recv(fd, piece, sizeof piece, 0)) > 0;) {
      answer.append(piece, static_cast<std::size_t>(size));
    }
  }
  close(fd);
  if (answer.empty()) return retryable("etcd does not answer");
  const std::size_t head = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.0 200") || head == std::string::npos) {
    return rejected("etcd: " + path + ": " + answer);
  }
  return answer.substr(head + 4);
}

Result<std::int64_t> RealApiserver::revision() const {
  AVOUCH_TRY(const std::string body, etcd_call("/v3/kv/range", R"({"key":"AA=="})"));
  AVOUCH_TRY(const codec::Json answer, codec::parse_json(body));
  const std::string text(answer.text({"header", "revision"}));
  if (text.empty()) return rejected("etcd names no revision: " + body);
  return std::stoll(text);
}

Result<std::vector<std::string>> RealApiserver::take_away_since(std::int64_t revision) const {
  // What the server makes of itself, now and then.
  static constexpr std::string_view kItsOwn[] = {"/registry/apiregistration.k8s.io/",
                                                 "/registry/masterleases/", "/registry/services/"};
  const auto base64 = [](std::string_view text) { return codec::to_base64(as_bytes(text)); };
  AVOUCH_TRY(const std::string body,
             etcd_call("/v3/kv/range", "{\"key\":\"" + base64("/registry/") +
                                           "\",\"range_end\":\"" + base64("/registry0") +
                                           "\",\"keys_only\":true,\"min_create_revision\":\"" +
                                           std::to_string(revision + 1) + "\"}"));
  AVOUCH_TRY(const codec::Json answer, codec::parse_json(body));
  std::vector<std::string> taken;
  const codec::Json* found = answer.find("kvs");
  if (found == nullptr || found->as_array() == nullptr) return taken;
  for (const codec::Json& one : *found->as_array()) {
    AVOUCH_TRY(const Bytes key, codec::from_base64(one.text({"key"})));
    const std::string name(as_text(key));
    if (std::any_of(std::begin(kItsOwn), std::end(kItsOwn),
                    [&](std::string_view own) { return name.starts_with(own); })) {
      continue;
    }
    AVOUCH_CHECK(etcd_call("/v3/kv/deleterange", "{\"key\":\"" + base64(name) + "\"}"));
    taken.push_back(name);
  }
  return taken;
}

Result<void> RealApiserver::compact() {
  AVOUCH_TRY(const std::int64_t newest, revision());
  AVOUCH_CHECK(etcd_call("/v3/kv/compaction",
                         "{\"revision\":\"" + std::to_string(newest) + "\",\"physical\":true}"));
  return {};
}

}  // namespace avouch::testing
