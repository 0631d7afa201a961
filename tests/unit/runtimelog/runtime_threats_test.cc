// Rows R1 to R13 of THREATS.md. Every log is right in all but the thing named.

#include <algorithm>
#include <chrono>

#include "base/hex.h"
#include "tests/unit/runtimelog/appraise.h"

namespace avouch::runtimelog {
namespace {

using crypto::HashAlgorithm;
using testing::digest_field;
using testing::path_field;

Appraised appraise_machine(const ImaMachine& machine, const Rules& rules = good_rules(),
                           Coverage coverage = Coverage::kExecutables) {
  return appraise(machine.log, machine.pcrs, rules, coverage);
}

TEST(RuntimeLog, IsAffirmingWhereEveryFileIsKnown) {
  const Appraised appraised = appraise_machine(good_machine());
  EXPECT_TRUE(appraised.affirming());
  EXPECT_TRUE(appraised.result.reasons.empty());
  EXPECT_EQ(appraised.result.vector[attest::Claim::kExecutables], attest::kGenuine);
  EXPECT_EQ(appraised.findings.counts().by_reference, 2U);
  EXPECT_EQ(appraised.findings.aggregate(), AggregateForm::kPcr0To9);
}

TEST(R1, RefusesAnUnknownFileAndSaysWhichAndWhatWouldAcceptIt) {
  ImaMachine machine = good_machine();
  machine.measure(ima_file("/tmp/rogue.sh", "rogue"));
  const Appraised appraised = appraise_machine(machine);
  ASSERT_EQ(appraised.codes(), only(code::kFileUnknown));
  const attest::Reason& reason = appraised.result.reasons.at(0);
  const std::string digest = "sha256:" + to_hex(crypto::sha256("rogue"));
  EXPECT_EQ(reason.severity, attest::Status::kContraindicated);
  EXPECT_EQ(reason.line, (attest::LinePlace{"/tmp/rogue.sh", 4}));
  EXPECT_EQ(reason.suggestion, "{\"ima\":{\"digests\":[\"" + digest + "\"]}}");
  EXPECT_NE(reason.message.find("entry 4"), std::string::npos);
  EXPECT_NE(reason.message.find(digest), std::string::npos);
  EXPECT_EQ(appraised.result.vector[attest::Claim::kExecutables], attest::kUnacceptable);
}

TEST(R1, RefusesAKnownPathWithAnotherDigestAlsoBesideTheGoodOne) {
  ImaMachine machine = good_machine();
  machine.measure(ima_file("/usr/bin/good", "changed"));
  EXPECT_EQ(appraise_machine(machine).codes(), only(code::kFileUnknown));
}

TEST(R1, RefusesARevokedFileWhateverAcceptsIt) {
  RuleInput input = good_input();
  input.revoked = {contents({"also good"})};
  input.exclude = {"/usr/lib/.*"};
  EXPECT_EQ(appraise_machine(good_machine(), rules_of(std::move(input))).codes(),
            only(code::kFileRevoked));
}

TEST(R1, RefusesAGoodDigestUnderAnAlgorithmOfAnotherKind) {
  for (const auto& [name, prefix] :
       {std::pair("ima-ng", "sha3-256:"), std::pair("ima-ng", "sm3-256:"),
        std::pair("ima-ngv2", "verity:sha256:")}) {
    ImaMachine machine = good_machine();
    const Bytes digest = testing::openssl_digest(HashAlgorithm::kSha256, as_bytes("good"));
    machine.measure(ima_entry(name, {digest_field(prefix, digest), path_field("/x")}));
    EXPECT_EQ(appraise_machine(machine).codes(), only(code::kFileUnknown)) << prefix;
  }
}

TEST(R2, RefusesATemplateDigestThatIsNotOfTheData) {
  ImaMachine machine = good_machine();
  ImaEntry entry = ima_file("/usr/bin/good", "good");
  entry.digest[0] ^= 1;  // SHA-256's replay does not see it
  machine.measure(entry);
  EXPECT_EQ(appraise_machine(machine).codes(), only(code::kTemplateDigest));
}

TEST(R2, ExtendsTheHashOfTheDataAndNotTheDigestFieldOfTheLog) {
  ImaMachine machine({HashAlgorithm::kSha1});
  machine.measure(machine.boot_aggregate()).measure(ima_file("/tmp/rogue", "rogue"));
  // The rogue's data replaced, its digest field kept: what a verifier that trusts the field
  // extends.
  ImaEntry lie = ima_file("/tmp/rogue", "good!");
  lie.digest = ima_file("/tmp/rogue", "rogue").digest;
  Bytes log = machine.boot_aggregate().bytes();
  append(log, lie.bytes());
  EXPECT_EQ(appraise(log, machine.pcrs, good_rules()).refusal, code::kLogNotReplayed);
}

TEST(R3, RefusesALogThatDoesNotReplayToTheQuotedPcr10) {
  ImaMachine machine = good_machine();
  const Bytes log = machine.log;
  machine.measure(ima_file("/tmp/hidden", "hidden"));
  EXPECT_EQ(appraise(log, machine.pcrs, good_rules()).refusal, code::kLogNotReplayed);
  EXPECT_EQ(appraise({}, machine.pcrs, good_rules()).refusal, code::kLogMissing);
}

TEST(R3, RefusesProofBySha1AloneUnlessThePolicyTakesIt) {
  RuleInput weak = good_input();
  weak.allow_weak_replay = true;
  const Rules lenient = rules_of(std::move(weak));
  for (const auto& banks :
       {std::vector{HashAlgorithm::kSha1}, std::vector{HashAlgorithm::kSha384}}) {
    ImaMachine machine(banks, ImaMachine::Kernel::kPadsSha1);
    machine.measure(machine.boot_aggregate()).measure(ima_file("/usr/bin/good", "good"));
    EXPECT_EQ(appraise_machine(machine).codes(), only(code::kReplayWeak));
    EXPECT_TRUE(appraise_machine(machine, lenient).affirming());
  }
}

TEST(R4, RefusesUnknownTemplatesNamingTheEntry) {
  for (const char* name : {"ima-modsig", "evm-sig", "d-ng|n-ng", "ima-ng2", "IMA-NG"}) {
    ImaMachine machine = good_machine();
    ImaEntry entry = ima_file("/usr/bin/good", "good");
    entry.name = name;
    machine.measure(entry);
    const Appraised appraised = appraise_machine(machine);
    ASSERT_EQ(appraised.codes(), only(code::kTemplateUnknown)) << name;
    EXPECT_EQ(appraised.result.reasons.at(0).line->line, 4U);
  }
}

TEST(R4, RefusesTheLegacyTemplateUnlessThePolicyTakesIt) {
  ImaMachine machine = good_machine();
  machine.measure(
      ima_legacy(testing::openssl_digest(HashAlgorithm::kSha1, as_bytes("old")), "/old"));
  EXPECT_EQ(appraise_machine(machine).codes(), only(code::kTemplateUnknown));
  RuleInput input = good_input();
  input.allow_legacy = true;
  EXPECT_EQ(appraise_machine(machine, rules_of(input)).codes(), only(code::kFileUnknown));
  input.references.push_back([](HashAlgorithm algorithm, ByteView digest) {
    return algorithm == HashAlgorithm::kSha1 &&
           equal(digest, testing::openssl_digest(HashAlgorithm::kSha1, as_bytes("old")));
  });
  EXPECT_TRUE(appraise_machine(machine, rules_of(input)).affirming());
}

TEST(R4, RefusesEntriesOfOtherPcrs) {
  ImaMachine machine = good_machine();
  ImaEntry entry = ima_file("/usr/bin/good", "good");
  entry.pcr = 11;
  append(machine.log, entry.bytes());
  EXPECT_EQ(appraise_machine(machine).refusal, code::kLogMalformed);
}

TEST(R4, RefusesFieldsThatNoKernelWrites) {
  const Bytes digest = testing::openssl_digest(HashAlgorithm::kSha256, as_bytes("good"));
  const Bytes good = digest_field("sha256:", digest);
  const Bytes path = path_field("/usr/bin/good");
  struct Case {
    const char* what;
    const char* name;
    std::vector<Bytes> fields;
  };
  const Case cases[] = {
      {"one field", "ima-ng", {good}},
      {"a third field", "ima-ng", {good, path, {}}},
      {"no signature field", "ima-sig", {good, path}},
      {"no algorithm", "ima-ng", {digest_field(":", digest), path}},
      {"no NUL after the algorithm", "ima-ng", {to_bytes("sha256:abc"), path}},
      {"no colon", "ima-ng", {digest_field("sha256", digest), path}},
      {"upper case", "ima-ng", {digest_field("SHA256:", digest), path}},
      {"a short digest", "ima-ng", {digest_field("sha256:", ByteView(digest).first(31)), path}},
      {"a digest of another size", "ima-ng", {digest_field("sha384:", digest), path}},
      {"an empty digest", "ima-ng", {digest_field("md5:", {}), path}},
      {"a path without NUL", "ima-ng", {good, to_bytes("/usr/bin/good")}},
      {"a path with a NUL within", "ima-ng", {good, path_field(std::string("/usr\0/x", 7))}},
      {"an empty path field", "ima-ng", {good, {}}},
      {"a type in the old field", "ima-ng", {digest_field("ima:sha256:", digest), path}},
      {"no type in the new field", "ima-ngv2", {good, path}},
      {"an unknown type", "ima-ngv2", {digest_field("file:sha256:", digest), path}},
  };
  for (const Case& each : cases) {
    ImaMachine machine = good_machine();
    machine.measure(ima_entry(each.name, each.fields));
    EXPECT_EQ(appraise_machine(machine).codes(), only(code::kEntryMalformed)) << each.what;
  }
  ImaMachine trailing = good_machine();
  ImaEntry entry = ima_file("/usr/bin/good", "good");
  append_u8(entry.data, 0);
  entry.hashed = entry.data;
  entry.digest = testing::openssl_digest(HashAlgorithm::kSha1, entry.data);
  trailing.measure(entry);
  EXPECT_EQ(appraise_machine(trailing).codes(), only(code::kEntryMalformed));
}

TEST(R4, AcceptsTheTypedTemplates) {
  const Bytes digest = testing::openssl_digest(HashAlgorithm::kSha256, as_bytes("good"));
  ImaMachine machine = good_machine();
  machine.measure(
      ima_entry("ima-ngv2", {digest_field("ima:sha256:", digest), path_field("/usr/bin/good")}));
  machine.measure(ima_entry(
      "ima-sigv2", {digest_field("ima:sha256:", digest), path_field("/usr/bin/good"), {}}));
  EXPECT_TRUE(appraise_machine(machine).affirming());
}

TEST(R6, DeniesViolationsOrRecordsThem) {
  ImaMachine machine = good_machine();
  machine.measure(ima_violation("/var/lib/x"));
  const Appraised denied = appraise_machine(machine);
  ASSERT_EQ(denied.codes(), only(code::kViolation));
  EXPECT_EQ(denied.result.reasons.at(0).line->file, "/var/lib/x");
  RuleInput input = good_input();
  input.violations = OnViolation::kRecord;
  const Appraised recorded = appraise_machine(machine, rules_of(std::move(input)));
  // With a reservation, that is said: nobody knows what was used of the file.
  EXPECT_EQ(recorded.result.status, attest::Status::kWarning);
  EXPECT_EQ(recorded.result.vector[attest::Claim::kExecutables], attest::kUnrecognizedCode);
  ASSERT_EQ(recorded.codes(), only(code::kViolation));
  EXPECT_EQ(recorded.result.reasons.at(0).severity, attest::Status::kWarning);
  EXPECT_NE(recorded.result.reasons.at(0).message.find(": 1 or more entries record"),
            std::string::npos);
  EXPECT_EQ(recorded.findings.counts().violations, 1U);
}

// Each of many is no other verdict, which would be an entry of the log.
TEST(R6, TellsViolationsThatAreRecordedInPowersOfTwo) {
  ImaMachine machine = good_machine();
  std::set<std::string> messages;
  for (int i = 0; i < 9; ++i) {
    machine.measure(ima_violation("/var/lib/" + std::to_string(i)));
    RuleInput input = good_input();
    input.violations = OnViolation::kRecord;
    messages.insert(
        appraise_machine(machine, rules_of(std::move(input))).result.reasons.at(0).message);
  }
  EXPECT_EQ(messages.size(), 4U);  // 1, 2, 4 and 8 or more
}

TEST(R6, RefusesAViolationThatTheKernelDidNotExtend) {
  const ImaMachine machine = good_machine();
  Bytes log = machine.log;
  std::fill_n(log.begin() +
                  static_cast<std::ptrdiff_t>(
                      log.size() - ima_file("/usr/lib/also.so", "also good").bytes().size()) +
                  4,
              20, std::uint8_t{0});
  EXPECT_EQ(appraise(log, machine.pcrs, good_rules()).refusal, code::kLogNotReplayed);
}

TEST(R6, RefusesAViolationThatNamesAGoodDigest) {
  ImaMachine machine = good_machine();
  ImaEntry entry = ima_file("/usr/bin/good", "good");
  entry.digest.assign(20, 0);
  machine.measure(entry);
  RuleInput input = good_input();
  input.violations = OnViolation::kRecord;
  EXPECT_EQ(appraise_machine(machine, rules_of(std::move(input))).codes(),
            only(code::kEntryMalformed));
}

TEST(R7, ExcludesWholePlainPathsOnly) {
  RuleInput input = good_input();
  input.exclude = {"/var/log/.*"};
  const Rules rules = rules_of(std::move(input));
  const std::pair<std::string, bool> paths[] = {
      {"/var/log/a", true},
      {"/var/log/a b/c\\x2d.txt", true},
      {"/var/log/\xc3\xa4", true},
      {"/tmp/var/log/a", false},
      {"var/log/a", false},
      {"/var/logs", false},
      {"/var/log/../../tmp/rogue", false},
      {"/var/log/./a", false},
      {"/var/log//a", false},
      {"/var/log/", false},
      {"/var/log/..", false},
      {"/var/log/a\n", false},
      {"/var/log/\x01", false},
      {"/var/log/\x7f", false},
      {"/var/log/\xff", false},
      {"/var/log/" + std::string(4086, 'a'), true},
      {"/var/log/" + std::string(4087, 'a'), false},
  };
  for (const auto& [path, excluded] : paths) {
    ImaMachine machine = good_machine();
    machine.measure(ima_file(path, "unknown"));
    EXPECT_EQ(appraise_machine(machine, rules).affirming(), excluded) << path;
  }
}

TEST(R7, RefusesExcludesThatExcludeAnything) {
  for (const char* exclude : {".*", "/.*", "(.*)", "/?.*", "[^x]*", ".+", "/[^/]+(/.*)?", "(?s).*",
                              "/.*|/var/log/.*", "\\C*", "(?:/[^/]+)*", ""}) {
    RuleInput input = good_input();
    input.exclude = {exclude};
    EXPECT_FALSE(Rules::make(std::move(input)).has_value()) << exclude;
  }
  RuleInput many = good_input();
  many.exclude.assign(kMaxPatterns + 1, "/var/log/.*");
  EXPECT_FALSE(Rules::make(std::move(many)).has_value());
}

TEST(R8, RefusesALogThatStartsLaterThanTheBoot) {
  ImaMachine machine = good_machine();
  const std::size_t first = machine.boot_aggregate().bytes().size();
  EXPECT_EQ(replay_all(ByteView(machine.log).subspan(first), machine.pcrs).value().reason->code,
            code::kLogNotReplayed);
}

TEST(R8, RefusesARewoundLogAndACountedRebootThatDidNotHappen) {
  ImaMachine machine = good_machine();
  const ReplayState state = replay_all(machine.log, machine.pcrs).value().state;
  ImaMachine rewound = machine;
  rewound.log.clear();
  // The old entries once more, as after a reboot: PCR 10 went on, so they do not replay.
  append(rewound.log, machine.log);
  append(rewound.log, machine.log);
  machine.measure(ima_file("/tmp/rogue", "rogue"));
  EXPECT_FALSE(replay_from(state, rewound.log, machine.pcrs).value().met);
  // Under a new boot of the quote the log begins at 0; of the same boot it does not.
  EXPECT_EQ(
      LogReplay::begin(state, boot_identity(Bytes{1, 2, 3}, 8), machine.pcrs).value().offset(), 0U);
  EXPECT_EQ(LogReplay::begin(state, kBoot, machine.pcrs).value().offset(), state.offset());
}

TEST(R8, JudgesOnlyTheBytesThatWereProven) {
  const ImaMachine machine = good_machine();
  const Rules rules = good_rules();
  const ReplayState proven = replay_all(machine.log, machine.pcrs).value().state;
  const auto refused = [&](const Bytes& log) {
    const auto judged = judge_from({}, rules, proven, log, machine.pcrs);
    return !judged.has_value() && judged.reason().code == code::kLogChanged;
  };
  EXPECT_FALSE(refused(machine.log));
  EXPECT_TRUE(refused({}));
  for (std::size_t at = 0; at < machine.log.size(); ++at) {
    Bytes other = machine.log;
    other[at] ^= 1;
    EXPECT_TRUE(refused(other)) << at;
    EXPECT_TRUE(
        refused(Bytes(machine.log.begin(), machine.log.begin() + static_cast<std::ptrdiff_t>(at))));
  }
}

TEST(R9, RefusesABootAggregateThatIsMissingOrOfOtherPcrs) {
  const ImaMachine good = good_machine();
  ImaMachine none;
  none.measure(ima_file("/usr/bin/good", "good"));
  EXPECT_EQ(appraise_machine(none).codes(), only(code::kBootAggregate));
  for (const std::uint8_t index : {std::uint8_t{0}, std::uint8_t{7}, std::uint8_t{9}}) {
    ImaMachine machine = good;
    machine.pcrs.at({HashAlgorithm::kSha256, index})[3] ^= 1;
    EXPECT_EQ(appraise_machine(machine).codes(), only(code::kBootAggregate)) << int{index};
  }
  ImaMachine unquoted = good;
  unquoted.pcrs.erase({HashAlgorithm::kSha256, 3});
  EXPECT_EQ(appraise_machine(unquoted).codes(), only(code::kBootAggregate));
  ImaMachine zero;
  zero.measure(
      ima_entry("ima-ng", {digest_field("sha256:", Bytes(32, 0)), path_field("boot_aggregate")}));
  EXPECT_EQ(appraise_machine(zero).codes(), only(code::kBootAggregate));
}

TEST(R9, TakesEachFormThatKernelsWrite) {
  const auto of = [](std::vector<HashAlgorithm> banks, const std::string& name, HashAlgorithm bank,
                     std::uint8_t last) {
    ImaMachine machine(std::move(banks));
    machine.measure(ima_entry("ima-ng", {digest_field(name + ":", machine.aggregate(bank, last)),
                                         path_field("boot_aggregate")}));
    machine.measure(ima_file("/usr/bin/good", "good"));
    return appraise_machine(machine);
  };
  const auto sha1 = HashAlgorithm::kSha1;
  const auto sha256 = HashAlgorithm::kSha256;
  const auto sha384 = HashAlgorithm::kSha384;
  EXPECT_EQ(of({sha256}, "sha256", sha256, 9).findings.aggregate(), AggregateForm::kPcr0To9);
  EXPECT_EQ(of({sha256}, "sha256", sha256, 7).findings.aggregate(), AggregateForm::kPcr0To7);
  EXPECT_EQ(of({sha256, sha1}, "sha1", sha1, 7).findings.aggregate(), AggregateForm::kSha1Pcr0To7);
  EXPECT_EQ(of({sha256, sha384}, "sha384", sha384, 9).findings.aggregate(),
            AggregateForm::kPcr0To9);
  EXPECT_FALSE(of({sha256, sha1}, "sha1", sha1, 9).affirming());  // no kernel has 8 and 9 there
  EXPECT_FALSE(of({sha256}, "sha256", sha256, 8).affirming());
}

TEST(R9, TakesTheZeroOfTheLegacyTemplateOnlyWithoutASha1Bank) {
  RuleInput input = good_input();
  input.allow_legacy = true;
  const Rules rules = rules_of(std::move(input));
  ImaMachine without({HashAlgorithm::kSha256});
  without.measure(ima_legacy(Bytes(20, 0), "boot_aggregate"));
  EXPECT_EQ(appraise_machine(without, rules).findings.aggregate(), AggregateForm::kZero);
  ImaMachine with({HashAlgorithm::kSha256, HashAlgorithm::kSha1});
  with.measure(ima_legacy(Bytes(20, 0), "boot_aggregate"));
  EXPECT_EQ(appraise_machine(with, rules).codes(), only(code::kBootAggregate));
}

TEST(R9, RefusesAnotherKernelByKexecUnlessThePolicyTakesIt) {
  ImaMachine machine = good_machine();
  machine.measure(machine.boot_aggregate());
  EXPECT_EQ(appraise_machine(machine).codes(), only(code::kSecondBoot));
  RuleInput input = good_input();
  input.allow_second_boot = true;
  EXPECT_TRUE(appraise_machine(machine, rules_of(std::move(input))).affirming());
}

TEST(R10, RefusesRulesThatAcceptNothing) {
  const auto made = Rules::make(RuleInput{});
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().message.find("references"), std::string::npos);
}

TEST(R10, ClaimsNothingOfFilesThatThePolicyDoesNotJudge) {
  ImaMachine machine = good_machine();
  machine.measure(ima_file("/tmp/any", "any"));
  RuleInput input;
  input.files = FileRule::kReplayOnly;
  const Appraised appraised = appraise_machine(machine, rules_of(std::move(input)));
  EXPECT_TRUE(appraised.affirming());
  EXPECT_EQ(appraised.codes(), only(code::kNotMeasured));
  EXPECT_NE(appraised.result.reasons.front().message.find("of what ran after the boot: "),
            std::string::npos);  // of programs of the boot something may well be claimed
  EXPECT_EQ(appraised.result.vector[attest::Claim::kExecutables], attest::kNotMeasured);
}

TEST(R11, RefusesDuplicateMovedAndLeftOutLines) {
  const ImaMachine machine = good_machine();
  const Bytes first = machine.boot_aggregate().bytes();
  const Bytes second = ima_file("/usr/bin/good", "good").bytes();
  const Bytes third = ima_file("/usr/lib/also.so", "also good").bytes();
  const auto appraised = [&](const std::vector<Bytes>& lines) {
    Bytes log;
    for (const Bytes& line : lines) append(log, line);
    return appraise(log, machine.pcrs, good_rules());
  };
  EXPECT_TRUE(appraised({first, second, third}).affirming());
  EXPECT_TRUE(appraised({first, second, third, third}).affirming());  // past the quote: unproven
  for (const auto& lines :
       {std::vector{first, second, second, third}, std::vector{first, first, second, third},
        std::vector{first, third, second}, std::vector{second, first, third},
        std::vector{first, third}, std::vector{first, second}}) {
    EXPECT_EQ(appraised(lines).refusal, code::kLogNotReplayed);
  }
}

TEST(R12, TakesLongPathsAndNamesTheirBeginning) {
  for (const std::size_t size : {std::size_t{4096}, kMaxPath, kMaxPath + 1}) {
    ImaMachine machine = good_machine();
    machine.measure(ima_file("/" + std::string(size - 1, 'a'), "unknown"));
    const Appraised appraised = appraise_machine(machine);
    ASSERT_EQ(appraised.codes(),
              only(size > kMaxPath ? code::kEntryMalformed : code::kFileUnknown));
    EXPECT_LT(appraised.result.reasons.at(0).message.size(), 1000U);
    EXPECT_LE(appraised.result.reasons.at(0).line->file.size(), 1100U);
  }
}

TEST(R13, SaysThatNothingIsMeasuredWhereNothingSaysThatItIs) {
  const Appraised unknown = appraise_machine(good_machine(), good_rules(), Coverage::kUnknown);
  EXPECT_TRUE(unknown.affirming());
  EXPECT_EQ(unknown.codes(), only(code::kNotMeasured));
  EXPECT_EQ(unknown.result.reasons.at(0).severity, attest::Status::kNone);
  EXPECT_EQ(unknown.result.vector[attest::Claim::kExecutables], attest::kNotMeasured);
  ImaMachine bare;
  bare.measure(bare.boot_aggregate());
  const Appraised nothing = appraise_machine(bare);
  EXPECT_EQ(nothing.codes(), only(code::kNotMeasured));
  EXPECT_EQ(nothing.result.vector[attest::Claim::kExecutables], attest::kNotMeasured);
  EXPECT_EQ(appraise({}, ImaMachine().pcrs, good_rules()).codes(), only(code::kLogMissing));
}

TEST(R13, ReadsWhatIsMeasuredFromTheCommandLineAsTheKernelDoes) {
  const std::pair<const char*, bool> lines[] = {
      {"ro ima_policy=tcb quiet", true},
      {"ima_tcb", true},
      {"ima_policy=critical_data|tcb", true},
      {"ima_policy=\"appraise_tcb tcb\"", true},
      {"ima_policy=appraise_tcb tcb", false},
      {"ima_policy=\"tcb|secure_boot\"", true},
      {"ima_policy=critical_data ima_policy=tcb", true},
      {"", false},
      {"ima_policy=tcbx", false},
      {"xima_policy=tcb", false},
      {"x=\"y ima_policy=tcb\"", false},
      {"-- ima_policy=tcb", false},
      {"ima_\"policy=tcb\"", false},
      {"\"ima_policy=tcb\"", true},
      {"ima_policy", false},
      {"ima_policy=tcb initcall_blacklist=init_ima", false},
      {"ima_policy=tcb initcall-blacklist=x", false},
      {"ima_policy=tcb ima_template_fmt=d-ng|n-ng", false},
      {"ima=off ima_policy=tcb", false},
  };
  for (const auto& [line, covered] : lines) {
    EXPECT_EQ(coverage_of_command_line(line) == Coverage::kExecutables, covered) << line;
  }
  EXPECT_EQ(coverage_of_command_line("ima_policy=tcb x", 1), Coverage::kUnknown);  // a file's name
  EXPECT_EQ(coverage_of_command_line("/v ima_policy=tcb", 1), Coverage::kExecutables);
}

}  // namespace
}  // namespace avouch::runtimelog
