#pragma once

// `avouch-log monitor` as a process, and what it looks at: logs, and what witnesses show.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/http_server.h"
#include "integration/log/log_programs.h"
#include "support/served_log.h"
#include "support/test_authority.h"
#include "support/tls_server.h"
#include "tlog/cosignature.h"
#include "tlog/serve.h"

namespace avouch::testing {

inline constexpr const char* kFollowedOrigin = "log.example/followed";

// Logs by the longest beginning of the path, and checkpoints as a witness shows them.
class Site final : public HttpHandler {
 public:
  Site() {
    adapters::HttpServerOptions options;
    options.listen = "127.0.0.1:0";
    server_ = adapters::HttpServer::start(std::move(options), *this).value();
  }
  ~Site() override { stop(); }
  // From here on none of the logs is read.
  void stop() { server_->stop(std::chrono::milliseconds(0)); }

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

  // Has those wait that ask for a path with this beginning; "": nobody.
  void delay(const std::string& begin, std::chrono::milliseconds time) {
    const std::lock_guard lock(mutex_);
    delayed_ = begin;
    delay_ = time;
  }

  Result<BodyPlan> plan(const HttpRequest&) override { return BodyPlan{}; }
  void handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) override {
    const std::string path = request.path.substr(1);
    std::this_thread::sleep_for(delay_of(path));
    const std::lock_guard lock(mutex_);
    HttpResponse response;
    response.status = 404;
    auto log = logs_.end();
    for (auto each = logs_.begin(); each != logs_.end(); ++each) {  // longer ones are later
      if (path.starts_with(each->first + "/")) log = each;
    }
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
  std::chrono::milliseconds delay_of(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return !delayed_.empty() && path.starts_with(delayed_) ? delay_ : std::chrono::milliseconds(0);
  }

  std::mutex mutex_;
  std::string delayed_;
  std::chrono::milliseconds delay_{0};
  std::map<std::string, tlog::TileReader*> logs_;
  std::map<std::string, std::string> shown_;
  std::unique_ptr<adapters::HttpServer> server_;
};

class MonitorProcessTest : public ::testing::Test {
 public:
  ~MonitorProcessTest() override {
    if (HasFailure()) std::fputs(monitor_.log().c_str(), stderr);
  }

 protected:
  void TearDown() override {
    monitor_.process().stop();
    site_.stop();  // before what a test of its own class shows there ends
    EXPECT_THAT(monitor_.log(), ::testing::Not(::testing::HasSubstr("Sanitizer")));
  }

  void configure(const std::string& policy_lines, const std::string& more = "") const {
    monitor_.configure({policy_lines}, authority_.pem(), more);
  }
  void start(const std::string& policy_lines, const std::string& more = "") {
    configure(policy_lines, more);
    restart();
  }
  void restart() { monitor_.start(); }
  template <typename Look>
  static std::string wait_for(Look look) {
    return LogProgram::wait_for(look);
  }
  std::string metrics() const { return monitor_.metrics(); }
  std::string metrics_with(const std::string& line) const { return monitor_.metrics_with(line); }
  std::string ready_with(int status, const std::string& words) const {
    return monitor_.ready_with(status, words);
  }
  std::string refusal() const { return monitor_.refusal(); }
  std::string folder() const { return monitor_.folder_of(kFollowedOrigin); }
  std::vector<std::string> proofs() const {
    std::vector<std::string> out;
    for (const auto& each : monitor_.kept_of(kFollowedOrigin, ".misbehaviour")) {
      out.push_back(read_text(each));
    }
    return out;
  }
  // Waits until it was found so often.
  bool found(const std::string& kind, int count) const {
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
    const crypto::CertifiedKey issued = authority_.issue("server.test");
    return {
        {.certificate_pem = issued.certificate_pem, .key_pem = issued.key_pem, .client_ca_pem = {}},
        std::move(serve)};
  }
  std::string policy_at(const std::string& url) const {
    return "log " + tlog::format_vkey(signer_.verifier()) + " " + url + "\nquorum none\n";
  }
  // The lines of a witness whose monitoring prefix is this.
  std::string witness_at(const std::string& url) const {
    return "witness w " + tlog::format_cosigner_vkey(witness_.key()) + " " + url + "\n";
  }
  static std::string shown_at() { return "witness" + WitnessProgram::path_of(kFollowedOrigin); }
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
  const TestAuthority authority_{};
  ServedLog log_{signer_}, fork_{signer_, "other "};
  Site site_;  // serves them until its end
  TempDir dir_;
  MonitorProgram monitor_{dir_.path()};
};

}  // namespace avouch::testing
