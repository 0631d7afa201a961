#include "kube/watch_event.h"

#include <gtest/gtest.h>

namespace avouch::kube {
namespace {

constexpr std::size_t kLimit = 1000;

TEST(ParseWatchEvent, ReadsEveryType) {
  const std::pair<const char*, WatchEventType> types[] = {
      {"ADDED", WatchEventType::kAdded},     {"MODIFIED", WatchEventType::kModified},
      {"DELETED", WatchEventType::kDeleted}, {"BOOKMARK", WatchEventType::kBookmark},
      {"ERROR", WatchEventType::kError},
  };
  for (const auto& [name, type] : types) {
    const auto event = parse_watch_event(
        std::string(R"({"type":")") + name + R"(","object":{"kind":"Node"}})", kLimit);
    ASSERT_TRUE(event.has_value()) << name;
    EXPECT_EQ(event->type, type);
    EXPECT_EQ(event->object.text({"kind"}), "Node");
  }
}

TEST(ParseWatchEvent, RefusesEverythingElse) {
  for (const char* line :
       {"", "{}", "[]", "null", R"({"type":"added","object":{}})", R"({"type":"ADDED"})",
        R"({"type":"ADDED","object":[]})", R"({"type":"ADDED","object":null})",
        R"({"type":7,"object":{}})", R"({"type":"ADDED","object":{}}{})",
        R"({"type":"ADDED","object":{},"object":{}})"}) {
    const auto event = parse_watch_event(line, kLimit);
    ASSERT_FALSE(event.has_value()) << line;
    EXPECT_EQ(event.error().kind, ErrorKind::kRejected);
  }
}

TEST(ParseWatchEvent, TakesOfAnObjectWhatItIsToldToReadButAllOfAnError) {
  const auto read = [](const codec::JsonView& object) {
    codec::Json out{codec::Json::Object{}};
    out["name"] = object.text({"metadata", "name"});
    return out;
  };
  const std::string object = R"("object":{"metadata":{"name":"n"},"code":410}})";
  const auto modified = parse_watch_event(R"({"type":"MODIFIED",)" + object, kLimit, read);
  ASSERT_TRUE(modified.has_value());
  EXPECT_EQ(codec::to_json(modified->object), R"({"name":"n"})");
  const auto error = parse_watch_event(R"({"type":"ERROR",)" + object, kLimit, read);
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(*error->object.find("code")->as_int(), 410);
}

TEST(ParseWatchEvent, RefusesAnObjectOverTheLimit) {
  const std::string line =
      R"({"type":"ADDED","object":{"a":")" + std::string(2 * kLimit, 'x') + "\"}}";
  EXPECT_FALSE(parse_watch_event(line, kLimit).has_value());
  EXPECT_TRUE(parse_watch_event(line, 3 * kLimit).has_value());
}

}  // namespace
}  // namespace avouch::kube
