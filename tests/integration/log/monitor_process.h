#pragma once

// `avouch-log monitor` as a process, and what it looks at: logs, and what witnesses show.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/http_server.h"
#include "adapters/system_clock.h"
#include "base/hex.h"
#include "crypto/hash.h"
#include "crypto/x509.h"
#include "support/http_client.h"
#include "support/process.h"
#include "support/served_log.h"
#include "support/tls_server.h"
#include "tlog/cosignature.h"
#include "tlog/serve.h"

namespace avouch::testing {

inline constexpr const char* kFollowedOrigin = "log.example/followed";

// Logs by the first part of the path, and checkpoints as a witness shows them.
class Site final : public HttpHandler {
 public:
  Site() {
    adapters::HttpServerOptions options;
    options.listen = "127.0.0.1:0";
    server_ = adapters::HttpServer::start(std::move(options), *this).value();
  }
  ~Site() override { server_->stop(std::chrono::milliseconds(0)); }

  std::string url(const std::string& part) const {
    return "http://" + server_->address() + "/" + part;
  }
  void serve(const std::string& part, tlog::TileReader* log) {
    const std::lock_guard lock(mutex_);
    logs_[part] = log;
  }
  void show(const std::string& path, const std::string& note) {
    const std::lock_guard lock(mutex_);
    shown_[path] = note;
  }

  Result<BodyPlan> plan(const HttpRequest&) override { return BodyPlan{}; }
  void handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) override {
    const std::lock_guard lock(mutex_);
    HttpResponse response;
    response.status = 404;
    const std::string path = request.path.substr(1);
    const auto log = logs_.find(path.substr(0, path.find('/')));
    if (const auto shown = shown_.find(path); shown != shown_.end()) {
      response.status = 200;
      response.body = shown->second;
    } else if (log != logs_.end() && log->second != nullptr) {
      const auto served = tlog::serve(*log->second, path.substr(log->first.size() + 1));
      if (served.has_value() && *served) {
        response.status = 200;
        response.body = as_text((*served)->body);
      }
    }
    reply(std::move(response));
  }

 private:
  std::mutex mutex_;
  std::map<std::string, tlog::TileReader*> logs_;
  std::map<std::string, std::string> shown_;
  std::unique_ptr<adapters::HttpServer> server_;
};

class MonitorProcessTest : public ::testing::Test {
 public:
  ~MonitorProcessTest() override {
    if (HasFailure()) std::fputs(read_text(log_file()).c_str(), stderr);
  }

 protected:
  void TearDown() override {
    process_.stop();
    EXPECT_THAT(read_text(log_file()), ::testing::Not(::testing::HasSubstr("Sanitizer")));
  }
  std::string log_file() const { return dir_ / "log"; }

  void configure(const std::string& policy_lines, const std::string& more = "") const {
    write_text(dir_ / "policy", policy_lines);
    write_text(dir_ / "authorities", ca_.certificate_pem);
    write_text(dir_ / "monitor.yaml", "policies: [" + (dir_ / "policy") +
                                          "]\nauthorities: " + (dir_ / "authorities") +
                                          "\nstateDir: " + (dir_ / "state") +
                                          "\nhealth: \"127.0.0.1:0\"\ninterval: 1s\n" + more);
  }
  void start(const std::string& policy_lines, const std::string& more = "") {
    configure(policy_lines, more);
    restart();
  }
  void restart() {
    process_.stop();
    const std::size_t before = read_text(log_file()).size();
    process_ =
        ChildProcess::start({AVOUCH_LOG, "monitor", "--config", dir_ / "monitor.yaml"}, log_file())
            .value();
    const std::string line = wait_for([&] {
      const std::string log = read_text(log_file()).substr(before);
      return log.find("msg=\"following\"") == std::string::npos ? "" : log;
    });
    const std::size_t at = line.find("health=\"");
    ASSERT_NE(at, std::string::npos) << line;
    health_ = line.substr(at + 8, line.find('"', at + 8) - at - 8);
  }
  // What `look` gives once it gives something; "" after a minute.
  std::string wait_for(const std::function<std::string()>& look) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (;;) {
      const std::string found = look();
      if (!found.empty() || std::chrono::steady_clock::now() > deadline) return found;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  std::string metrics() const {
    const auto answer = HttpClient(health_).send("GET", "/metrics");
    return answer.has_value() ? answer->body : "";
  }
  std::string metrics_with(const std::string& line) {
    return wait_for([&] {
      const std::string text = metrics();
      return text.find(line) == std::string::npos ? "" : text;
    });
  }
  std::string folder() const {
    return dir_ / ("state/" + to_hex(crypto::sha256(as_bytes(kFollowedOrigin))));
  }
  std::vector<std::string> proofs() const {
    std::vector<std::string> out;
    for (const auto& file : std::filesystem::directory_iterator(folder())) {
      if (file.path().extension() == ".misbehaviour") out.push_back(read_text(file.path()));
    }
    return out;
  }
  // What the program says where it does not start.
  std::string refusal() const {
    const auto ended =
        run_command({"timeout", "60", AVOUCH_LOG, "monitor", "--config", dir_ / "monitor.yaml"});
    return ended.has_value() ? "(started)" : ended.error().message;
  }
  // Waits for readiness to say this.
  std::string ready_with(int status, const std::string& words) {
    return wait_for([&] {
      const auto answer = HttpClient(health_).send("GET", "/readyz");
      const bool good = answer.has_value() && answer->status == status &&
                        answer->body.find(words) != std::string::npos;
      return good ? answer->body : "";
    });
  }
  // Waits until it was found so often.
  bool found(const std::string& kind, int count) {
    const std::string name = "avouch_monitor_findings_total{kind=\"" + kind + "\",log=\"" +
                             std::string(kFollowedOrigin) + "\"} ";
    const auto enough = [&] {
      const std::string text = metrics();
      const std::size_t at = text.find(name);
      return at != std::string::npos && std::stoi(text.substr(at + name.size())) >= count;
    };
    return !wait_for([&] { return enough() ? "enough" : ""; }).empty();
  }
  TlsServer misbehaving(TlsServer::Serve serve) const {
    const SystemTime now = adapters::SystemClock().now();
    const auto issued = crypto::issue_server_certificate(
        ca_, {.dns = {"server.test"}, .ip = {"127.0.0.1"}}, now - std::chrono::minutes(1),
        now + std::chrono::hours(1));
    return {{.certificate_pem = issued.value().certificate_pem,
             .key_pem = issued.value().key_pem,
             .client_ca_pem = {}},
            std::move(serve)};
  }
  std::string policy_at(const std::string& url) const {
    return "log " + tlog::format_vkey(signer_.verifier()) + " " + url + "\nquorum none\n";
  }
  // The lines of a witness whose monitoring prefix is this.
  std::string witness_at(const std::string& url) const {
    return "witness w " + tlog::format_cosigner_vkey(witness_.key()) + " " + url + "\n";
  }
  static std::string shown_at() {
    return "witness/" + to_hex(crypto::sha256(as_bytes(kFollowedOrigin))) + "/checkpoint";
  }
  std::string entries(std::uint64_t count) const {
    return "avouch_monitor_log_entries{log=\"" + std::string(kFollowedOrigin) + "\"} " +
           std::to_string(count);
  }
  std::string policy() const {
    return "log " + tlog::format_vkey(signer_.verifier()) + " " + site_.url("log") + "\n";
  }

  const tlog::NoteSigner signer_ =
      tlog::NoteSigner::make(kFollowedOrigin,
                             crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  const tlog::Cosigner witness_ =
      tlog::Cosigner::make("w.example", crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  const crypto::CertifiedKey ca_ =
      crypto::make_ca("authority", adapters::SystemClock().now() - std::chrono::hours(1),
                      adapters::SystemClock().now() + std::chrono::hours(24));
  ServedLog log_{signer_}, fork_{signer_, "other "};
  Site site_;  // serves them until its end
  TempDir dir_;
  ChildProcess process_;
  std::string health_;
};

}  // namespace avouch::testing
