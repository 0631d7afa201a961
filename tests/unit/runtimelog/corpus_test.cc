// Logs of real kernels, and mutations of them: tests/vectors/runtimelogs, and the shared corpus
// where it lies beside the checkout.

#include "tests/support/corpus.h"

#include <sstream>

#include "base/hex.h"
#include "runtimelog/fields.h"
#include "tests/support/vectors.h"
#include "tests/unit/runtimelog/appraise.h"

namespace avouch::runtimelog {
namespace {

using crypto::HashAlgorithm;
using testing::CorpusCase;

Bytes vector_log(const std::string& name) { return testing::read_vector("runtimelogs/" + name); }

tpm::PcrValues vector_quote(const std::string& name) {
  const Bytes text = vector_log("quoted.json");
  CorpusCase one;
  one.meta = testing::must_value(codec::parse_json(as_text(text)));
  codec::Json wrapped;
  wrapped["quotedPcrs"] = *one.meta.find(name);
  one.meta = wrapped;
  return one.quoted_pcrs();
}

Rules replay_only() {
  RuleInput input;
  input.files = FileRule::kReplayOnly;
  return rules_of(std::move(input));
}

std::vector<Bytes> entries_of(ByteView log) {
  std::vector<Bytes> out;
  EntryReader reader(0, 0);
  const auto take = [&out](const Entry& entry) -> Result<void> {
    out.emplace_back(entry.bytes.begin(), entry.bytes.end());
    return {};
  };
  testing::must(reader.feed(log, take).has_value(), "entries");
  return out;
}
Bytes joined(const std::vector<Bytes>& entries) {
  Bytes out;
  for (const Bytes& entry : entries) append(out, entry);
  return out;
}

TEST(RealLogs, ReplayToWhatTheTpmQuoted) {
  for (const char* name : {"baseline", "padded", "tcb"}) {
    const Appraised appraised =
        appraise(vector_log(std::string(name) + ".bin"), vector_quote(name), replay_only());
    EXPECT_TRUE(appraised.affirming()) << name;
    EXPECT_EQ(appraised.proven.entries(), std::string(name) == "tcb" ? 1127U : 7U);
    EXPECT_EQ(appraised.findings.aggregate(), AggregateForm::kPcr0To9);
    EXPECT_EQ(appraised.proven.extends(HashAlgorithm::kSha256), Extends::kOwnHash);
  }
}

TEST(RealLogs, OfAKernelWithoutSha384ArePaddedSha1InThatBank) {
  const tpm::PcrValues quoted = vector_quote("padded");
  EXPECT_EQ(appraise(vector_log("padded.bin"), quoted, replay_only())
                .proven.extends(HashAlgorithm::kSha384),
            Extends::kPaddedSha1);
  // Quoted in that bank alone they prove no more than SHA-1 does.
  tpm::PcrValues alone = quoted;
  alone.erase({HashAlgorithm::kSha256, 10});
  EXPECT_EQ(appraise(vector_log("padded.bin"), alone, replay_only()).codes(),
            std::set<std::string>{std::string(code::kReplayWeak)});
}

TEST(RealLogs, SayWhatTheKernelsOwnTextSays) {
  const Bytes text = vector_log("signed.ascii");
  std::istringstream lines{std::string(as_text(text))};
  std::size_t signed_entries = 0;
  const Bytes log = vector_log("signed.bin");
  for (const Bytes& bytes : entries_of(log)) {
    const Entry entry = *frame_entry(bytes, 1, 0)->entry;
    const Fields fields = read_fields(entry).value();
    std::string line, expected = "10 " + to_hex(entry.template_digest) + " ima-sig " +
                                 digest_text(fields) + " " + std::string(fields.path) + " " +
                                 to_hex(fields.signature);
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(line, expected);
    if (!fields.signature.empty()) ++signed_entries;
  }
  EXPECT_GT(signed_entries, 2U);
}

TEST(RealLogs, HaveSignaturesThatTheSignersKeyVerifies) {
  RuleInput input;
  const Bytes pem = vector_log("ima-signer.pem");
  ASSERT_TRUE(
      input.keys.add(crypto::Certificate::list_from_pem(as_text(pem)).value().at(0)).has_value());
  const Rules rules = rules_of(std::move(input));
  std::size_t verified = 0;
  const Bytes log = vector_log("signed.bin");
  for (const Bytes& bytes : entries_of(log)) {
    const Entry entry = *frame_entry(bytes, 2, 0)->entry;
    const Fields fields = read_fields(entry).value();
    if (fields.signature.empty()) continue;
    EXPECT_EQ(judge_entry(entry, rules, {}).by, AcceptedBy::kSignature) << fields.path;
    ++verified;
  }
  EXPECT_GT(verified, 2U);
}

TEST(RealLogs, RecordViolationsAsZeroDigests) {
  const Bytes log = vector_log("violations.bin");
  const auto entries = entries_of(log);
  ASSERT_EQ(entries.size(), 2U);
  for (const Bytes& bytes : entries) {
    const Entry entry = *frame_entry(bytes, 2, 0)->entry;
    EXPECT_EQ(judge_entry(entry, good_rules(), {}).issue, Issue::kViolation);
  }
}

// The mutations of the corpus' cases 12i-*, made anew.
TEST(RealLogs, AreRefusedWithAnyMutationOfTheCorpus) {
  const Bytes log = vector_log("tcb.bin");
  const tpm::PcrValues quoted = vector_quote("tcb");
  const std::vector<Bytes> good = entries_of(log);
  const auto mutate = [&](auto&& change) {
    std::vector<Bytes> entries = good;
    change(entries);
    return appraise(joined(entries), quoted, replay_only());
  };
  const auto set = [](Bytes& entry, std::size_t at, ByteView value) {
    std::copy(value.begin(), value.end(), entry.begin() + static_cast<std::ptrdiff_t>(at));
  };
  using Entries = std::vector<Bytes>;
  EXPECT_TRUE(mutate([](Entries&) {}).affirming());
  EXPECT_TRUE(mutate([](Entries& e) { e.push_back(e[500]); }).affirming());
  EXPECT_EQ(mutate([](Entries& e) { e.erase(e.begin() + 500); }).refusal, code::kLogNotReplayed);
  EXPECT_EQ(mutate([](Entries& e) { e.erase(e.begin()); }).refusal, code::kLogNotReplayed);
  EXPECT_EQ(mutate([](Entries& e) { e.clear(); }).refusal, code::kLogMissing);
  EXPECT_EQ(mutate([](Entries& e) { e.pop_back(); }).refusal, code::kLogNotReplayed);
  EXPECT_EQ(mutate([](Entries& e) { std::swap(e[500], e[501]); }).refusal, code::kLogNotReplayed);
  EXPECT_EQ(mutate([](Entries& e) { e.back().pop_back(); }).refusal, code::kLogMalformed);
  EXPECT_EQ(mutate([](Entries& e) { e.emplace_back(10, 0xa5); }).refusal, code::kLogMalformed);
  EXPECT_EQ(mutate([&](Entries& e) { set(e[500], 24, Bytes(4, 0xff)); }).refusal,
            code::kLogMalformed);
  EXPECT_EQ(mutate([&](Entries& e) { set(e[500], 0, Bytes{11}); }).refusal, code::kLogMalformed);
  EXPECT_EQ(mutate([&](Entries& e) { set(e[500], 4, Bytes(20, 0)); }).refusal,
            code::kLogNotReplayed);
  EXPECT_EQ(mutate([&](Entries& e) { e[500].at(50) ^= 1; }).refusal, code::kLogNotReplayed);
  EXPECT_EQ(mutate([&](Entries& e) { e[500].at(e[500].size() - 3) ^= 1; }).refusal,
            code::kLogNotReplayed);
  EXPECT_EQ(mutate([&](Entries& e) { e[500].at(4) ^= 1; }).codes(),
            std::set<std::string>{std::string(code::kTemplateDigest)});
}

// The shared corpus: which checks a case must fail, and the codes that say so.
const std::map<std::string, std::set<std::string_view>> kCodesOf = {
    {"ima-parse", {code::kLogMalformed}},
    {"ima-replay", {code::kLogNotReplayed, code::kLogMissing, code::kLogMalformed}},
    {"ima-template-digest", {code::kTemplateDigest}},
    {"ima-allowlist", {code::kFileUnknown}},
    {"ima-violation", {code::kViolation}},
};

DigestLookup allowlist() {
  std::set<Bytes> digests;
  const auto bytes = testing::read_file(testing::shared_corpus() / "policy" / "allowlist.sha256");
  testing::must(bytes.has_value(), "no allowlist");
  std::istringstream lines{std::string(as_text(*bytes))};
  for (std::string line; std::getline(lines, line);) {
    digests.insert(testing::must_value(from_hex(line.substr(0, 64))));
  }
  return [digests](HashAlgorithm algorithm, ByteView digest) {
    return algorithm == HashAlgorithm::kSha256 &&
           digests.count(Bytes(digest.begin(), digest.end())) == 1;
  };
}

TEST(SharedCorpus, IsJudgedAsItsCasesSay) {
  if (!testing::shared_folder("corpus")) return;
  RuleInput input;
  input.references = {allowlist()};
  const Rules files = rules_of(std::move(input));
  std::size_t judged = 0;
  for (const CorpusCase& each : testing::read_corpus(testing::shared_corpus() / "cases")) {
    const codec::Json* second = each.meta.find("useSecondQuote");
    const std::string which = second != nullptr ? "2" : "";
    const tpm::PcrValues quoted = each.quoted_pcrs(which);
    std::set<std::string_view> expected;
    for (const std::string& check : each.failing_checks) {
      const auto found = kCodesOf.find(check);
      if (found != kCodesOf.end()) expected.insert(found->second.begin(), found->second.end());
    }
    if (each.verdict != "accept" && expected.empty()) continue;
    const bool judge_files = each.meta.text({"policy"}).substr(0, 3) == "ima" || !expected.empty();
    const Appraised appraised =
        appraise(each.file("ima" + which + ".bin"), quoted, judge_files ? files : replay_only());
    ++judged;
    EXPECT_EQ(appraised.affirming(), each.verdict == "accept") << each.id;
    bool named = expected.empty();
    for (const std::string& found : appraised.codes()) named = named || expected.count(found) == 1;
    EXPECT_TRUE(named) << each.id;
  }
  EXPECT_GT(judged, 30U);
}

// Both quotes of a boot, one after the other, give what the second gives at once.
TEST(SharedCorpus, GivesOneStateForTwoQuotesOfOneBoot) {
  const auto corpus = testing::shared_folder("corpus");
  if (!corpus) return;
  const auto cases = *corpus / "cases";
  const CorpusCase boot = testing::read_case(cases, "06a-ima-good");
  const Bytes later = boot.file("ima2.bin");
  const ReplayState first = replay_all(later, boot.quoted_pcrs()).value().state;
  EXPECT_EQ(first.entries(), 1127U);
  const ReplayState second = replay_from(first, later, boot.quoted_pcrs("2")).value().state;
  EXPECT_EQ(second, replay_all(later, boot.quoted_pcrs("2")).value().state);
}

}  // namespace
}  // namespace avouch::runtimelog
