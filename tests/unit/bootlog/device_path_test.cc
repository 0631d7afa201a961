#include "bootlog/device_path.h"

#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

using ::testing::HasSubstr;

Bytes node(std::uint8_t type, std::uint8_t subtype, const Bytes& body) {
  Bytes out = {type, subtype};
  put_le(out, body.size() + 4, 2);
  append(out, body);
  return out;
}
const Bytes kEnd = {0x7f, 0xff, 4, 0};

Bytes path(std::initializer_list<Bytes> nodes) {
  Bytes out;
  for (const Bytes& each : nodes) append(out, each);
  append(out, kEnd);
  return out;
}

Bytes utf16(std::string_view text) {
  Bytes out;
  for (const char c : text) put_le(out, static_cast<std::uint8_t>(c), 2);
  put_le(out, 0, 2);
  return out;
}

std::string path_refusal(const Bytes& bytes) {
  const auto text = device_path_text(bytes);
  return text.has_value() ? "accepted" : text.error().message;
}

TEST(DevicePath, IsWrittenAsPeopleWriteIt) {
  const Bytes root = node(2, 1, from_hex("d041030a00000000").value());
  const Bytes pci = node(1, 1, Bytes{2, 0x1f});
  const Bytes file = node(4, 4, utf16("\\EFI\\BOOT\\BOOTX64.EFI"));
  EXPECT_EQ(device_path_text(path({root, pci, file})).value(),
            "PciRoot(0x0)/Pci(0x1f,0x2)/\\EFI\\BOOT\\BOOTX64.EFI");
  EXPECT_EQ(device_path_text(kEnd).value(), "");
  EXPECT_EQ(device_path_text(path({node(3, 5, Bytes{1, 2})})).value(), "Path(3,5,2 bytes)");
}

TEST(DevicePath, ShowsNothingThatATerminalWouldObey) {
  const std::string text = device_path_text(path({node(4, 4, utf16("a\x1b[2J\nb"))})).value();
  EXPECT_EQ(text, "a\\x1b[2J\\x0ab");
}

TEST(B14, RefusesALengthThatIsShorterThanTheNodesHead) {
  for (std::uint8_t length = 0; length < 4; ++length) {
    Bytes bytes = {4, 4, length, 0};
    append(bytes, kEnd);
    EXPECT_THAT(path_refusal(bytes), HasSubstr("length " + std::to_string(length)));
  }
}

TEST(B14, RefusesANodeThatGoesBeyondTheEndAndAPathWithoutOne) {
  EXPECT_NE(path_refusal(Bytes{4, 4, 0xff, 0xff}), "accepted");
  EXPECT_NE(path_refusal(node(1, 1, Bytes{0, 0})), "accepted");
  EXPECT_NE(path_refusal({}), "accepted");
  Bytes trailing = kEnd;
  trailing.push_back(0);
  EXPECT_NE(path_refusal(trailing), "accepted");
  const Bytes whole = path({node(1, 1, Bytes{2, 3})});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(path_refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
              "accepted");
  }
}

TEST(B14, RefusesPathsOfMoreNodesThanTheLimit) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < kMaxPathNodes; ++i) append(bytes, node(1, 1, Bytes{0, 0}));
  Bytes most = bytes;
  append(most, kEnd);
  EXPECT_EQ(path_refusal(most), "accepted");
  for (int i = 0; i < 10'000; ++i) append(bytes, node(1, 1, Bytes{0, 0}));
  append(bytes, kEnd);
  EXPECT_THAT(path_refusal(bytes), HasSubstr("more than 64 nodes"));
}

TEST(ParseImageLoad, GivesSizeAndPathAndRefusesSizesThatDoNotAddUp) {
  Bytes data;
  put_le(data, 0x1000, 8);
  put_le(data, 4096, 8);
  put_le(data, 0, 8);
  put_le(data, kEnd.size(), 8);
  Bytes longer = data;
  append(data, kEnd);
  EXPECT_EQ(parse_image_load(data)->size, 4096U);
  EXPECT_EQ(parse_image_load(data)->path, "");
  EXPECT_FALSE(parse_image_load(longer).has_value());
  append(longer, Bytes{4, 4, 0, 0});
  EXPECT_THAT(parse_image_load(longer)->path, HasSubstr("length 0"));
  for (std::size_t size = 0; size < data.size(); ++size) {
    EXPECT_FALSE(parse_image_load(ByteView(data).first(size)).has_value()) << size;
  }
}

}  // namespace
}  // namespace avouch::bootlog
