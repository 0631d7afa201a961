#include "inspect/kept_tiles.h"

#include <gtest/gtest.h>

namespace avouch::inspect {
namespace {

// Says how often each path was asked for; every path is there but those that are `gone`.
class CountingTiles final : public tlog::TileReader {
 public:
  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    ++asked[std::string(path)];
    if (is_down) return retryable("down");
    if (path.starts_with(gone)) return std::optional<Bytes>();
    return std::optional(Bytes(size, 7));
  }

  std::map<std::string, int> asked;
  std::string gone = "none";
  std::size_t size = 64;
  bool is_down = false;
};

TEST(KeptTiles, AsksForATileOnceAndForAllElseEachTime) {
  CountingTiles log;
  KeptTiles kept(log);
  for (int i = 0; i < 3; ++i) {
    for (const char* path : {"tile/0/000", "tile/1/000.p/2", "tile/entries/000", "checkpoint"}) {
      EXPECT_EQ(kept.fetch(path).value(), std::optional(Bytes(64, 7)));
    }
  }
  EXPECT_EQ(
      log.asked,
      (std::map<std::string, int>{
          {"tile/0/000", 1}, {"tile/1/000.p/2", 1}, {"tile/entries/000", 3}, {"checkpoint", 3}}));
}

TEST(KeptTiles, RemembersThatAPartIsGoneAndNotThatAWholeTileIs) {
  CountingTiles log;
  log.gone = "tile/0";
  KeptTiles kept(log);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(kept.fetch("tile/0/000.p/3").value().has_value());
    EXPECT_FALSE(kept.fetch("tile/0/000").value().has_value());
  }
  EXPECT_EQ(log.asked, (std::map<std::string, int>{{"tile/0/000.p/3", 1}, {"tile/0/000", 2}}));
}

TEST(KeptTiles, KeepsNeitherAFaultNorWhatIsTooLargeForATile) {
  CountingTiles log;
  log.is_down = true;
  KeptTiles kept(log);
  EXPECT_FALSE(kept.fetch("tile/0/000").has_value());
  log.is_down = false;
  log.size = 8193;
  EXPECT_EQ(kept.fetch("tile/0/000").value()->size(), 8193U);
  log.size = 8192;
  EXPECT_EQ(kept.fetch("tile/0/000").value()->size(), 8192U);
  EXPECT_EQ(kept.fetch("tile/0/000").value()->size(), 8192U);
  EXPECT_EQ(log.asked["tile/0/000"], 3);
}

TEST(KeptTiles, ForgetsTheOldest) {
  CountingTiles log;
  KeptTiles kept(log);
  for (std::size_t i = 0; i <= KeptTiles::kMost; ++i) {
    EXPECT_TRUE(kept.fetch("tile/0/" + std::to_string(i)).has_value());
  }
  EXPECT_TRUE(kept.fetch("tile/0/1").has_value());
  EXPECT_EQ(log.asked["tile/0/1"], 1);
  EXPECT_TRUE(kept.fetch("tile/0/0").has_value());
  EXPECT_EQ(log.asked["tile/0/0"], 2);
}

}  // namespace
}  // namespace avouch::inspect
