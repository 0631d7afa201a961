// What a PC Client RIM costs in memory while it is read, by the XML parser of earnest.

#include <gtest/gtest.h>

#include <filesystem>

#include "adapters/support_folder.h"
#include "adapters/xml_document.h"
#include "provision/pc_client_rim.h"
#include "support/vectors.h"
#include "tests/support/counted_memory.h"

namespace avouch::provision {
namespace {

using testing::expect_bounded;

// A tree is larger than its text: tags of the usual shape take 6 times their size, and whatever a
// tag holds at most 100 times; more than 256 KiB, or 10,000 elements, are refused. People import
// them; no evidence of a node is one.
constexpr std::size_t kUsual = 6, kWorst = 100;

std::size_t file_bytes(const std::string& name) {
  return std::filesystem::file_size(testing::vectors_dir() / "rim" / name);
}

void expect_bounded_rim(const std::string& name, ByteView tag, std::size_t times) {
  const auto read = [&] {
    adapters::LibxmlReader reader;
    adapters::SupportFolder files(testing::vectors_dir() / "rim");
    (void)read_pc_client_rim(reader, tag, files, nullptr);
  };
  expect_bounded(name, tag.size() + file_bytes("Acme.RoadRunner.2.rimel"), read, times);
}

TEST(RimMemory, OfAnyTagIsBoundedByItsSize) {
  for (const auto& each : std::filesystem::directory_iterator(testing::vectors_dir() / "rim")) {
    const std::string name = each.path().filename();
    if (each.path().extension() == ".swidtag")
      expect_bounded_rim(name, testing::read_vector("rim/" + name), kUsual);
  }
  const auto repeated = [](std::string_view each, std::size_t size) {
    std::string out = "<a>";
    while (out.size() + each.size() + 4 <= size) out += each;
    return out + "</a>";
  };
  for (const std::size_t size : {1'000U, 10'000U, 100'000U, 262'144U, 1'000'000U}) {
    for (const std::string_view each : {"<b/>", "<b></b>", "<b c='1'/>", "<b c='' d='' e='' f=''/>",
                                        "x", "&amp;", " <b/>\n", "<b xmlns='x'/>", "<!---->"})
      expect_bounded_rim(std::string(each), as_bytes(repeated(each, size)), kWorst);
  }
}

}  // namespace
}  // namespace avouch::provision
