#include "control/log_problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace avouch::control {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

LogVolume volume_with(std::uint64_t available, std::uint64_t files_available = 10) {
  return {{.bytes = 0, .percent = 0}, [=] {
            return VolumeSpace{.available = available,
                               .size = 1'000'000,
                               .files_available = files_available,
                               .files = 20};
          }};
}
std::string problem_of(const LogVolume& volume, const tlog::LogStatus* status, bool in_database) {
  return log_problem(volume, status, in_database).value_or("(none)");
}

TEST(LogProblem, IsNoneWhileEntriesAreTaken) {
  const tlog::LogStatus good;
  EXPECT_EQ(problem_of(volume_with(500'000), &good, false), "(none)");
  EXPECT_EQ(problem_of(volume_with(500'000), nullptr, true), "(none)");
  tlog::LogStatus read_only;
  read_only.read_only = "went back";
  EXPECT_EQ(problem_of(volume_with(500'000), &read_only, false), "(none)") << "told elsewhere";
}

TEST(LogProblem, SaysThatTheVolumeIsFullAndWhatToDo) {
  EXPECT_THAT(problem_of(volume_with(1000), nullptr, false),
              AllOf(HasSubstr("its volume is full"), HasSubstr("Make the volume larger")));
  EXPECT_THAT(problem_of(volume_with(500'000, 0), nullptr, true),
              AllOf(HasSubstr("no inode left"), HasSubstr("Make the volume larger")));
}

TEST(LogProblem, SaysWhyTheLogTakesNothing) {
  tlog::LogStatus status;
  status.publish_trouble = "cannot publish";
  EXPECT_THAT(problem_of(volume_with(500'000), &status, false),
              AllOf(HasSubstr("cannot publish"), HasSubstr("Make the volume larger")));
  status.commit_trouble = "database: is away";
  EXPECT_THAT(
      problem_of(volume_with(500'000), &status, true),
      AllOf(HasSubstr("database: is away. It goes on by itself"), Not(HasSubstr("larger"))));
}

}  // namespace
}  // namespace avouch::control
