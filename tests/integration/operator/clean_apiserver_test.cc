#include "integration/operator/clean_apiserver.h"

#include <gtest/gtest.h>

namespace avouch::testing {
namespace {

class EndsApiserver final : public ::testing::Environment {
 public:
  void TearDown() override { CleanApiserver::end(); }
};

const auto* const kEndsApiserver = ::testing::AddGlobalTestEnvironment(new EndsApiserver);

}  // namespace
}  // namespace avouch::testing
