#pragma once

// Controllers as processes on a real API server, whose logs take what others send.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "adapters/rest_transport.h"
#include "integration/operator/controller_process.h"
#include "kube/auth.h"
#include "kube/client.h"
#include "support/paths.h"
#include "support/process.h"
#include "support/real_apiserver.h"

namespace avouch::testing {

// With the definitions and nothing else.
class ApiScene : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = RealApiserver::start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
    server_ = *std::move(started);
    ASSERT_NO_FATAL_FAILURE(kubectl({"apply", "-f", (vectors_dir() / "../../crds").string()}));
    kubeconfig_ = server_->write_kubeconfig(server_->admin());
    auto options = adapters::kubeconfig_options(kubeconfig_).value();
    transport_ = adapters::RestTransport::create(std::move(options)).value();
    client_ = std::make_unique<kube::Client>(*transport_);
  }

  void kubectl(const std::vector<std::string>& command) {
    const auto ran = server_->kubectl(command);
    ASSERT_TRUE(ran.has_value()) << ran.error().message;
  }
  // One by which controllers know the account.
  std::string token(const kube::ServiceAccountName& account) const {
    kube::TokenRequest request;
    request.account = account;
    request.audiences = {"avouch.dev/controller"};
    const auto issued = kube::request_token(*client_, request);
    EXPECT_TRUE(issued.has_value()) << issued.error().message;
    return issued.has_value() ? issued->token : "";
  }
  // The head's line with such a token.
  std::string bearer(const kube::ServiceAccountName& account) const {
    return "Authorization: Bearer " + token(account) + "\r\n";
  }

  TempDir dir_;
  std::unique_ptr<RealApiserver> server_;
  std::string kubeconfig_;
  std::unique_ptr<adapters::RestTransport> transport_;
  std::unique_ptr<kube::Client> client_;
};

// With one controller.
class ControllerScene : public ApiScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ApiScene::SetUp());
    ASSERT_NO_FATAL_FAILURE(kubectl({"create", "namespace", kNamespace}));
  }

  // As ControllerProcess.
  void configure(const std::string& of_log) { controller_.configure(of_log); }
  void launch() { controller_.launch(kubeconfig_); }
  void start() {
    launch();
    controller_.await_ready();
  }
  void stop() { controller_.stop(); }
  std::string log() const { return controller_.log(); }
  std::string send(const std::string& head, const std::string& body = "") const {
    return controller_.send(head, body);
  }
  // Of an account of the release's namespace.
  std::string bearer(const std::string& account) const {
    return ApiScene::bearer({kNamespace, account});
  }

  ControllerProcess controller_{{}, dir_.path()};
};

}  // namespace avouch::testing
