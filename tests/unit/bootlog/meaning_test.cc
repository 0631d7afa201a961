#include "bootlog/meaning.h"

#include <tuple>

#include "bootlog/text.h"
#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

Meaning meaning(const PlainLog& log, const tpm::PcrValues& quoted, const Quirks& quirks = {}) {
  return read_meaning(bind_log(log, quoted), quirks);
}
Meaning meaning(const PlainLog& log, const Quirks& quirks = {}) {
  return meaning(log, quote_of(log), quirks);
}

// The first problem's code and message.
std::string first_problem(const Meaning& meaning) {
  if (meaning.problems.empty()) return "none";
  return meaning.problems.front().code + ": " + meaning.problems.front().message;
}
auto is_unexpected(const std::string& text) {
  return ::testing::AllOf(HasSubstr("BootEventUnexpected"), HasSubstr(text));
}
auto is_wrong_digest() { return HasSubstr("BootEventDigest"); }

void insert(PlainLog& log, std::size_t at, PlainEvent event) {
  log.events.insert(log.events.begin() + static_cast<std::ptrdiff_t>(at), std::move(event));
}

std::vector<std::string> lines(const Meaning& meaning) {
  std::vector<std::string> out;
  for (const CommandLine& each : meaning.command_lines) out.push_back(each.text);
  return out;
}

TEST(Meaning, OfARealBootHasNoProblemAndAllThatWasMeasured) {
  const Meaning found = meaning(good_log(), testing::corpus_pcrs());
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_THAT(found.quirks_used, IsEmpty());
  for (const auto& [guid, name] : {std::pair{kGlobalGuid, "SecureBoot"},
                                   {kGlobalGuid, "PK"},
                                   {kGlobalGuid, "KEK"},
                                   {kSecurityDatabaseGuid, "db"},
                                   {kSecurityDatabaseGuid, "dbx"}}) {
    EXPECT_NE(found.configuration(guid, name), nullptr) << name;
  }
  std::vector<std::string> authorities;
  for (const MeasuredVariable& each : found.variables) {
    if (each.authority) authorities.push_back(each.variable.name);
  }
  EXPECT_THAT(authorities, ElementsAre("db", "SbatLevel", "MokListRT"));
  EXPECT_EQ(found.images.size(), 4U);  // shim, GRUB, the kernel twice
  EXPECT_THAT(lines(found), ElementsAre("/vmlinuz root=none ro console=ttyS0 quiet",
                                        "/vmlinuz root=none ro console=ttyS0 quiet"));
  EXPECT_THAT(found.unknown_command_lines, IsEmpty());
}

// What firmware measures of the machine's configuration makes nothing good or bad; what may be code
// of PCR 0 or 2 has to be known.
TEST(Meaning, OfConfigurationIsNothingAndOfCodeAFileToBeKnown) {
  const Meaning good = meaning(good_log());
  for (const auto& [pcr, type, is_file] :
       {std::tuple{1U, kVariableBoot2, false}, std::tuple{1U, kTableOfDevices, false},
        std::tuple{1U, kHandoffTables, false}, std::tuple{1U, kHandoffTables2, false},
        std::tuple{1U, kCpuMicrocode, false}, std::tuple{3U, kNonhostConfig, false},
        std::tuple{3U, kSpdmFirmwareConfig, false}, std::tuple{5U, kGptEvent, false},
        std::tuple{5U, kGptEvent2, false}, std::tuple{6U, kCompactHash, false},
        std::tuple{0U, kPostCode2, true}, std::tuple{0U, kCpuMicrocode, true},
        std::tuple{0U, kHandoffTables, true}, std::tuple{2U, kNonhostCode, true},
        std::tuple{2U, kNonhostInfo, true}, std::tuple{2U, kSpdmFirmwareBlob, true}}) {
    for (const bool bound : {true, false}) {
      PlainLog log = good_log();
      const Bytes data = variable_bytes(kGlobalGuid, "BootOrder", to_bytes("value"));
      log.add(log.make(pcr, type, data, bound ? data : to_bytes("other")));
      const Meaning found = meaning(log);
      const std::string name = event_type_name(type) + (bound ? "" : ", not bound");
      EXPECT_THAT(found.problems, IsEmpty()) << name;
      EXPECT_EQ(found.files.size(), good.files.size() + (is_file ? 1U : 0U)) << name;
      EXPECT_EQ(found.images.size(), good.images.size()) << name;
      EXPECT_EQ(found.variables.size(), good.variables.size()) << name;
      EXPECT_EQ(lines(found), lines(good)) << name;
    }
  }
}

TEST(Meaning, OfSpdmsPolicyAndAuthorityIsThatOfAVariableOfEachKind) {
  const Bytes data = variable_bytes(kSecurityDatabaseGuid, "devdb", to_bytes("value"));
  const auto with = [&](std::uint32_t type, const Bytes& measured, bool before_separator) {
    PlainLog log = good_log();
    const PlainEvent event = log.make(7, type, data, measured);
    if (before_separator) {
      insert(log, log.find(7, kSeparator), event);
    } else {
      log.add(event);
    }
    return meaning(log);
  };
  const std::size_t others = meaning(good_log()).variables.size();
  for (const std::uint32_t type : {kSpdmDevicePolicy, kSpdmDeviceAuthority}) {
    const Meaning found = with(type, data, true);
    EXPECT_THAT(found.problems, IsEmpty());
    ASSERT_EQ(found.variables.size(), others + 1);
    EXPECT_EQ(found.configuration(kSecurityDatabaseGuid, "devdb") != nullptr,
              type == kSpdmDevicePolicy);
    EXPECT_THAT(first_problem(with(type, to_bytes("other"), true)), is_wrong_digest());
  }
  EXPECT_THAT(first_problem(with(kSpdmDevicePolicy, data, false)),
              is_unexpected("after the separator of PCR 7"));
  EXPECT_THAT(with(kSpdmDeviceAuthority, data, false).problems, IsEmpty());
  PlainLog blob = good_log();
  blob.add(blob.make(7, kSpdmFirmwareBlob, data));
  EXPECT_THAT(first_problem(meaning(blob)), is_unexpected("only variables, authorities"));
}

TEST(B1, RefusesARealEventUnderAFalseTypeWithAForgedCopyOfIt) {
  // The real SecureBoot=0 as an authority, and in its place what the policy would like to see.
  PlainLog log = good_log();
  const std::size_t at = find_variable(log, "SecureBoot");
  log.events[at] =
      log.make(7, kVariableDriverConfig, variable_bytes(kGlobalGuid, "SecureBoot", Bytes{0}));
  const tpm::PcrValues quoted = quote_of(log);
  log.events[at].type = kVariableAuthority;
  EXPECT_THAT(first_problem(meaning(log, quoted)), is_unexpected("under the type of an authority"));
  insert(log, at,
         log.make(7, kVariableDriverConfig, variable_bytes(kGlobalGuid, "SecureBoot", Bytes{1})));
  EXPECT_THAT(appraise(log, quoted).codes(), Contains("BootLogReplayMismatch"));
}

TEST(B1, RefusesAnAuthorityUnderTheTypeOfTheConfiguration) {
  PlainLog log = good_log();
  log.events[log.find(7, kVariableAuthority)].type = kVariableDriverConfig;
  EXPECT_THAT(first_problem(meaning(log, testing::corpus_pcrs())),
              is_unexpected("after the separator"));
}

TEST(B1, RefusesAnythingElseInPcrSeven) {
  for (const std::uint32_t type : {kIpl, kEventTag, kVariableBoot, kCompactHash, 0x12345678U}) {
    PlainLog log = good_log();
    log.events[find_variable(log, "dbx")].type = type;
    EXPECT_THAT(first_problem(meaning(log, testing::corpus_pcrs())),
                is_unexpected("only variables, authorities and separators"))
        << type;
  }
}

TEST(B2, JudgesABootApplicationAsOneWhateverItsTypeIs) {
  for (const std::uint32_t type :
       {kIpl, kEventTag, kCompactHash, kPlatformFirmwareBlob, kOmitBootDeviceEvents, kGptEvent}) {
    PlainLog log = good_log();
    const std::size_t at = log.find(4, kBootServicesApplication);
    log.events[at].type = type;
    EXPECT_THAT(meaning(log, testing::corpus_pcrs()).images, Contains(at + 1)) << type;
  }
}

TEST(B2, RefusesABootApplicationUnderTheTypeOfAnActionOrASeparator) {
  for (const std::uint32_t type : {kAction, kEfiAction, kSeparator}) {
    PlainLog log = good_log();
    log.events[log.find(4, kBootServicesApplication)].type = type;
    EXPECT_THAT(first_problem(meaning(log, testing::corpus_pcrs())), is_wrong_digest()) << type;
  }
}

TEST(B2, JudgesAFileAsOneWhateverItsTypeIsAndThoughTheLogHasItsContent) {
  // An event's data may be the very file: then it is bound, and proves that the file was measured.
  const Bytes file = to_bytes("set superusers=\nlinux /evil\n");
  for (const std::uint32_t pcr : {0U, 9U, 14U}) {
    for (const std::uint32_t type : {kIpl, kAction, kEfiAction, kEventTag, kCompactHash, kGptEvent,
                                     kVariableBoot, kPostCode}) {
      PlainLog log = good_log();
      const std::size_t number = log.add(log.make(pcr, type, file));
      EXPECT_THAT(meaning(log).files, Contains(number)) << pcr << " " << type;
    }
  }
}

// On some machines a text is all that PCR 0 says of the firmware.
TEST(B2, WantsATextOfTheFirmwareToBeKnownThoughItIsCalledAnAction) {
  for (const std::uint32_t pcr : {0U, 2U}) {
    for (const std::uint32_t type : {kAction, kEfiAction}) {
      PlainLog log = good_log();
      insert(log, 0, log.make(pcr, type, to_bytes("Virtual Firmware v0")));
      EXPECT_THAT(meaning(log).files, Contains(1U)) << pcr;
    }
  }
}

TEST(B2, RefusesAnActionThatIsNoTextOrTooLongForOne) {
  for (std::uint32_t pcr = 0; pcr <= 7; ++pcr) {
    for (const Bytes& data : {to_bytes("MZ\x90"), Bytes(257, 'a'), to_bytes("a\nb")}) {
      PlainLog log = good_log();
      insert(log, 0, log.make(pcr, kEfiAction, data));
      EXPECT_THAT(first_problem(meaning(log)), is_unexpected("an action that is no text")) << pcr;
    }
  }
}

TEST(B2, JudgesLoadOptionsThatNoCommandLineExplainsAsAFile) {
  // The kernel's type for the hash of its command line, over the hash of another initrd.
  PlainLog log = good_log();
  const std::size_t at = log.find(9, kIpl, "/initrd.img");
  Bytes tag;
  put_le(tag, 0x8f3b22ed, 4);
  put_le(tag, 26, 4);
  append(tag, to_bytes("LOADED_IMAGE::LoadOptions"));
  log.events[at].type = kEventTag;
  log.events[at].data = tag;
  const Meaning found = meaning(log, testing::corpus_pcrs());
  EXPECT_THAT(found.files, Contains(at + 1));
  EXPECT_THAT(found.files_or_lines, ElementsAre(at + 1));
}

TEST(Meaning, ExplainsTheHashOfTheLoadOptionsByTheCommandLine) {
  for (const char* prefix : {"", "BOOT_IMAGE="}) {
    PlainLog log = good_log();
    Bytes tag;
    put_le(tag, 0x8f3b22ed, 4);
    put_le(tag, 0, 4);
    Bytes wide;
    for (const char c : prefix + std::string("/vmlinuz root=none ro console=ttyS0 quiet")) {
      put_le(wide, static_cast<std::uint8_t>(c), 2);
    }
    log.add(log.make(9, kEventTag, tag, wide));
    const Meaning found = meaning(log);
    EXPECT_THAT(found.files_or_lines, IsEmpty());
    EXPECT_THAT(found.files, Not(Contains(log.events.size())));
  }
}

// Firmware starts a kernel by "BOOT_IMAGE=ima_policy=tcb", which has no such argument.
TEST(Meaning, ExplainsNoLoadOptionsOfGrubsByALineOfSystemds) {
  for (const std::uint32_t pcr : {8U, 12U}) {
    PlainLog log = good_log();
    Bytes tag;
    put_le(tag, 0x8f3b22ed, 4);
    put_le(tag, 0, 4);
    log.add(log.make(9, kEventTag, tag, to_utf16("BOOT_IMAGE=ima_policy=tcb quiet")));
    log.add(log.make(pcr, kIpl, to_utf16("ima_policy=tcb quiet")));
    EXPECT_THAT(meaning(log).files_or_lines, SizeIs(1)) << pcr;
  }
}

TEST(B3, RefusesDataThatItsDigestIsNotOf) {
  const auto changed = [](std::uint32_t pcr, std::uint32_t type, std::string_view text) {
    PlainLog log = good_log();
    log.events[log.find(pcr, type, text)].data.back() ^= 1;
    std::string codes;
    for (const auto& problem : meaning(log, testing::corpus_pcrs()).problems) {
      codes += problem.code + " ";
    }
    return codes;
  };
  EXPECT_THAT(changed(7, kVariableDriverConfig, ""), is_wrong_digest());
  EXPECT_THAT(changed(7, kVariableAuthority, ""), is_wrong_digest());
  EXPECT_THAT(changed(8, kIpl, "kernel_cmdline: "), is_wrong_digest());
  EXPECT_THAT(changed(4, kEfiAction, ""), is_wrong_digest());
  EXPECT_THAT(changed(5, kEfiAction, "Returned with Success"), is_wrong_digest());
  for (std::uint32_t pcr = 0; pcr <= 7; ++pcr) {
    EXPECT_THAT(changed(pcr, kSeparator, ""), is_wrong_digest()) << pcr;
  }
}

TEST(B3, BelievesNothingThatNoDigestCovers) {
  // Names of files, load addresses and sizes may say anything: nothing is read from them.
  PlainLog log = good_log();
  for (PlainEvent& event : log.events) {
    const bool text = event.pcr == 9 || event.pcr == 14;
    if (text || event.type == kBootServicesApplication) event.data = to_bytes("anything");
  }
  const Meaning real = meaning(good_log(), testing::corpus_pcrs());
  const Meaning found = meaning(log, testing::corpus_pcrs());
  EXPECT_THAT(found.problems, IsEmpty());
  EXPECT_EQ(found.images, real.images);
  EXPECT_EQ(found.files, real.files);
}

TEST(B4, RefusesASecondSeparator) {
  for (std::uint32_t pcr = 0; pcr <= 7; ++pcr) {
    PlainLog log = good_log();
    insert(log, log.find(pcr, kSeparator) + 1, log.make(pcr, kSeparator, Bytes(4)));
    EXPECT_THAT(first_problem(meaning(log)), is_unexpected("a second separator")) << pcr;
  }
}

TEST(B4, RefusesAVariableThatIsMeasuredTwice) {
  PlainLog log = good_log();
  const std::size_t at = find_variable(log, "db");
  insert(log, at + 1, log.events[at]);
  EXPECT_THAT(first_problem(meaning(log)), is_unexpected("\"db\" is measured twice"));
}

TEST(B4, RefusesAVariableAfterTheSeparator) {
  PlainLog log = good_log();
  const std::size_t at = log.find(7, kSeparator);
  insert(log, at + 1,
         log.make(7, kVariableDriverConfig, variable_bytes(kGlobalGuid, "New", Bytes{1})));
  EXPECT_THAT(first_problem(meaning(log)), is_unexpected("after the separator"));
}

TEST(B4, BoundsTheVariablesAndTheProblems) {
  PlainLog log = good_log();
  for (std::size_t i = 0; i < kMaxVariables; ++i) {
    insert(log, 0,
           log.make(7, kVariableDriverConfig,
                    variable_bytes(kGlobalGuid, "V" + std::to_string(i), Bytes{1})));
  }
  const Meaning found = meaning(log);
  EXPECT_THAT(first_problem(found), is_unexpected("more than 256 variables"));
  EXPECT_EQ(found.variables.size(), kMaxVariables);
  EXPECT_LE(found.problems.size() + found.more_problems, 8U);

  PlainLog wrong = good_log();
  for (int i = 0; i < 1'000; ++i) insert(wrong, 0, wrong.make(7, kIpl, Bytes{1}));
  const Meaning many = meaning(wrong);
  EXPECT_EQ(many.problems.size(), kMaxProblems);
  EXPECT_EQ(many.more_problems, 1'000 - kMaxProblems);
}

TEST(B5, RefusesASeparatorThatIsNotZero) {
  for (std::uint32_t pcr = 0; pcr <= 7; ++pcr) {
    for (const Bytes& value : {Bytes(4, 0xff), Bytes{1, 0, 0, 0}, Bytes(3), Bytes(5), Bytes{}}) {
      PlainLog log = good_log();
      log.events[log.find(pcr, kSeparator)] = log.make(pcr, kSeparator, value);
      EXPECT_THAT(first_problem(meaning(log)), is_unexpected("the separator is not zero")) << pcr;
    }
  }
}

TEST(B5, RefusesAnErrorSeparatorUnderAnotherType) {
  for (std::uint32_t pcr = 0; pcr <= 7; ++pcr) {
    for (const std::uint32_t type :
         {kAction, kEfiAction, kCompactHash, kEventTag, kIpl, kVariableDriverConfig}) {
      PlainLog log = good_log();
      log.events[log.find(pcr, kSeparator)] = log.make(pcr, type, Bytes(4, 0xff));
      EXPECT_THAT(meaning(log).problems, Not(IsEmpty())) << pcr << " " << type;
    }
  }
}

TEST(B5, RefusesAPcrWithoutSeparator) {
  for (std::uint32_t pcr = 0; pcr <= 7; ++pcr) {
    PlainLog log = good_log();
    log.events.erase(log.events.begin() + static_cast<std::ptrdiff_t>(log.find(pcr, kSeparator)));
    EXPECT_THAT(meaning(log).problems.size(), ::testing::Ge(1U)) << pcr;
    const Meaning allowed = meaning(log, Quirks{std::string(quirk::kNoSeparators)});
    EXPECT_EQ(allowed.problems.empty(), pcr < 7) << pcr;
    EXPECT_EQ(allowed.quirks_used.size(), pcr < 7 ? 1U : 0U) << pcr;
  }
}

TEST(B6, RefusesAnythingInPcrFiveAfterExitBootServices) {
  for (const std::uint32_t type : {kGptEvent, kEfiAction, kIpl, kEventTag}) {
    PlainLog log = good_log();
    log.events.push_back(log.make(5, type, to_bytes("later")));
    EXPECT_THAT(first_problem(meaning(log)), is_unexpected("after ExitBootServices")) << type;
  }
  PlainLog between = good_log();
  insert(between, between.find(5, kEfiAction, "Returned with Success"),
         between.make(5, kGptEvent, to_bytes("between")));
  EXPECT_THAT(first_problem(meaning(between)), is_unexpected("after ExitBootServices"));
}

TEST(B6, RefusesWhatFirmwareOrBootLoaderIsSaidToMeasureAfterExitBootServices) {
  for (const std::uint32_t pcr : {0U, 4U, 7U, 8U, 9U, 14U}) {
    PlainLog log = good_log();
    log.events.push_back(log.make(pcr, kIpl, to_bytes("later")));
    EXPECT_THAT(first_problem(meaning(log)), is_unexpected("after ExitBootServices")) << pcr;
  }
  PlainLog log = good_log();
  log.events.push_back(log.make(13, kIpl, to_bytes("the system's own")));
  EXPECT_THAT(meaning(log).problems, IsEmpty());
}

TEST(B7, RefusesADebuggerOfTheFirmwareHoweverItIsSpelt) {
  const std::string text = "UEFI Debug Mode";
  for (const Bytes& spelt : {to_bytes(text), to_bytes(text + '\0'), to_utf16(text)}) {
    PlainLog log = good_log();
    insert(log, log.find(7, kSeparator), log.make(7, kEfiAction, spelt));
    EXPECT_THAT(first_problem(meaning(log)), is_unexpected("a debugger")) << spelt.size();
  }
}

TEST(Meaning, RefusesALogWithoutAnythingThatTheFirmwareStartedButForTheQuirk) {
  PlainLog log = good_log();
  std::erase_if(log.events, [](const PlainEvent& event) {
    return event.pcr == 4 && event.type == kBootServicesApplication;
  });
  const BoundLog bound = bind_log(log, quote_of(log));
  const Meaning strict = read_meaning(bound, {});
  ASSERT_THAT(strict.problems, SizeIs(1));
  EXPECT_EQ(strict.problems[0].code, "BootImageMissing");
  const Meaning allowed = read_meaning(bound, Quirks{std::string(quirk::kNoBootImages)});
  EXPECT_THAT(allowed.problems, IsEmpty());
  EXPECT_THAT(allowed.quirks_used, ElementsAre(quirk::kNoBootImages));
}

TEST(B6, RefusesASecondExit) {
  PlainLog log = good_log();
  log.events.push_back(
      log.make(5, kEfiAction, to_bytes("Exit Boot Services Returned with Success")));
  EXPECT_THAT(first_problem(meaning(log)), is_unexpected("had been left before"));
}

TEST(B6, AcceptsAnExitThatFailedFirst) {
  PlainLog log = good_log();
  const std::size_t at = log.find(5, kEfiAction, "Exit Boot Services Invocation");
  insert(log, at, log.make(5, kEfiAction, to_bytes("Exit Boot Services Returned with Failure")));
  insert(log, at, log.make(5, kEfiAction, to_bytes("Exit Boot Services Invocation")));
  EXPECT_THAT(meaning(log).problems, IsEmpty());
}

TEST(B6, RefusesALogWithoutExitBootServicesButForTheQuirk) {
  PlainLog log = good_log();
  std::erase_if(log.events,
                [](const PlainEvent& event) { return event.pcr == 5 && event.type == kEfiAction; });
  EXPECT_THAT(first_problem(meaning(log)), HasSubstr("BootExitMissing"));
  const Meaning allowed = meaning(log, Quirks{std::string(quirk::kNoExit)});
  EXPECT_THAT(allowed.problems, IsEmpty());
  EXPECT_THAT(allowed.quirks_used, ElementsAre(quirk::kNoExit));
}

TEST(B6, DoesNotTakeAnUnboundTextForTheExit) {
  PlainLog log = good_log();
  log.events[log.find(5, kEfiAction, "Returned with Success")] =
      log.make(5, kEfiAction, to_bytes("Exit Boot Services Returned with Success"),
               to_bytes("Exit Boot Services Returned with Failure"));
  std::vector<std::string> codes;
  for (const auto& problem : meaning(log).problems) codes.push_back(problem.code);
  EXPECT_THAT(codes, Contains("BootExitMissing"));
}

TEST(Meaning, ReadsEveryTextThatMayHaveBeenTheCommandLine) {
  const auto of = [](const std::string& text) {
    PlainLog log = good_log();
    log.events = {log.make(8, kIpl, to_bytes("grub_cmd: " + text), to_bytes(text))};
    return lines(meaning(log));
  };
  EXPECT_THAT(of("linux /vmlinuz a b"), ElementsAre("/vmlinuz a b"));
  EXPECT_THAT(of("linux16 /vmlinuz a"), ElementsAre("/vmlinuz a"));
  EXPECT_THAT(of("linuxefi /vmlinuz a"), ElementsAre("/vmlinuz a"));
  EXPECT_THAT(of("kernel /xen a"), ElementsAre("/xen a"));
  EXPECT_THAT(of("multiboot2 /xen a"), ElementsAre("/xen a"));
  EXPECT_THAT(of("module2 /vmlinuz a"), ElementsAre("/vmlinuz a"));
  EXPECT_THAT(of("/vmlinuz a"), ElementsAre("/vmlinuz a"));
  EXPECT_THAT(of("(hd0,gpt1)/vmlinuz a"), ElementsAre("(hd0,gpt1)/vmlinuz a"));
  EXPECT_THAT(of("0+1234 a"), ElementsAre("0+1234 a"));
  EXPECT_THAT(of("linux"), ElementsAre(""));
  EXPECT_THAT(of("search --file /vmlinuz"), IsEmpty());
  EXPECT_THAT(of("initrd /initrd.img"), IsEmpty());
  EXPECT_THAT(of("menuentry_id_option=--id"), IsEmpty());
  EXPECT_THAT(of("[ -s /boot/grub/grubenv ]"), IsEmpty());
  EXPECT_THAT(of("time set a=b"), IsEmpty());
  EXPECT_THAT(of(""), IsEmpty());
  // What is no command that is known may be a copy of arguments.
  EXPECT_THAT(of("vmlinuz a"), ElementsAre("vmlinuz a"));
  EXPECT_THAT(of("a=b c"), ElementsAre("a=b c"));
  EXPECT_THAT(of("/a=b"), ElementsAre("/a=b"));
  EXPECT_THAT(of("some_function"), ElementsAre("some_function"));
  EXPECT_THAT(of("time ! linux v a"), ElementsAre("v a"));
}

// Its verifier is gone then, or its rescue prompt runs commands that are not measured.
TEST(Meaning, RefusesACommandAfterWhichGrubMeasuresNoMore) {
  for (const std::string text : {"rmmod tpm",
                                 "acpi --exclude=TPM2",
                                 "time rmmod tpm",
                                 "normal_exit",
                                 "write_dword 0x1 2",
                                 "cutmem 1M 2M",
                                 "badram 0x1,0x2",
                                 "devicetree /dtb",
                                 "gdbstub com0",
                                 "hdparm -H (hd0)",
                                 "loadbios /bios",
                                 "serial --port=mmio,7f3a1000 --speed=115200",
                                 "serial mmio,7f3a1000",
                                 "serial --port=0xcf9",
                                 "serial port7f3a",
                                 "serial -p 0xcf9",
                                 "serial pci,00:1f.0 x",
                                 "terminal_output serial_mmio,7f3a1000",
                                 "time terminal_input console serial_port7f3a",
                                 "initrd /initrd.img newc:init:/vmlinuz",
                                 "initrdefi newc:x:(hd0)/y",
                                 "legacy_initrd newc:x:(hd0)/y"}) {
    PlainLog bare = good_log();  // the log need not have the prefix
    bare.add(bare.make(8, kCompactHash, to_bytes(text)));
    EXPECT_THAT(first_problem(meaning(bare)), is_unexpected("after which it measures no more"))
        << text;
    PlainLog log = good_log();
    insert(log, log.find(8, kIpl),
           log.make(8, kIpl, to_bytes("grub_cmd: " + text), to_bytes(text)));
    EXPECT_THAT(first_problem(meaning(log)), is_unexpected("after which it measures no more"))
        << text;
  }
}

TEST(Meaning, TakesTheConsolesOfRealConfigurations) {
  for (const std::string text :
       {"serial", "serial --unit=0 --speed=115200 --word=8 --parity=no --stop=1",
        "serial --port=0x3f8 --speed=9600", "serial --unit=0 --port=0x3F8", "serial --port=auto",
        "serial -u 1 -s 115200", "serial com0", "serial auto", "serial efi0 --rtscts=off",
        "terminal_output gfxterm", "terminal_output console", "terminal_output --append serial",
        "terminal_input serial_com0 console", "terminal_input at_keyboard", "terminal_output",
        "initrd /initrd.img-6.1.0-13-amd64 /more"}) {
    PlainLog log = good_log();
    insert(log, log.find(8, kIpl),
           log.make(8, kIpl, to_bytes("grub_cmd: " + text), to_bytes(text)));
    const Meaning found = meaning(log);
    EXPECT_THAT(found.problems, IsEmpty()) << text;
    EXPECT_EQ(found.command_lines.size(), meaning(good_log()).command_lines.size()) << text;
    EXPECT_THAT(found.unknown_command_lines, IsEmpty()) << text;
  }
}

TEST(Meaning, TakesForAnAssignmentNothingElse) {
  const auto of = [](const Bytes& text) {
    PlainLog log = good_log();
    Bytes shown = to_bytes("grub_cmd: ");
    append(shown, text);
    append(shown, Bytes{0});
    log.events = {log.make(8, kIpl, shown, text)};
    const Meaning found = meaning(log);
    return found.command_lines.size() + found.unknown_command_lines.size();
  };
  EXPECT_EQ(of(to_bytes("default=0")), 0U);
  EXPECT_EQ(of(to_bytes("a=b\tinit=/bin/sh")), 1U);
  EXPECT_EQ(of(to_bytes("init.x=/bin/sh")), 1U);
  EXPECT_EQ(of(to_bytes("=x")), 1U);
  EXPECT_EQ(of(to_bytes("1a=x")), 1U);
  EXPECT_EQ(of(to_utf16("init=/bin/sh")), 1U);
}

TEST(Meaning, BelievesNoCommandWhoseKernelIsNamedLikeACommand) {
  const auto unknown = [](const std::string& text) {
    PlainLog log = good_log();
    log.events = {log.make(8, kIpl, to_bytes("grub_cmd: " + text), to_bytes(text))};
    return meaning(log).unknown_command_lines;
  };
  EXPECT_THAT(unknown("linux set quiet"), ElementsAre(1U));
  EXPECT_THAT(unknown("linux a=b"), ElementsAre(1U));
  EXPECT_THAT(unknown("linux /set quiet"), IsEmpty());
}

TEST(Meaning, ReadsSystemdsCommandLineOfEveryType) {
  Bytes wide;
  for (const char c : std::string("root=x quiet")) put_le(wide, static_cast<std::uint8_t>(c), 2);
  for (const std::uint32_t type : {kIpl, kEventTag, kCompactHash}) {
    PlainLog log = good_log();
    log.add(log.make(12, type, wide));
    EXPECT_THAT(lines(meaning(log)), Contains("root=x quiet")) << type;
  }
  PlainLog hashed = good_log();
  const std::size_t number = hashed.add(hashed.make(12, kEventTag, to_bytes("cmdline"), wide));
  EXPECT_THAT(meaning(hashed).files_or_lines, ElementsAre(number));
}

TEST(Meaning, NeverShowsExpressionsATextThatTheyMightMisread) {
  const auto of = [](const std::string& text) {
    PlainLog log = good_log();
    log.add(log.make(8, kIpl, to_bytes("grub_cmd: " + text), to_bytes(text)));
    return meaning(log).unknown_command_lines;
  };
  EXPECT_THAT(of("linux /vmlinuz a\nb"), Not(IsEmpty()));
  EXPECT_THAT(of("linux /vmlinuz \xc3\xa4"), Not(IsEmpty()));
  EXPECT_THAT(of("linux /" + std::string(kMaxCommandLine, 'a')), Not(IsEmpty()));
  EXPECT_THAT(of("linux /" + std::string(kMaxCommandLine - 1, 'a')), IsEmpty());
}

TEST(Meaning, KeepsManyCommandLinesAndLoadOptionsWithinBounds) {
  PlainLog log = good_log();
  for (std::size_t i = 0; i < 2 * kMaxCommandLines; ++i) {
    const std::string text = "linux /v a" + std::to_string(i);
    log.add(log.make(8, kIpl, to_bytes("grub_cmd: " + text), to_bytes(text)));
  }
  Bytes tag;
  put_le(tag, 0x8f3b22ed, 4);
  for (std::size_t i = 0; i < 10 * kMaxLoadOptions; ++i) {
    log.add(log.make(9, kEventTag, tag, to_bytes("file")));
  }
  const Meaning found = meaning(log);
  EXPECT_EQ(found.command_lines.size(), kMaxCommandLines);
  EXPECT_GE(found.unknown_command_lines.size(), kMaxCommandLines);
  EXPECT_EQ(found.files_or_lines.size(), 10 * kMaxLoadOptions);
  EXPECT_GE(found.files.size(), 10 * kMaxLoadOptions);
}

TEST(Quirks, OfOldShimsReadTheCertificateThatWasMeasured) {
  PlainLog log = good_log();
  Bytes logged = variable_bytes(kShimGuid, "Shim", to_bytes("certificate"));
  append(logged, Bytes(6));
  const Bytes measured(logged.begin(), logged.end() - 1);
  log.add(log.make(7, kVariableAuthority, logged, measured));
  EXPECT_THAT(first_problem(meaning(log)), is_unexpected("old-shim-authority"));
  const BoundLog bound = bind_log(log, quote_of(log));  // of which the meaning has views
  const Meaning allowed = read_meaning(bound, Quirks{std::string(quirk::kOldShim)});
  EXPECT_THAT(allowed.problems, IsEmpty());
  EXPECT_THAT(allowed.quirks_used, ElementsAre(quirk::kOldShim));
  EXPECT_EQ(as_text(allowed.variables.back().variable.value), "certificate");
}

TEST(Quirks, ThatAreNotNeededAreNotReported) {
  const Quirks all(known_quirks().begin(), known_quirks().end());
  EXPECT_THAT(meaning(good_log(), testing::corpus_pcrs(), all).quirks_used, IsEmpty());
}

TEST(AboutEvent, SaysWhereItIsAndWhatStandsThere) {
  const PlainLog log = good_log();
  const std::size_t at = find_variable(log, "SecureBoot") + 1;
  const attest::Reason reason = about_event(bind_log(log, quote_of(log)), at, "Code", "text");
  EXPECT_EQ(reason.event, (attest::EventPlace{7, static_cast<std::uint32_t>(at)}));
  EXPECT_THAT(reason.message, HasSubstr("EV_EFI_VARIABLE_DRIVER_CONFIG"));
  EXPECT_THAT(reason.fields, Contains(attest::ReasonField{"variable", "SecureBoot"}));
}

}  // namespace
}  // namespace avouch::bootlog
