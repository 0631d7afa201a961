#include "reference/digest_list_source.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/support/memory_digest_lists.h"

namespace avouch::reference {
namespace {

using testing::MemoryDigestLists;

std::string list_of(std::string_view file) {
  return digest_text(make_digest(crypto::sha256(file))) + "  /usr/bin/" + std::string(file) + "\n";
}

TEST(SharedDigestLists, GiveTheListOfADigest) {
  MemoryDigestLists source;
  const auto name = source.add(list_of("env"));
  SharedDigestLists lists(source);
  const auto set = lists.find(name);
  ASSERT_TRUE(set.has_value()) << set.error().message;
  EXPECT_TRUE((*set)->contains(make_digest(crypto::sha256("env"))));
  EXPECT_FALSE((*set)->contains(make_digest(crypto::sha256("other"))));
}

TEST(SharedDigestLists, ReadAListOnceForAllWhoUseIt) {
  MemoryDigestLists source;
  const auto name = source.add(list_of("env"));
  SharedDigestLists lists(source);
  auto first = lists.find(name).value();
  EXPECT_EQ(lists.find(name).value(), first);
  EXPECT_EQ(source.reads(), 1U);
  first.reset();  // nobody uses it any more: its memory is free again
  EXPECT_TRUE(lists.find(name).has_value());
  EXPECT_EQ(source.reads(), 2U);
}

TEST(SharedDigestLists, RefuseBytesOfAnotherDigest) {
  MemoryDigestLists source;
  const auto name = source.add(list_of("env"));
  source.replace(name, list_of("implant"));
  SharedDigestLists lists(source);
  const auto set = lists.find(name);
  ASSERT_FALSE(set.has_value());
  EXPECT_NE(set.error().message.find("was changed"), std::string::npos) << set.error().message;
}

TEST(SharedDigestLists, RefuseWhatIsNotThereAndWhatIsNoList) {
  MemoryDigestLists source;
  SharedDigestLists lists(source);
  EXPECT_FALSE(lists.find(crypto::sha256("nothing")).has_value());
  const auto name = source.add("no digest\n");
  const auto set = lists.find(name);
  ASSERT_FALSE(set.has_value());
  EXPECT_NE(set.error().message.find("line 1"), std::string::npos) << set.error().message;
}

TEST(SharedDigestLists, GiveAllThreadsTheSameSet) {
  MemoryDigestLists source;
  const auto name = source.add(list_of("env"));
  SharedDigestLists lists(source);
  const auto kept = lists.find(name).value();
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<const DigestSet>> seen(4);
  for (auto& each : seen) {
    threads.emplace_back([&lists, &name, &each] {
      for (int i = 0; i < 100; ++i) each = lists.find(name).value();
    });
  }
  for (std::thread& each : threads) each.join();
  for (const auto& each : seen) EXPECT_EQ(each, kept);
  EXPECT_EQ(source.reads(), 1U);
}

TEST(SharedDigestLists, KeepNoError) {
  MemoryDigestLists source;
  const std::string text = list_of("env");
  SharedDigestLists lists(source);
  ASSERT_FALSE(lists.find(crypto::sha256(text)).has_value());
  source.add(text);
  EXPECT_TRUE(lists.find(crypto::sha256(text)).has_value());
}

}  // namespace
}  // namespace avouch::reference
