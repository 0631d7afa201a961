#include "integration/kube/shared_apiserver.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace avouch::testing {
namespace {

std::unique_ptr<RealApiserver>& instance() {
  static std::unique_ptr<RealApiserver> server;
  return server;
}

class Shared final : public ::testing::Environment {
 public:
  void SetUp() override {
    // A process that a test has started uses that test's server.
    if (std::getenv("AVOUCH_TEST_KUBECONFIG") != nullptr) return;
    auto started = RealApiserver::start({
        .flags = {},
        .tokens = {"alpha-token,alice,u1,\"system:masters\"", "beta-token,bob,u2"},
    });
    if (!started.has_value()) {
      std::fprintf(stderr, "%s\n", started.error().message.c_str());
      std::exit(1);
    }
    instance() = std::move(started).value();
  }
  void TearDown() override { instance().reset(); }
};

const auto* const kRegistered = ::testing::AddGlobalTestEnvironment(new Shared);

}  // namespace

RealApiserver& shared_apiserver() { return *instance(); }

}  // namespace avouch::testing
