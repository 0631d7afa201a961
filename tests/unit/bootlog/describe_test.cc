#include "bootlog/describe.h"

#include "bootlog/text.h"
#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

using ::testing::HasSubstr;

// "name=value; name=value"
std::string shown(const BootLog& log, std::size_t number) {
  std::string out;
  for (const attest::ReasonField& field : describe(log, log.events().at(number))) {
    out += (out.empty() ? "" : "; ") + field.name + "=" + field.value;
  }
  return out;
}

std::string shown(std::uint32_t type, const Bytes& data, std::uint32_t pcr = 0) {
  PlainLog log;
  log.banks = {HashAlgorithm::kSha256};
  log.header = make_header(log.banks);
  log.events = {log.make(pcr, type, data)};
  return shown(must_read(log.bytes()), 1);
}

TEST(Describe, DecodesTheEventsOfARealBoot) {
  const PlainLog plain = good_log();
  const BootLog log = must_read(plain.bytes());
  const auto of = [&](std::uint32_t pcr, std::uint32_t type, std::string_view text = "") {
    return shown(log, plain.find(pcr, type, text) + 1);
  };
  EXPECT_EQ(shown(log, 0), "version=2.0 errata 0; platform=client; algorithms=sha1 sha256");
  EXPECT_EQ(of(0, kPlatformFirmwareBlob), "address=0x820000; size=917504");
  EXPECT_EQ(of(1, kVariableBoot),
            "variable=BootOrder; guid=8be4df61-93ca-11d2-aa0d-00e098032b8c; "
            "order=Boot0001 Boot0000 Boot0002");
  EXPECT_THAT(shown(log, plain.find(1, kVariableBoot) + 2), HasSubstr("description=UEFI Misc"));
  EXPECT_THAT(of(4, kBootServicesApplication),
              HasSubstr("path=PciRoot(0x0)/Pci(0x1,0x0)/HD(1,GPT,"));
  EXPECT_THAT(of(5, kGptEvent), HasSubstr("disk="));
  EXPECT_THAT(of(5, kGptEvent), HasSubstr("partition="));
  EXPECT_THAT(shown(log, find_variable(plain, "SecureBoot") + 1), HasSubstr("value=\\x01"));
  EXPECT_THAT(shown(log, find_variable(plain, "db") + 1),
              HasSubstr("CN=Microsoft Corporation UEFI CA 2011"));
  EXPECT_THAT(shown(log, find_variable(plain, "SbatLevel") + 1), HasSubstr("sbat,1,"));
  EXPECT_EQ(of(8, kIpl, "kernel_cmdline"),
            "text=kernel_cmdline: /vmlinuz root=none ro console=ttyS0 quiet");
  EXPECT_EQ(of(7, kSeparator), "value=00000000");
}

TEST(Describe, DecodesWhatOtherMachinesMeasure) {
  Bytes blob2 = {3, 'B', 'I', 'O'};
  put_le(blob2, 0x1000, 8);
  put_le(blob2, 0x20, 8);
  EXPECT_EQ(shown(kPlatformFirmwareBlob2, blob2), "description=BIO; address=0x1000; size=32");
  Bytes tagged;
  put_le(tagged, 0x8f3b22ec, 4);
  put_le(tagged, 4, 4);
  append(tagged, to_bytes("init"));
  EXPECT_EQ(shown(kEventTag, tagged, 9), "tag=0x8f3b22ec; text=init");
  EXPECT_EQ(shown(kNoAction, to_bytes(std::string_view("StartupLocality\0\3", 17))),
            "startupLocality=3");
  EXPECT_EQ(shown(kPostCode, to_bytes("ACPI DATA")), "text=ACPI DATA");
}

TEST(Describe, ShowsLinesOfWideCharactersAsText) {
  Bytes line = to_utf16("root=/dev/a rw");
  line.insert(line.end(), {0, 0});
  EXPECT_EQ(shown(kIpl, line, 8), "text=root=/dev/a rw");
  line.pop_back();  // as systemd-boot before 247 logs it
  EXPECT_EQ(shown(kIpl, line, 8), "text=root=/dev/a rw");
  line[1] = 1;
  EXPECT_EQ(shown(kIpl, line, 8).substr(0, 11), "text=r\\x01o");
  EXPECT_EQ(shown(kIpl, to_bytes(std::string_view("ab\0c", 4)), 8).substr(0, 5), "text=");
  EXPECT_EQ(shown(kIpl, to_bytes(std::string_view("ab\0cd", 5)), 8), "text=ab\\x00cd");
  EXPECT_EQ(shown(kIpl, to_utf16(std::string(512, 'a')), 8), "text=" + std::string(512, 'a'));
  EXPECT_EQ(shown(kIpl, to_utf16(std::string(513, 'a')), 8),
            "text=" + std::string(512, 'a') + "...");
}

TEST(Describe, ShowsBytesWhereTheDataIsOfAnotherForm) {
  for (const std::uint32_t type :
       {kPlatformFirmwareBlob, kPlatformFirmwareBlob2, kGptEvent, kEventTag, kBootServicesDriver,
        kHandoffTables, kNoAction, 0x12345678U}) {
    EXPECT_EQ(shown(type, Bytes{1, 'a'}), "data=\\x01a") << event_type_name(type);
  }
}

TEST(Describe, ShowsNothingThatATerminalWouldObeyAndNoEndlessText) {
  Bytes hostile = {0x1b, '[', '2', 'J', '\n', 0x80, 0xff};
  hostile.resize(100'000, 0x1b);
  for (std::uint32_t low = 0; low < 0x14; ++low) {
    for (const std::uint32_t type : {low, 0x80000000U + low, 0x800000e0U + low}) {
      if (type == kNoAction || type == kHcrtmEvent) continue;
      const std::string text = shown(type, hostile);
      EXPECT_LT(text.size(), 1'000U) << type;
      for (const char c : text) ASSERT_TRUE(c >= 0x20 && c < 0x7f) << type;
    }
  }
}

TEST(Describe, ReadsEveryTruncationOfARealEvent) {
  const PlainLog real = good_log();
  for (const PlainEvent& event : real.events) {
    for (std::size_t size = 0; size <= std::min<std::size_t>(event.data.size(), 300); ++size) {
      const auto cut =
          Bytes(event.data.begin(), event.data.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_LT(shown(event.type, cut, event.pcr).size(), 8'192U);
    }
  }
}

}  // namespace
}  // namespace avouch::bootlog
