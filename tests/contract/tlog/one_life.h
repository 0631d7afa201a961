#pragma once

// A scripted run of a log's writer that may fail anywhere, and what must hold afterwards.

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "support/log_checks.h"
#include "support/log_process.h"

namespace avouch::tlog {

// What the world outside has seen.
struct Published {
  std::uint64_t size = 0;
  Hash root{};
};
struct Seen {
  std::map<std::string, Sequenced> acknowledged;  // by id
  std::vector<Published> published;
};

// Whoever sees it. Called by several threads, one at a time.
struct Witnesses {
  std::function<void(const std::string& id, const Sequenced& place)> acknowledged;
  std::function<void(const Published& checkpoint)> published;
};

// One life of the log, the same one each time; shorter when the log fails for good.
inline void live(testing::LogProcess& process, const Witnesses& witnesses) {
  std::mutex mutex;
  process.options.on_published = [&](const VerifiedCheckpoint& checkpoint) {
    const std::lock_guard lock(mutex);
    witnesses.published({checkpoint.size(), checkpoint.root()});
  };
  bool alive = process.open().has_value();
  for (const auto& [prefix, count, publish] : {std::tuple("a", 2, true),
                                               {"b", 1, false},
                                               {"c", 254, true},
                                               {"d", 3, true},
                                               {"e", 1, false}}) {
    if (!alive) break;
    const auto all = testing::submissions(prefix, count);
    const auto places = process.append(all);
    for (std::size_t i = 0; places.has_value() && i < all.size(); ++i) {
      const std::lock_guard lock(mutex);
      witnesses.acknowledged(all[i].id, (*places)[i]);
    }
    alive = places.has_value() || places.error().kind == ErrorKind::kRetryable;
    if (alive && publish) alive = process.publish().has_value();
  }
  process.close();
}

inline void live(testing::LogProcess& process, Seen& seen) {
  live(process,
       {[&](const std::string& id, const Sequenced& place) { seen.acknowledged[id] = place; },
        [&](const Published& checkpoint) { seen.published.push_back(checkpoint); }});
}

inline void expect_nothing_lost(testing::LogEngine& engine, const Seen& seen) {
  testing::LogProcess process(engine);
  const auto opened = process.open();
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  ASSERT_TRUE(process.append(testing::submissions("after", 300)).has_value());
  const auto newest = process.publish();
  ASSERT_TRUE(newest.has_value()) << newest.error().message;
  const auto tree = testing::check_whole_log(process.store(), newest->checkpoint());
  for (const Published& checkpoint : seen.published) {
    ASSERT_LE(checkpoint.size, newest->size());
    EXPECT_EQ(tree.root(checkpoint.size), checkpoint.root) << checkpoint.size;
  }
  for (const auto& [id, place] : seen.acknowledged) {
    ASSERT_LT(place.index, tree.size()) << id;
    EXPECT_EQ(tree.leaf(place.index), place.leaf) << id;
    const auto again = process.append({testing::submission(id)});
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ((*again)[0].index, place.index) << id;
    if (place.index % 64 != 0) continue;
    const auto entry = process.log().get(place.index);
    ASSERT_TRUE(entry.has_value()) << id << entry.error().message;
    EXPECT_EQ(entry->id, id);
    EXPECT_EQ(entry->preimage, testing::submission(id).preimage);
  }
}

}  // namespace avouch::tlog
