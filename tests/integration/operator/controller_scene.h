#pragma once

// A controller as a process on a real API server, whose log takes what others send.

#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "adapters/rest_transport.h"
#include "integration/operator/running.h"
#include "kube/auth.h"
#include "kube/client.h"
#include "support/paths.h"
#include "support/process.h"
#include "support/real_apiserver.h"

namespace avouch::testing {

class ControllerScene : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = RealApiserver::start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server_ = *std::move(started);
    ASSERT_NO_FATAL_FAILURE(kubectl({"apply", "-f", (vectors_dir() / "../../crds").string()}));
    ASSERT_NO_FATAL_FAILURE(kubectl({"create", "namespace", kNamespace}));
    auto options =
        adapters::kubeconfig_options(server_->write_kubeconfig(server_->admin())).value();
    transport_ = adapters::RestTransport::create(std::move(options)).value();
    client_ = std::make_unique<kube::Client>(*transport_);
    ASSERT_TRUE(run_command({"mkdir", "-m", "0700", dir_ / "data"}).has_value());
  }

  void kubectl(const std::vector<std::string>& command) {
    const auto ran = server_->kubectl(command);
    ASSERT_TRUE(ran.has_value()) << ran.error().message;
  }
  // `of_log`: more of the configuration's section `log`, such as "registration: {}".
  void configure(const std::string& of_log) {
    write_text(dir_ / "config.yaml",
               "release: {name: avouch, namespace: avouch-system}\nlisten: 127.0.0.1:0\n"
               "health: 127.0.0.1:0\ndataDir: " +
                   (dir_ / "data") + "\nlog: {cadence: 1s, " + of_log + "}\n" + kPatientLeases);
  }
  void start() {
    log_file_ = dir_ / ("log" + std::to_string(++starts_));
    controller_ = ChildProcess::start({"/usr/bin/env", "POD_NAME=controller",
                                       "POD_UID=uid" + std::to_string(starts_), AVOUCH_OPERATOR,
                                       "--config", dir_ / "config.yaml", "--kubeconfig",
                                       server_->write_kubeconfig(server_->admin())},
                                      log_file_)
                      .value();
    ASSERT_TRUE(eventually([&] {
      return get(serving_address(log(), "health"), "/readyz").starts_with("HTTP/1.1 200");
    })) << log();
  }
  void stop() {
    controller_.signal(SIGTERM);
    ASSERT_TRUE(eventually([&] { return !controller_.running(); })) << log();
  }
  std::string log() const { return read_text(log_file_); }

  // The head's line with a token of a service account of the release's namespace.
  std::string bearer(const std::string& account) {
    kube::TokenRequest request;
    request.account.ns = kNamespace;
    request.account.name = account;
    request.audiences = {"avouch.dev/controller"};
    const auto issued = kube::request_token(*client_, request);
    EXPECT_TRUE(issued.has_value()) << issued.error().message;
    return "Authorization: Bearer " + (issued.has_value() ? issued->token : "") + "\r\n";
  }
  // The answer to a request, whose head ends in a line.
  std::string send(const std::string& head, const std::string& body = "") const {
    return ask(serving_address(log(), "server"), head, body);
  }
  static std::string header(const std::string& answer, const std::string& name) {
    const std::size_t at = answer.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const std::size_t begin = at + name.size() + 4;
    return answer.substr(begin, answer.find("\r\n", begin) - begin);
  }

  TempDir dir_;
  std::unique_ptr<RealApiserver> server_;
  std::unique_ptr<adapters::RestTransport> transport_;
  std::unique_ptr<kube::Client> client_;
  ChildProcess controller_;
  std::string log_file_;
  int starts_ = 0;
};

}  // namespace avouch::testing
