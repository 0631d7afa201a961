#include "adapters/digest_list_folder.h"

#include <gtest/gtest.h>

#include "adapters/files.h"
#include "base/hex.h"
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

TEST(DigestListFolder, DoesNotTrustAName) {
  const ScratchFolder scratch;
  scratch.write(to_hex(crypto::sha256(kList)), to_hex(crypto::sha256("implant")) + "\n");
  DigestListFolder folder(scratch.path());
  reference::SharedDigestLists lists(folder);
  EXPECT_FALSE(lists.find(crypto::sha256(kList)).has_value());
}

}  // namespace
}  // namespace avouch::adapters
