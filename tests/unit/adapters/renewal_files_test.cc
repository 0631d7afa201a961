#include "adapters/renewal_files.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/adapters/scratch_folder.h"

namespace avouch::adapters {
namespace {

// An epoch every 10 s for years: bounded by their bytes alone, small files would take every inode
// of the volume, and with them the log.
TEST(RenewalFilesTest, GivesUpTheOldestByWhatTheyTakeOfTheVolume) {
  const ScratchFolder folder;
  const RenewalFilesOptions options{.directory = folder.path() / "renewals",
                                    .total_bytes = 3 * 4096};
  {
    const auto files = RenewalFiles::open(options);
    ASSERT_TRUE(files.has_value()) << files.error().message;
    for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
      ASSERT_TRUE((*files)->save(epoch, control::encode_renewals({})).has_value());
    }
    EXPECT_EQ((*files)->epochs().value(), (std::vector<std::uint64_t>{9, 8, 7}));
  }
  const auto again = RenewalFiles::open(options);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  ASSERT_TRUE((*again)->save(10, control::encode_renewals({})).has_value());
  EXPECT_EQ((*again)->epochs().value(), (std::vector<std::uint64_t>{10, 9, 8}));
  EXPECT_EQ((*again)->read(9).value(), control::encode_renewals({}));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(options.directory),
                          std::filesystem::directory_iterator()),
            3);
}

}  // namespace
}  // namespace avouch::adapters
