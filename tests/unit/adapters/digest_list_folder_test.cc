#include "adapters/digest_list_folder.h"

#include <gtest/gtest.h>

#include "adapters/blob_files.h"
#include "adapters/files.h"
#include "base/hex.h"
#include "support/manual_clock.h"
#include "tests/unit/adapters/scratch_folder.h"

namespace avouch::adapters {
namespace {

const std::string kList = to_hex(crypto::sha256("env")) + "  /usr/bin/env\n";

Result<reference::DigestList> read(DigestListFolder& folder, const std::string& content) {
  reference::DigestListReader reader;
  AVOUCH_CHECK(folder.read(crypto::sha256(content), reader));
  return std::move(reader).finish();
}

TEST(DigestListFolder, FindsAListByItsContentWhateverItIsCalled) {
  const ScratchFolder scratch;
  scratch.write("debian-12.list", kList);
  scratch.write("other", "no list at all");
  DigestListFolder folder(scratch.path());
  const auto list = read(folder, kList);
  ASSERT_TRUE(list.has_value()) << list.error().message;
  EXPECT_EQ(list->content, crypto::sha256(kList));
  EXPECT_TRUE(folder.contains(crypto::sha256(kList)));
}

TEST(DigestListFolder, FindsAListByItsNameInHexadecimal) {
  const ScratchFolder scratch;
  scratch.write(to_hex(crypto::sha256(kList)), kList);
  DigestListFolder folder(scratch.path());
  EXPECT_TRUE(folder.contains(crypto::sha256(kList)));
  EXPECT_TRUE(read(folder, kList).has_value());
}

TEST(DigestListFolder, RefusesWhatItDoesNotHave) {
  const ScratchFolder scratch;
  scratch.write("debian-12.list", kList);
  DigestListFolder folder(scratch.path());
  EXPECT_FALSE(read(folder, "another").has_value());
  EXPECT_FALSE(folder.contains(crypto::sha256("another")));
  DigestListFolder missing(scratch.path() / "nowhere");
  EXPECT_FALSE(read(missing, kList).has_value());
}

// As the controller keeps the lists that operators send it.
TEST(DigestListFolder, ReadsWhatTheStoreOfBlobsHasKept) {
  const ScratchFolder scratch;
  testing::ManualClock clock;
  const auto store = BlobFiles::open({.directory = scratch.path() / "lists"}, clock).value();
  DigestListFolder folder(scratch.path() / "lists" / "blobs");
  reference::SharedDigestLists lists(folder);
  const crypto::Sha256 name = crypto::sha256(kList);
  EXPECT_FALSE(lists.find(name).has_value());  // what was missing once is found once it is there
  const auto writer = store->begin(name, "lists").value();
  for (const char c : kList) ASSERT_TRUE(writer->write(as_bytes(std::string(1, c))).has_value());
  EXPECT_FALSE(folder.contains(name));
  ASSERT_TRUE(writer->commit().has_value());
  EXPECT_TRUE(folder.contains(name));
  const auto found = lists.find(name);
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ((*found)->size(), 1U);
  EXPECT_EQ(lists.find(name).value(), *found);
}

TEST(DigestListFolder, DoesNotTrustAName) {
  const ScratchFolder scratch;
  scratch.write(to_hex(crypto::sha256(kList)), to_hex(crypto::sha256("implant")) + "\n");
  DigestListFolder folder(scratch.path());
  reference::SharedDigestLists lists(folder);
  EXPECT_FALSE(lists.find(crypto::sha256(kList)).has_value());
}

}  // namespace
}  // namespace avouch::adapters
