// Rows F of THREATS.md, as far as they concern a quote: beacon, clock, firmware.

#include <gtest/gtest.h>

#include "tests/unit/attest/node.h"

namespace avouch::attest {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AttestFields;

TEST(F1, RefusesAReplayOnceItsBeaconIsTooOld) {
  TestNode node;
  const Presented honest = node.present();
  node.now = kNow - seconds(5) + minutes(5);
  EXPECT_EQ(node.code(honest), "");
  node.now += milliseconds(1);
  EXPECT_EQ(node.code(honest), "BeaconExpired");
}

TEST(F1, RefusesAReplayUnderTheNameOfANewerBeacon) {
  TestNode node;
  Presented old = node.present();
  node.publish(43, kNow);
  old.quote.beacon.size = 43;
  EXPECT_EQ(node.code(old), "ChallengeMismatch");
}

TEST(F1, RefusesTheAnswerToAnotherNodesChallenge) {
  TestNode node;
  AttestFields fields = node.fields();
  fields.extra_data = node.answer(42, "node-2");
  EXPECT_EQ(node.code(node.present(fields)), "ChallengeMismatch");
}

TEST(F1, RefusesABeaconThatIsUnknownOrOfAnotherLog) {
  TestNode node;
  Presented presented = node.present();
  presented.quote.beacon.size = 41;
  EXPECT_EQ(node.code(presented), "BeaconUnknown");
  AttestFields fields = node.fields();
  fields.extra_data = node.answer(42, "node-1", "other");
  presented = node.present(fields);
  presented.quote.beacon.origin = "other";
  EXPECT_EQ(node.code(presented), "BeaconUnknown");
}

TEST(F1, RefusesABeaconFromTheFuture) {
  TestNode node;
  node.publish(50, kNow + seconds(1));
  AttestFields fields = node.fields();
  fields.extra_data = node.answer(50);
  Presented presented = node.present(fields);
  presented.quote.beacon.size = 50;
  EXPECT_EQ(node.code(presented), "BeaconExpired");
}

TEST(F1, RefusesEveryPrefixExtensionAndOtherEncodingOfTheAnswer) {
  TestNode node;
  AttestFields fields = node.fields();
  const Bytes answer = fields.extra_data;
  for (std::size_t size = 0; size < answer.size(); ++size) {
    fields.extra_data.assign(answer.begin(), answer.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(node.code(node.present(fields)), "ChallengeMismatch") << size;
  }
  fields.extra_data = answer;
  fields.extra_data.push_back(0);
  EXPECT_EQ(node.code(node.present(fields)), "ChallengeMismatch");
  fields.extra_data = to_bytes(to_hex(answer).substr(0, 48));
  EXPECT_EQ(node.code(node.present(fields)), "ChallengeMismatch");
}

TpmState state(std::uint64_t clock, std::uint32_t reset, std::uint32_t restart) {
  return {{.clock = clock, .reset_count = reset, .restart_count = restart, .safe = true},
          0x2026010100000000};
}

struct ClockCase {
  const char* name;
  std::uint64_t clock;
  std::uint32_t reset, restart;
  const char* code;
  Boot boot;
};

// Before: clock 1000, reset 5, restart 2.
TEST(F3, AcceptsAClockThatWentOnAndSaysWhichBootItIsOf) {
  const ClockCase cases[] = {
      {"the same quote again", 1000, 5, 2, "", Boot::kSame},
      {"later", 1001, 5, 2, "", Boot::kSame},
      {"after a resume", 1001, 5, 3, "", Boot::kResumed},
      {"after a reboot", 1001, 6, 0, "", Boot::kNew},
      {"after a reboot, restart count lower", 900, 6, 0, "", Boot::kNew},
      {"after many reboots", 5000, 4'000'000'000, 9, "", Boot::kNew},
      {"clock back by one", 999, 5, 2, "ClockWentBack", {}},
      {"clock back after a resume", 999, 5, 3, "ClockWentBack", {}},
      {"restart count back", 1001, 5, 1, "ClockWentBack", {}},
      {"restart count back, clock far ahead", 9999, 5, 0, "ClockWentBack", {}},
      {"reset count back", 5000, 4, 9, "ClockWentBack", {}},
      {"reset count to zero, as after TPM2_Clear", 5000, 0, 0, "ClockWentBack", {}},
  };
  for (const ClockCase& each : cases) {
    TestNode node;
    node.previous = state(1000, 5, 2);
    node.tpm.clock = state(each.clock, each.reset, each.restart).clock;
    const auto verified = node.verify(node.present());
    EXPECT_EQ(verified.has_value() ? "" : verified.reason().code, each.code) << each.name;
    EXPECT_TRUE(!verified.has_value() || verified->boot() == each.boot) << each.name;
  }
}

TEST(F3, RefusesAClockThatTheTpmItselfCallsUnsafe) {
  TestNode node;
  node.tpm.clock.safe = false;
  EXPECT_EQ(node.code(node.present()), "ClockUnsafe");
  node.previous = state(1, 1, 1);
  EXPECT_EQ(node.code(node.present()), "ClockUnsafe");
}

TEST(F3, RefusesAnOlderQuoteThatIsWrittenBackAfterANewerOne) {
  TestNode node;
  const Presented older = node.present();
  node.tpm.clock.clock += 10'000;
  const auto newer = node.verify(node.present());
  ASSERT_TRUE(newer.has_value());
  node.previous = newer->state();
  const auto refused = node.verify(older);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.reason().code, "ClockWentBack");
  // Nobody is told to delete an enrolment for somebody's replay.
  const std::string& message = refused.reason().message;
  EXPECT_NE(message.find("older than one that was accepted. Find out who sent it"),
            std::string::npos)
      << message;
  EXPECT_LT(message.find("delete nothing. Only where every quote is refused so"),
            message.find("delete the node's AttestationEvidence"))
      << message;
}

TEST(F4, SaysThatABootIsNewSoThatOldLogsCannotSpeakForIt) {
  TestNode node;
  node.previous = node.verify(node.present())->state();
  node.tpm.power_cycle();
  const auto verified = node.verify(node.present());
  ASSERT_TRUE(verified.has_value());
  EXPECT_EQ(verified->boot(), Boot::kNew);
}

TEST(Firmware, MustBeThatOfTheEnrolledTpmOrAllowed) {
  TestNode node;
  node.previous = node.verify(node.present())->state();
  node.tpm.firmware_version += 1;
  EXPECT_EQ(node.code(node.present()), "FirmwareChanged");
  node.allowed_firmware = {1, node.tpm.firmware_version};
  EXPECT_EQ(node.code(node.present()), "");
  node.allowed_firmware = {1};
  EXPECT_EQ(node.code(node.present()), "FirmwareChanged");
}

TEST(StoredQuote, IsJudgedAgainstTheGivenDataAndNeverAgainstNone) {
  TestNode node;
  AttestFields fields = node.fields();
  fields.extra_data = Bytes(20, 7);
  const Presented presented = node.present(fields);
  const QuoteContext context = node.context();
  const auto verified =
      verify_stored_quote(presented.quote, presented.pcrs, Bytes(20, 7), kNow, context);
  ASSERT_TRUE(verified.has_value());
  EXPECT_EQ(verified->beacon(), BeaconReference{});
  EXPECT_FALSE(verify_stored_quote(presented.quote, presented.pcrs, Bytes(19, 7), kNow, context)
                   .has_value());
  fields.extra_data.clear();
  const Presented empty = node.present(fields);
  EXPECT_FALSE(verify_stored_quote(empty.quote, empty.pcrs, {}, kNow, context).has_value());
}

}  // namespace
}  // namespace avouch::attest
