// What a log costs in memory: at most 64 KiB and four times its size, whatever it holds.

#include "tests/support/counted_memory.h"
#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

using testing::live_bytes;
using testing::peak_bytes;

PlainLog empty_log() {
  PlainLog log;
  log.banks = {HashAlgorithm::kSha256};
  log.header = make_header(log.banks);
  return log;
}

PlainLog repeated(std::size_t count, std::uint32_t pcr, std::uint32_t type, const Bytes& data,
                  const Bytes& measured) {
  PlainLog log = empty_log();
  const PlainEvent event = log.make(pcr, type, data, measured);
  log.events.assign(count, event);
  return log;
}
PlainLog repeated(std::size_t count, std::uint32_t pcr, std::uint32_t type, const Bytes& data) {
  return repeated(count, pcr, type, data, data);
}

void expect_bounded(const std::string& name, const PlainLog& plain) {
  const Bytes bytes = plain.bytes();
  const tpm::PcrValues quoted = quote_of(must_read(bytes));
  const References references = references_of(foreign_manifest());
  attest::BootLogSpec policy;
  policy.command_line_required.push_back(codec::Pattern::compile("quiet").value());
  const std::size_t before = live_bytes;
  peak_bytes = before;
  {
    const auto log = read_log(bytes);
    ASSERT_TRUE(log.has_value()) << name;
    const auto replayed = replay(log.value());
    const auto differing = compare(log.value(), replayed, quoted);
    const BoundLog bound = bootlog::bind(log.value(), replayed, quoted);
    const Meaning meaning = read_meaning(bound, {});
    const BootJudgement judged = judge(bound, meaning, policy, references.get(), nullptr);
    EXPECT_FALSE(judged.reasons.empty()) << name;
  }
  EXPECT_LE(peak_bytes - before, 64 * 1024 + 4 * bytes.size())
      << name << ", a log of " << bytes.size() << " bytes";
}

Bytes signature_list(const std::string& type, std::size_t count, std::size_t each) {
  Bytes out = from_hex(type).value();
  put_le(out, 28 + count * each, 4);
  put_le(out, 0, 4);
  put_le(out, each, 4);
  out.resize(out.size() + count * each, 7);
  return out;
}

TEST(Memory, OfAnyLogIsBoundedByItsSize) {
  const std::string sha256 = "2616c4c14c509240aca941f936934328";
  expect_bounded("a real boot", good_log());
  expect_bounded("files", repeated(20'000, 9, kIpl, {}));
  expect_bounded("images", repeated(20'000, 4, kBootServicesApplication, {}));
  expect_bounded("digests that are not of the data", repeated(20'000, 8, kIpl, {}, {1}));
  expect_bounded("second separators", repeated(20'000, 0, kSeparator, Bytes(4)));
  expect_bounded("commands",
                 repeated(20'000, 8, kIpl, to_bytes("grub_cmd: linux"), to_bytes("linux")));
  const Bytes variable = variable_bytes(kGlobalGuid, "", {});
  expect_bounded("variables", repeated(20'000, 7, kVariableDriverConfig, variable));
  expect_bounded("a text", repeated(1, 8, kIpl, Bytes(1'000'000, 'a')));
  expect_bounded("a wide text", repeated(1, 12, kIpl, Bytes(1'000'000, 0x30)));
  for (const char* name : {"db", "dbx", "PK"}) {
    const std::string_view guid = name[0] == 'd' ? kSecurityDatabaseGuid : kGlobalGuid;
    for (const std::size_t each : {48U, 17U}) {
      Bytes lists;
      const std::string type = each == 48 ? sha256 : "a159c0a5e494a74a87b5ab155c2bf072";
      append(lists, signature_list(type, kMaxSignatures, each));
      expect_bounded(std::string(name) + " with entries of " + std::to_string(each) + " bytes",
                     repeated(1, 7, kVariableDriverConfig, variable_bytes(guid, name, lists)));
    }
  }
  const Bytes huge = signature_list("a159c0a5e494a74a87b5ab155c2bf072", 1, 1'000'000);
  expect_bounded("a huge certificate",
                 repeated(1, 7, kVariableDriverConfig, variable_bytes(kGlobalGuid, "PK", huge)));
  Bytes many;
  for (std::size_t i = 0; i < kMaxSignatures; ++i) append(many, signature_list(sha256, 1, 48));
  expect_bounded("many lists", repeated(1, 7, kVariableDriverConfig,
                                        variable_bytes(kSecurityDatabaseGuid, "dbx", many)));
}

}  // namespace
}  // namespace avouch::bootlog
