#include "attest/beacon.h"

#include <gtest/gtest.h>

#include <set>

#include "base/hex.h"
#include "unit/attest/code_of.h"

namespace avouch::attest {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const SystemTime kStart{seconds(1'800'000'000)};

PublishedBeacon beacon(std::uint64_t size, SystemTime at, const std::string& origin = "log") {
  return {origin, size, origin + "\n" + std::to_string(size) + "\nroot\n", at};
}

// Made by a short Python program from the formulas of docs/interfaces.md.
TEST(Challenge, GivesTheAnswersOfAnIndependentProgram) {
  const std::string note = "example.com/log\n42\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n";
  const crypto::Sha256 c = challenge(note, "0f6b7d3c-6f3b-4d53-9d1c-6a1f0f6d1a55");
  EXPECT_EQ(to_hex(c), "f1b9e29675410bc97ba19eef3bad09e6645eefeb801c9c6f7331cfe5d4f5f9ed");
  EXPECT_EQ(to_hex(qualifying(c)),
            "2164b6e6f0373722e6467bc3d007e6007215d663f173b42a000233b30c184512");
}

// The challenge is a function of all of the note and all of the UID, with no two inputs that
// run into one another.
TEST(F2, TheChallengeDiffersForEveryOtherNoteAndNode) {
  std::set<crypto::Sha256> seen;
  const std::string text = "abcdefgh";
  std::size_t count = 0;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    seen.insert(challenge(text.substr(0, cut), text.substr(cut)));
    ++count;
  }
  for (std::size_t bit = 0; bit < 64; ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    seen.insert(challenge(changed, "node"));
    seen.insert(challenge("note", changed));
    count += 2;
  }
  EXPECT_EQ(seen.size(), count);
}

TEST(BeaconWindow, FindsWhatWasPublishedUntilItIsTooOld) {
  BeaconWindow window;
  window.add(beacon(1, kStart));
  const milliseconds max_age = seconds(30);
  EXPECT_EQ(code_of(window.find({"log", 1}, max_age, kStart)), "");
  EXPECT_EQ(code_of(window.find({"log", 1}, max_age, kStart + max_age)), "");
  EXPECT_EQ(code_of(window.find({"log", 1}, max_age, kStart + max_age + milliseconds(1))),
            "BeaconExpired");
  EXPECT_EQ(window.find({"log", 1}, max_age, kStart)->note_text, "log\n1\nroot\n");
}

TEST(BeaconWindow, KnowsNoBeaconOfAnotherLogNorOneThatWasNeverPublished) {
  BeaconWindow window;
  EXPECT_EQ(code_of(window.find({"log", 0}, hours(1), kStart)), "BeaconUnknown");
  window.add(beacon(5, kStart));
  EXPECT_EQ(code_of(window.find({"other", 5}, hours(1), kStart)), "BeaconUnknown");
  EXPECT_EQ(code_of(window.find({"log", 4}, hours(1), kStart)), "BeaconUnknown");
  EXPECT_EQ(code_of(window.find({"log", 6}, hours(1), kStart)), "BeaconUnknown");
}

TEST(BeaconWindow, RefusesABeaconFromTheFutureOfAClockThatWasSetBack) {
  BeaconWindow window;
  window.add(beacon(5, kStart));
  EXPECT_EQ(code_of(window.find({"log", 5}, hours(1), kStart - milliseconds(1))), "BeaconExpired");
}

TEST(BeaconWindow, ForgetsWhatIsOlderThanItsRetention) {
  BeaconWindow window(minutes(1));
  for (std::uint64_t i = 0; i < 100; ++i) window.add(beacon(i, kStart + seconds(10) * i));
  EXPECT_EQ(window.size(), 7U);
  EXPECT_EQ(code_of(window.find({"log", 92}, hours(24), kStart + seconds(990))), "BeaconUnknown");
  EXPECT_EQ(code_of(window.find({"log", 93}, hours(24), kStart + seconds(990))), "");
}

TEST(BeaconWindow, KeepsTheFirstOfTwoBeaconsOfOneSize) {
  BeaconWindow window;
  window.add(beacon(3, kStart));
  window.add({"log", 3, "another text\n", kStart + seconds(1)});
  EXPECT_EQ(window.find({"log", 3}, hours(1), kStart + seconds(2))->note_text, "log\n3\nroot\n");
}

TEST(BeaconWindow, NeverHoldsMoreThanItsBound) {
  BeaconWindow window(hours(24 * 365));
  for (std::uint64_t i = 0; i < BeaconWindow::kMaxBeacons + 10; ++i) {
    window.add({"log", i, "", kStart});
  }
  EXPECT_EQ(window.size(), BeaconWindow::kMaxBeacons);
}

}  // namespace
}  // namespace avouch::attest
