#pragma once

// Controllers as processes on a real API server, whose logs take what others send.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "integration/operator/clean_apiserver.h"
#include "integration/operator/controller_process.h"
#include "kube/auth.h"
#include "support/process.h"

namespace avouch::testing {

// With the definitions and nothing else.
class ApiScene : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto clean = CleanApiserver::get();
    ASSERT_TRUE(clean.has_value()) << clean.error().message;
    server_ = &(*clean)->server();
    client_ = &(*clean)->client();
    kubeconfig_ = (*clean)->kubeconfig();
    audit_log_ = (*clean)->audit_log();
  }

  void create_namespace(const std::string& name) { create(kube::namespaces(), name); }
  void create_account(const std::string& name) { create(kube::service_accounts(kNamespace), name); }
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
  RealApiserver* server_ = nullptr;
  const kube::Client* client_ = nullptr;  // as admin
  std::string kubeconfig_;
  std::string audit_log_;  // see CleanApiserver

 private:
  void create(const kube::ResourcePath& kind, const std::string& name) {
    codec::Json object{codec::Json::Object{}};
    object["metadata"]["name"] = name;
    const auto made = client_->create(kind, object);
    ASSERT_TRUE(made.has_value()) << made.error().message;
  }
};

// With one controller.
class ControllerScene : public ApiScene {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(ApiScene::SetUp());
    ASSERT_NO_FATAL_FAILURE(create_namespace(kNamespace));
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
