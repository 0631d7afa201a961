#include "bootlog/bind.h"

#include <array>

#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

std::size_t number(std::size_t index) { return index + 1; }  // of PlainLog::events in the log

Binding binding_of(const PlainLog& log, std::size_t index) {
  return bind_log(log, quote_of(log)).binding(number(index));
}

PlainLog one_event(std::uint32_t pcr, std::uint32_t type, const Bytes& data,
                   const Bytes& measured) {
  PlainLog log;
  log.banks = {HashAlgorithm::kSha1, HashAlgorithm::kSha256};
  log.header = make_header(log.banks);
  log.events = {log.make(pcr, type, data, measured)};
  return log;
}

TEST(Bind, SaysWhatTheDigestsOfARealLogAreOf) {
  const PlainLog log = good_log();
  const BoundLog bound = bind_log(log, testing::corpus_pcrs());
  const auto binding = [&](std::uint32_t pcr, std::uint32_t type, std::string_view text = "") {
    return bound.binding(number(log.find(pcr, type, text)));
  };
  EXPECT_EQ(binding(0, kSeparator), Binding::kData);
  EXPECT_EQ(binding(0, kCrtmVersion), Binding::kData);
  EXPECT_EQ(binding(0, kPlatformFirmwareBlob), Binding::kNone);
  EXPECT_EQ(binding(1, kVariableBoot), Binding::kValueOnly);
  EXPECT_EQ(binding(4, kEfiAction), Binding::kData);
  EXPECT_EQ(binding(4, kBootServicesApplication), Binding::kNone);
  EXPECT_EQ(binding(5, kEfiAction, "Returned with Success"), Binding::kData);
  EXPECT_EQ(binding(7, kVariableDriverConfig), Binding::kData);
  EXPECT_EQ(binding(7, kVariableAuthority), Binding::kData);
  EXPECT_EQ(binding(8, kIpl, "grub_cmd: "), Binding::kNoPrefix);
  EXPECT_EQ(binding(8, kIpl, "kernel_cmdline: "), Binding::kNoPrefix);
  EXPECT_EQ(binding(9, kIpl), Binding::kNone);
  EXPECT_EQ(binding(14, kIpl, "MokList"), Binding::kNone);
}

TEST(Bind, GivesOfTheDataWhatIsProvenAndNoMore) {
  const PlainLog log = good_log();
  const BoundLog bound = bind_log(log, testing::corpus_pcrs());
  const std::size_t line = log.find(8, kIpl, "kernel_cmdline: ");
  EXPECT_EQ(as_text(bound.proven_data(number(line))), "/vmlinuz root=none ro console=ttyS0 quiet");
  EXPECT_TRUE(bound.proven_data(number(log.find(9, kIpl))).empty());
  const std::size_t order = log.find(1, kVariableBoot);
  const Bytes& data = log.events[order].data;
  EXPECT_TRUE(equal(bound.proven_data(number(order)), parse_variable(data).value().value));
}

TEST(Bind, KnowsTheFormsInWhichTextsAreMeasured) {
  const Bytes text = to_bytes("text");
  const Bytes with_nul = to_bytes(std::string_view("text\0", 5));
  const auto of = [&](const Bytes& data, const Bytes& measured) {
    return binding_of(one_event(8, kIpl, data, measured), 0);
  };
  EXPECT_EQ(of(text, text), Binding::kData);
  EXPECT_EQ(of(with_nul, with_nul), Binding::kData);
  EXPECT_EQ(of(with_nul, text), Binding::kTextOnly);
  EXPECT_EQ(of(to_bytes(std::string_view("t\0e", 3)), to_bytes(std::string_view("t\0e\0", 4))),
            Binding::kNulAdded);
  EXPECT_EQ(of(to_bytes(std::string_view("grub_cmd: a\0", 12)), to_bytes("a")), Binding::kNoPrefix);
  EXPECT_EQ(of(to_bytes("grub_cmd: a"), to_bytes("grub_cmd: a")), Binding::kData);
  EXPECT_EQ(of(text, to_bytes("tex")), Binding::kNone);
  EXPECT_EQ(of(to_bytes("other_cmd: a"), to_bytes("a")), Binding::kNone);
}

TEST(Bind, TakesVariablesWholeOrOutsideOfPcrSevenByValue) {
  const Bytes value = to_bytes("value");
  const Bytes whole = variable_bytes(kGlobalGuid, "Boot0001", value);
  EXPECT_EQ(binding_of(one_event(1, kVariableBoot, whole, whole), 0), Binding::kData);
  EXPECT_EQ(binding_of(one_event(1, kVariableBoot, whole, value), 0), Binding::kValueOnly);
  EXPECT_EQ(binding_of(one_event(1, kVariableBoot2, whole, whole), 0), Binding::kData);
  EXPECT_EQ(binding_of(one_event(1, kVariableBoot2, whole, value), 0), Binding::kValueOnly);
  EXPECT_EQ(binding_of(one_event(1, kVariableBoot2, whole, to_bytes("valu")), 0), Binding::kNone);
  EXPECT_EQ(binding_of(one_event(7, kVariableDriverConfig, whole, whole), 0), Binding::kData);
  EXPECT_EQ(binding_of(one_event(7, kVariableDriverConfig, whole, value), 0), Binding::kNone);
}

struct TypeAndPcr {
  std::uint32_t pcr, type;
};
// Where the profile has them measured, what is digest to data alike.
constexpr std::array kPlainTypes = {
    TypeAndPcr{0, kPrebootCert},
    TypeAndPcr{0, kPostCode},
    TypeAndPcr{0, kPostCode2},
    TypeAndPcr{0, kCrtmContents},
    TypeAndPcr{0, kCrtmVersion},
    TypeAndPcr{1, kCpuMicrocode},
    TypeAndPcr{1, kTableOfDevices},
    TypeAndPcr{1, kHandoffTables},
    TypeAndPcr{1, kHandoffTables2},
    TypeAndPcr{2, kNonhostCode},
    TypeAndPcr{3, kNonhostConfig},
    TypeAndPcr{2, kNonhostInfo},
    TypeAndPcr{4, kCompactHash},
    TypeAndPcr{5, kGptEvent},
    TypeAndPcr{5, kGptEvent2},
    TypeAndPcr{6, kCompactHash},
    TypeAndPcr{9, kEventTag},
    TypeAndPcr{5, kIplPartitionData},
    TypeAndPcr{1, kPlatformConfigFlags},
    TypeAndPcr{4, kOmitBootDeviceEvents},
    TypeAndPcr{2, kSpdmFirmwareBlob},
    TypeAndPcr{3, kSpdmFirmwareConfig},
    TypeAndPcr{7, kSpdmDevicePolicy},
    TypeAndPcr{7, kSpdmDeviceAuthority},
    TypeAndPcr{1, 0x80000123},
};

TEST(Bind, TakesTheDataOfEveryOtherTypeWholeOrNotAtAll) {
  // As a text, UEFI variable or GRUB's line it could be bound in part: of these types it is not.
  for (const Bytes& data :
       {to_bytes(std::string_view("text\0", 5)), to_bytes("grub_cmd: a"), Bytes(11, 7),
        variable_bytes(kGlobalGuid, "Boot0001", to_bytes("value"))}) {
    for (const auto& [pcr, type] : kPlainTypes) {
      const PlainLog whole = one_event(pcr, type, data, data);
      const BoundLog bound = bind_log(whole, quote_of(whole));
      EXPECT_EQ(bound.binding(1), Binding::kData) << std::hex << type;
      EXPECT_TRUE(equal(bound.proven_data(1), data)) << std::hex << type;
      Bytes longer = data;
      longer.push_back(0);
      for (const Bytes& measured :
           {Bytes(data.begin(), data.end() - 1), longer, to_bytes("value"), to_bytes("a")}) {
        const PlainLog other = one_event(pcr, type, data, measured);
        const BoundLog unbound = bind_log(other, quote_of(other));
        EXPECT_EQ(unbound.binding(1), Binding::kNone) << std::hex << type;
        EXPECT_TRUE(unbound.proven_data(1).empty()) << std::hex << type;
      }
    }
  }
}

TEST(Bind, TakesTheHcrtmsDataWhole) {
  for (const std::string_view measured : {"HCRTM", "HCRT", "its code"}) {
    PlainLog log = one_event(0, kHcrtmEvent, to_bytes("HCRTM"), to_bytes(measured));
    PlainEvent locality{0, kNoAction, {}, to_bytes(std::string_view("StartupLocality\0\4", 17))};
    for (const HashAlgorithm bank : log.banks)
      locality.digests.emplace_back(bank, Bytes(crypto::digest_size(bank)));
    log.events.insert(log.events.begin(), locality);
    const BoundLog bound = bind_log(log, quote_of(log));
    EXPECT_EQ(bound.binding(2), measured == "HCRTM" ? Binding::kData : Binding::kNone) << measured;
  }
}

TEST(Bind, TakesAnImagesDataForNothingEvenWhereItAgrees) {
  const Bytes data = to_bytes("not an image");
  for (const std::uint32_t type :
       {kBootServicesApplication, kBootServicesDriver, kRuntimeServicesDriver,
        kPlatformFirmwareBlob, kPlatformFirmwareBlob2}) {
    EXPECT_EQ(binding_of(one_event(4, type, data, data), 0), Binding::kNone) << type;
  }
}

TEST(Bind, AsksEveryQuotedBankAndNoOther) {
  PlainLog log = one_event(8, kIpl, to_bytes("text"), to_bytes("text"));
  log.events[0].digests[0].second[0] ^= 1;  // SHA-1
  const BootLog read = must_read(log.bytes());
  const auto banks = replay(read);
  const auto binding = [&](const std::vector<HashAlgorithm>& quoted) {
    return bootlog::bind(read, banks, quote_of(read, quoted)).binding(1);
  };
  EXPECT_EQ(binding({HashAlgorithm::kSha256}), Binding::kData);
  EXPECT_EQ(binding({HashAlgorithm::kSha1, HashAlgorithm::kSha256}), Binding::kNone);
}

TEST(Bind, ProvesAPcrByEveryQuotedBankOfWhichOneIsStrong) {
  const PlainLog log = good_log();
  const BootLog read = must_read(log.bytes());
  const auto banks = replay(read);
  const auto state = [&](const tpm::PcrValues& quoted, std::uint32_t pcr) {
    return bootlog::bind(read, banks, quoted).state(pcr);
  };
  const tpm::PcrValues sha1 = quote_of(read, {HashAlgorithm::kSha1});
  const tpm::PcrValues both = quote_of(read, {HashAlgorithm::kSha1, HashAlgorithm::kSha256});
  EXPECT_EQ(state(sha1, 7), PcrState::kWeak);
  EXPECT_EQ(state(both, 7), PcrState::kProven);
  EXPECT_EQ(state({}, 7), PcrState::kNotQuoted);
  EXPECT_EQ(state(both, 24), PcrState::kNotQuoted);
  EXPECT_EQ(state(both, 0xffffffff), PcrState::kNotQuoted);
  for (const HashAlgorithm bank : {HashAlgorithm::kSha1, HashAlgorithm::kSha256}) {
    tpm::PcrValues quoted = both;
    quoted[{bank, 7}][0] ^= 1;
    EXPECT_EQ(state(quoted, 7), PcrState::kDiffers);
    EXPECT_EQ(state(quoted, 4), PcrState::kProven);
  }
  tpm::PcrValues unknown = both;
  unknown[{HashAlgorithm::kSha384, 7}] = Bytes(48);
  EXPECT_EQ(state(unknown, 7), PcrState::kDiffers);
}

TEST(Bind, BindsNothingOfAPcrThatIsNotProvenNorOfWhatIsNeverExtended) {
  PlainLog log = good_log();
  PlainEvent note = log.make(7, kNoAction, to_bytes("note"));
  log.events.insert(log.events.begin(), note);
  tpm::PcrValues quoted = quote_of(log);
  quoted[{HashAlgorithm::kSha256, 7}][0] ^= 1;
  const BoundLog bound = bind_log(log, quoted);
  EXPECT_EQ(bound.binding(number(0)), Binding::kNone);
  const std::size_t state = number(find_variable(log, "SecureBoot"));
  EXPECT_EQ(bound.binding(state), Binding::kNone);
  EXPECT_TRUE(bound.proven_data(state).empty());
  const Event& event = bound.log().events()[state];
  EXPECT_TRUE(bound.digests(event).empty());
  EXPECT_FALSE(bound.is_digest_of(event, bound.log().data(event)));
}

TEST(Bind, TakesAnOldShimsAuthorityWithoutItsLastByte) {
  const Bytes whole = variable_bytes(kShimGuid, "Shim", to_bytes("certificate"));
  Bytes logged = whole;
  append(logged, Bytes{0, 0, 0, 0, 0, 0xaf});
  const Bytes measured(logged.begin(), logged.end() - 1);
  EXPECT_EQ(binding_of(one_event(7, kVariableAuthority, logged, measured), 0), Binding::kOldShim);
  EXPECT_EQ(binding_of(one_event(7, kVariableAuthority, logged, whole), 0), Binding::kNone);
  EXPECT_EQ(binding_of(one_event(7, kVariableDriverConfig, logged, measured), 0), Binding::kNone);
}

}  // namespace
}  // namespace avouch::bootlog
