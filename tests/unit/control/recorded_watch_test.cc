// What policies say of a log that does not take what is decided, and how often that changes.

#include "control/recorded_watch.h"

#include <gmock/gmock.h>

#include <utility>

#include "codec/utf8.h"

namespace avouch::control {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

LogIntake fine() { return {}; }
LogIntake no_denials() {
  LogIntake out;
  out.takes_denials = false;
  return out;
}
LogIntake no_allows() {
  LogIntake out = no_denials();
  out.takes_allows = false;
  return out;
}
LogIntake stalled() {
  LogIntake out = no_allows();
  out.stalled = true;
  return out;
}
LogIntake read_only(std::string why = "ConfigMap x remembers 9 entries, the log has 4") {
  LogIntake out = stalled();
  out.read_only = std::move(why);
  return out;
}

std::string condition_of(const LogIntake& intake) {
  const codec::Json condition = recorded_state(intake).condition();
  EXPECT_EQ(condition.text({"type"}), "Recorded");
  EXPECT_EQ(condition.text({"message"}), recorded_state(intake).message);
  return std::string(condition.text({"status"})) + " " + std::string(condition.text({"reason"}));
}

TEST(Recorded, SaysTheWorstOfWhatIsNotTaken) {
  EXPECT_EQ(condition_of(fine()), "True EntriesTaken");
  EXPECT_EQ(condition_of(no_denials()), "False DenialsNotRecorded");
  EXPECT_EQ(condition_of(no_allows()), "False AdmissionsNotRecorded");
  EXPECT_EQ(condition_of(stalled()), "False LogTakesNothing");
  EXPECT_EQ(condition_of(read_only()), "False LogReadOnly");
}

TEST(Recorded, SaysWhatHappensMeanwhileAndWhatToDo) {
  EXPECT_THAT(
      recorded_state(read_only()).message,
      AllOf(HasSubstr("ConfigMap x remembers 9 entries, the log has 4. "), HasSubstr("spools"),
            HasSubstr("run out after maxAge"), HasSubstr("\"A log that is read-only\"")));
  EXPECT_THAT(recorded_state(no_allows()).message,
              AllOf(HasSubstr("spools"), HasSubstr("nodes stay trusted"),
                    HasSubstr("make the volume larger"), HasSubstr("\"The log's volume\"")));
  EXPECT_THAT(recorded_state(no_denials()).message,
              AllOf(HasSubstr("only counted"), Not(HasSubstr("spools")),
                    HasSubstr("\"The log's volume\"")));
}

TEST(Recorded, TheReasonThatAnotherGaveIsBoundedAndStaysText) {
  const std::string why = std::string(639, 'x') + "ü" + std::string(10'000, 'y');
  const std::string message = recorded_state(read_only(why)).message;
  EXPECT_LT(message.size(), 1500U);
  EXPECT_TRUE(codec::is_utf8(message)) << message;
  EXPECT_THAT(message, HasSubstr("..."));
}

TEST(RecordedWatch, TellsTheFirstStateAndWhatIsWorseAtOnceAndOnce) {
  RecordedWatch watch;
  EXPECT_FALSE(watch.state().has_value());
  const SteadyTime now{1000s};
  EXPECT_TRUE(watch.see(fine(), now).has_value());
  EXPECT_FALSE(watch.see(fine(), now).has_value());
  for (const LogIntake& worse : {no_denials(), no_allows(), stalled(), read_only()}) {
    const auto news = watch.see(worse, now);
    ASSERT_TRUE(news.has_value());
    EXPECT_EQ(*news, recorded_state(worse));
    EXPECT_EQ(watch.state(), news);
    EXPECT_FALSE(watch.see(worse, now).has_value());
  }
}

TEST(RecordedWatch, ALogThatIsReadOnlyForAnotherReasonIsNews) {
  RecordedWatch watch;
  const SteadyTime now{1000s};
  watch.see(read_only(), now);
  const auto news = watch.see(read_only("entry 3 is damaged"), now);
  ASSERT_TRUE(news.has_value());
  EXPECT_THAT(news->message, HasSubstr("entry 3 is damaged"));
}

TEST(RecordedWatch, TellsWhatIsBetterOnlyOnceItHasLasted) {
  RecordedWatch watch;
  SteadyTime now{1000s};
  watch.see(no_allows(), now);
  now += RecordedWatch::kSettled - 1ms;
  EXPECT_FALSE(watch.see(fine(), now).has_value());
  EXPECT_EQ(watch.state()->reason, "AdmissionsNotRecorded");
  now += 1ms;
  const auto news = watch.see(fine(), now);
  ASSERT_TRUE(news.has_value());
  EXPECT_EQ(news->taken, RecordedState::Taken::kAll);
}

// A volume at its bound: looked at every second for an hour, it is told once.
TEST(RecordedWatch, AVolumeAtItsBoundIsNotToldEachTime) {
  RecordedWatch watch;
  SteadyTime now{1000s};
  int told = 0;
  for (int second = 0; second < 3600; ++second, now += 1s) {
    if (watch.see(second % 20 == 0 ? no_allows() : no_denials(), now)) ++told;
  }
  EXPECT_EQ(told, 1);
  EXPECT_EQ(watch.state()->reason, "AdmissionsNotRecorded");
}

}  // namespace
}  // namespace avouch::control
