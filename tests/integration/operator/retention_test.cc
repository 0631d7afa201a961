// A controller as a process on a real API server, with a retention policy: it is an entry of the
// log, once, whatever restarts; and another one when it is switched off.

#include "tlog/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/operator/controller_scene.h"
#include "integration/operator/log_user.h"

namespace avouch::testing {
namespace {

using std::chrono::hours;

class RetentionPolicyInForce : public ControllerScene {
 protected:
  LogUser user() const { return {controller_, *client_}; }
  std::shared_ptr<const tlog::Retention> retention() const {
    ControllerTiles tiles = user().tiles();
    const auto loaded = tlog::load_retention(tiles, user().checkpoint());
    return std::make_shared<const tlog::Retention>(loaded.has_value() ? *loaded
                                                                      : tlog::Retention());
  }
};

TEST_F(RetentionPolicyInForce, IsAnEntryOfTheLogAndSoIsItsEnd) {
  const tlog::RetentionPolicy policy{hours(24), hours(720)};
  configure("retention: {content: 24h, entries: 720h}");
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] { return user().has_published(1) && retention()->policy == policy; }))
      << log();
  const auto entered = retention()->policy_index;
  EXPECT_EQ(retention()->pruning.minimum_index, 0U);
  ASSERT_NO_FATAL_FAILURE(stop());
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(retention()->policy, policy);
  EXPECT_EQ(retention()->policy_index, entered);
  ASSERT_NO_FATAL_FAILURE(stop());
  configure("retention: {}");
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(eventually([&] {
    return retention()->policy_index > entered && retention()->policy == tlog::RetentionPolicy();
  })) << log();
}

}  // namespace
}  // namespace avouch::testing
