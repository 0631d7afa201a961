#include "codec/kernel_pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace avouch::codec {
namespace {

KernelPattern forbidden(std::string_view text) { return KernelPattern::compile(text).value(); }

// Every way to write it.
std::vector<std::string> spellings(const std::string& text) {
  std::vector<std::string> out = {text};
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '-' && text[at] != '_') continue;
    const std::size_t count = out.size();
    for (std::size_t i = 0; i < count; ++i) {
      std::string other = out[i];
      other[at] = other[at] == '-' ? '_' : '-';
      out.push_back(other);
    }
  }
  return out;
}

TEST(KernelPattern, ForbidsANameHoweverItIsWritten) {
  for (const char* written : {"ima_appraise=off", "ima-appraise=off"}) {
    EXPECT_TRUE(forbidden(written).matches("ima_appraise=off"));
    EXPECT_TRUE(forbidden(written).matches("ima-appraise=off"));
    EXPECT_FALSE(forbidden(written).matches("imaXappraise=off"));
    EXPECT_FALSE(forbidden(written).matches("ima_appraise=log"));
    EXPECT_EQ(forbidden(written).text(), written);
  }
}

// What matches in one spelling matches in all of them; what matches in none, in none.
TEST(KernelPattern, MatchesWhereSomeSpellingDoes) {
  const std::vector<std::string> expressions = {
      "a_b-c=.*", "a[-_]b.c=x",    "a[^-]b=.*",        R"(a\-b=.*)",   R"(a\x2db=.*)",
      R"(a\W?b)", R"(a\055b=x-y)", R"(\Qa-b=\E[-y]+)", "(?i-s:A-B)=x", "(?P<n>a-b)=[^_]*",
      "a[+-/]b",  "a[]-]b",        "a[[:punct:]]b",    "a-{1,2}b=x",   R"(a\x{2d}b=x-y)",
      R"(a\pPb)", "a(-|=)b",       "a.b=x[^y]y",       "[a-c][-a]b"};
  const std::vector<std::string> arguments = {"a-b-c=", "a_b_c=x",  "a-b=x-y", "a_b=x_y", "a-b",
                                              "a_b",    "ab",       "a=b",     "a--b=x",  "a-_b=x",
                                              "a]b",    "a/b",      "a-b=",    "a_b=x",   "aab",
                                              "a-b=y",  "a-b=x-_y", "b-b",     "axb=x-y"};
  for (const std::string& expression : expressions) {
    const Pattern written = Pattern::compile(expression).value();
    for (const std::string& argument : arguments) {
      bool any = false;
      for (const std::string& each : spellings(argument)) any = any || written.matches(each);
      EXPECT_EQ(forbidden(expression).matches(argument), any) << expression << " " << argument;
    }
  }
}

TEST(KernelPattern, DoesNotTakeTheEndOfAWordForOne) {
  EXPECT_TRUE(forbidden(R"(.*\bappraise=off)").matches("ima_appraise=off"));
  EXPECT_TRUE(forbidden(R"(.*\bappraise=off)").matches("ima-appraise=off"));
  EXPECT_FALSE(forbidden(R"(.*\bappraise=off)").matches("ima_appraise=log"));
}

TEST(KernelPattern, TakesTheLongestExpressions) {
  std::string classes;
  while (classes.size() + 3 <= Pattern::kMaxBytes) classes += "[-]";
  EXPECT_TRUE(forbidden(classes).matches(std::string(classes.size() / 3, '_')));
  EXPECT_TRUE(forbidden(std::string(Pattern::kMaxBytes, '-')).matches(std::string(1024, '_')));
  EXPECT_FALSE(KernelPattern::compile(std::string(Pattern::kMaxBytes + 1, 'a')).has_value());
  EXPECT_FALSE(KernelPattern::compile("(").has_value());
}

}  // namespace
}  // namespace avouch::codec
