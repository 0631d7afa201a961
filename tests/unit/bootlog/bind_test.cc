#include "bootlog/bind.h"

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
  EXPECT_EQ(binding_of(one_event(7, kVariableDriverConfig, whole, whole), 0), Binding::kData);
  EXPECT_EQ(binding_of(one_event(7, kVariableDriverConfig, whole, value), 0), Binding::kNone);
}

TEST(Bind, TakesAnImagesDataForNothingEvenWhereItAgrees) {
  const Bytes data = to_bytes("not an image");
  for (const std::uint32_t type : {kBootServicesApplication, kBootServicesDriver,
                                   kRuntimeServicesDriver, kPlatformFirmwareBlob}) {
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
