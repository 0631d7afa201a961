#include "control/beacon_ring.h"

#include <gtest/gtest.h>

namespace avouch::control {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const SystemTime kWall{seconds(1'800'000'000)};
const SteadyTime kSteady{hours(100)};

Beacon beacon(std::uint64_t size, SteadyTime at) {
  return {"log", size, "log\n" + std::to_string(size) + "\n", at};
}

attest::Checked<attest::PublishedBeacon> find(const BeaconRing& ring, std::uint64_t size,
                                              SystemTime wall, SteadyTime steady) {
  return ring.window_for({"log", size}, wall, steady).find({"log", size}, minutes(5), wall);
}

TEST(BeaconRing, KnowsOnlyWhatItPublished) {
  BeaconRing ring;
  ring.add(beacon(7, kSteady));
  EXPECT_TRUE(find(ring, 7, kWall, kSteady).has_value());
  EXPECT_EQ(find(ring, 8, kWall, kSteady).reason().code, "BeaconUnknown");
  EXPECT_EQ(ring.window_for({"other", 7}, kWall, kSteady).size(), 0U);
  EXPECT_EQ(ring.note_text({"log", 7}), "log\n7\n");
  EXPECT_EQ(ring.note_text({"log", 8}), "");
}

TEST(BeaconRing, CountsAgesByTheSteadyClock) {
  BeaconRing ring;
  ring.add(beacon(7, kSteady));
  const SteadyTime later = kSteady + minutes(6);
  // The wall clock was set back an hour meanwhile: the beacon is six minutes old all the same.
  EXPECT_EQ(find(ring, 7, kWall - hours(1), later).reason().code, "BeaconExpired");
  // And a wall clock that jumped ahead does not age a young one.
  EXPECT_TRUE(find(ring, 7, kWall + hours(9), kSteady + minutes(4)).has_value());
}

TEST(BeaconRing, IgnoresABeaconThatDoesNotGrow) {
  BeaconRing ring;
  ring.add(beacon(7, kSteady));
  ring.add({"log", 7, "another text", kSteady});
  ring.add(beacon(6, kSteady));
  EXPECT_EQ(ring.count(), 1U);
  EXPECT_EQ(ring.note_text({"log", 7}), "log\n7\n");
}

TEST(BeaconRing, ForgetsAfterADay) {
  BeaconRing ring;
  ring.add(beacon(7, kSteady));
  ring.add(beacon(8, kSteady + hours(25)));
  EXPECT_EQ(ring.count(), 1U);
  EXPECT_EQ(ring.note_text({"log", 7}), "");
}

}  // namespace
}  // namespace avouch::control
