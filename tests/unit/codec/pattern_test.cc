#include "codec/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace avouch::codec {
namespace {

Pattern pattern(std::string_view text) { return Pattern::compile(text).value(); }

TEST(Pattern, MatchesOnlyTheWholeText) {
  const Pattern logs = pattern("/var/log/.*");
  EXPECT_TRUE(logs.matches("/var/log/syslog"));
  EXPECT_FALSE(logs.matches("/srv/var/log/syslog"));
  EXPECT_FALSE(pattern("a|b").matches("ab"));
  EXPECT_FALSE(pattern("init=/bin/sh").matches("init=/bin/sh2"));
}

TEST(Pattern, FindsARunWithinTheText) {
  EXPECT_TRUE(pattern("init=/bin/[a-z]+").found_in("ro init=/bin/sh quiet"));
  EXPECT_FALSE(pattern("init=/bin/[a-z]+").found_in("ro quiet"));
}

TEST(Pattern, TakesNewlinesAndAnyByteForCharacters) {
  EXPECT_TRUE(pattern("/tmp/.*").matches("/tmp/a\nb"));
  EXPECT_TRUE(pattern("/tmp/.").matches(std::string("/tmp/\xff")));
  EXPECT_TRUE(pattern("/tmp/.b").matches(std::string("/tmp/\0b", 7)));
}

TEST(Pattern, RefusesWhatIsNoExpression) {
  for (const char* text : {"", "(", "a**", "[b-a]", "(?=look)", "\\1", "a{1001}"}) {
    EXPECT_FALSE(Pattern::compile(text).has_value()) << text;
  }
  EXPECT_NE(Pattern::compile("(").error().message.find("missing"), std::string::npos);
}

TEST(Pattern, RefusesWhatIsTooLong) {
  EXPECT_TRUE(Pattern::compile(std::string(Pattern::kMaxBytes, 'a')).has_value());
  EXPECT_FALSE(Pattern::compile(std::string(Pattern::kMaxBytes + 1, 'a')).has_value());
}

TEST(Pattern, RefusesWhatGrowsTooLargeOnceCompiled) {
  EXPECT_FALSE(Pattern::compile("((((a{100}){100}){100}){100})").has_value());
}

TEST(Pattern, TakesTimeLinearInTheText) {
  // A backtracking matcher would need 2^40 steps.
  EXPECT_FALSE(pattern("(a*)*b").matches(std::string(40, 'a')));
}

TEST(Escaped, MatchesTheTextAlone) {
  for (const std::string text :
       {"/vmlinuz-6.1 ima_policy=tcb|critical_data", "a.b+c*d?(e)[f]{g}^h$i\\j|k", "x=\"y z\" |"}) {
    const Pattern exact = pattern(escaped(text));
    EXPECT_TRUE(exact.matches(text)) << text;
    EXPECT_FALSE(exact.matches(text.substr(0, text.find('|')))) << text;
    EXPECT_FALSE(exact.matches(text.substr(text.find('|') + 1))) << text;
  }
}

}  // namespace
}  // namespace avouch::codec
