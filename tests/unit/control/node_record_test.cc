#include "control/node_record.h"

#include <gtest/gtest.h>

#include "tests/unit/control/scene.h"

namespace avouch::control {
namespace {

class NodeRecordTest : public Scene {
 protected:
  NodeRecordTest() {
    set_policies({policy("production", machine)});
    trusted("n", machine);
    text = encode_record(saved.at("uid-n"));
  }
  Machine machine{maker};
  std::string text;
};

TEST_F(NodeRecordTest, IsTheSameAfterItWasStored) {
  const auto again = parse_record(text);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(encode_record(*again), text);
  EXPECT_EQ(again->verdict.phase, Phase::kTrusted);
  EXPECT_EQ(again->node_uid, "uid-n");
  EXPECT_FALSE(again->verdict.token.empty());
}

// The record decides about the node after a restart: what is damaged must not be taken for whole.
TEST_F(NodeRecordTest, IsRefusedAtEveryLengthButItsOwn) {
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(parse_record(std::string_view(text).substr(0, size)).has_value()) << size;
  }
  EXPECT_FALSE(parse_record(text + "x").has_value());
}

}  // namespace
}  // namespace avouch::control
