// A real API server keeps the contract that the tests' own one is held to.

#include "adapters/rest_transport.h"
#include "contract/kube/api_contract.h"
#include "integration/kube/shared_apiserver.h"

namespace avouch::kube {
namespace {

class Real final : public ApiUnderTest {
 public:
  Real() {
    auto& server = testing::shared_apiserver();
    auto options = adapters::kubeconfig_options(server.write_kubeconfig(server.admin())).value();
    transport_ = adapters::RestTransport::create(std::move(options)).value();
  }
  Transport& transport() override { return *transport_; }
  void forget_history() override {
    // A new server's watch cache begins at the newest version.
    auto& server = testing::shared_apiserver();
    server.kill_server();
    ASSERT_TRUE(server.compact().has_value());
    ASSERT_TRUE(server.start_server().has_value());
  }

 private:
  std::unique_ptr<adapters::RestTransport> transport_;
};

}  // namespace

ApiUnderTest& api_under_test() {
  static Real api;
  return api;
}

}  // namespace avouch::kube
