// The API server in memory keeps the contract of a real one.

#include "support/fake_kube.h"

#include "contract/kube/api_contract.h"

namespace avouch::kube {
namespace {

class InMemory final : public ApiUnderTest {
 public:
  Transport& transport() override { return kube_; }
  void forget_history() override {
    kube_.break_watches(retryable("connection reset"));
    kube_.compact();
  }

 private:
  testing::FakeKube kube_;
};

}  // namespace

ApiUnderTest& api_under_test() {
  static InMemory api;
  return api;
}

}  // namespace avouch::kube
