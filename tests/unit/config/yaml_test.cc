#include "config/yaml.h"

#include <gtest/gtest.h>

namespace avouch::config {
namespace {

std::string refusal_of(std::string_view text) {
  const auto parsed = parse_yaml(text, "f.yaml");
  return parsed.has_value() ? "" : parsed.error().message;
}

std::string repeated(std::string_view what, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += what;
  return out;
}

TEST(Yaml, RefusesWhatNestsTooDeep) {
  EXPECT_EQ(refusal_of("a: " + repeated("[", 31) + repeated("]", 31)), "");
  EXPECT_EQ(refusal_of("a: " + repeated("[", 32) + repeated("]", 32)),
            "f.yaml:1: nested deeper than 32");
}

// Read to its end, each bracket takes 230 bytes before the first list begins.
TEST(Yaml, GivesUpOnBracketsBeforeItHasReadThemAll) {
  const std::string refusal = ": more than 65536 brackets ([ and {) in one value";
  EXPECT_EQ(refusal_of("a: 1\nb: " + repeated("[", 200'000)), "f.yaml:2" + refusal);
  EXPECT_EQ(refusal_of("a: " + repeated("{", 200'000)), "f.yaml:1" + refusal);
  EXPECT_NE(refusal_of("a:\n" + repeated("[\n", 200'000)).find(refusal), std::string::npos);
}

TEST(Yaml, CountsTheBracketsOfOneValueAlone) {
  EXPECT_EQ(refusal_of("a: |\n  " + repeated("[{", 20'000) + "\nb: |\n  " + repeated("[{", 20'000)),
            "");
  EXPECT_EQ(refusal_of(repeated("- [1]\n", 40'000)), "");
}

}  // namespace
}  // namespace avouch::config
