#include "appraisal/stored_case.h"

#include <gtest/gtest.h>

#include "support/contains.h"
#include "tests/unit/appraisal/files.h"

namespace avouch::appraisal {
namespace {

using testing::contains;

std::string error_of(MemoryFiles files) {
  const auto read = read_case(files);
  return read.has_value() ? "" : read.error().message;
}
TEST(ReadCase, ReadsAGenuineCaseWhole) {
  MemoryFiles files = files_of("01-good-baseline");
  const StoredCase stored = must_value(read_case(files));
  EXPECT_EQ(stored.id, "01-good-baseline");
  EXPECT_EQ(stored.identity.ek_certificates.size(), 1U);
  EXPECT_EQ(stored.pcrs.size(), 12U);
  EXPECT_EQ(stored.nonce.size(), 32U);
  EXPECT_EQ(stored.secret_expected, stored.secret_activated);
  EXPECT_TRUE(stored.boot_log.has_value());
  EXPECT_TRUE(stored.runtime_log.has_value());
}

TEST(ReadCase, TakesFromTheBaseWhatItHasNotItself) {
  const MemoryFiles base = files_of("01-good-baseline");
  MemoryFiles files;
  for (const auto& [name, content] : base.files) files.files["base" + name] = content;
  files.put("meta.json", R"({"id": "x", "base": "base", "overrides": {"nonce": "0102"}})");
  files.put("quote.sig", "other");
  const StoredCase stored = must_value(read_case(files));
  EXPECT_EQ(stored.id, "x");
  EXPECT_EQ(stored.nonce, (Bytes{1, 2}));
  EXPECT_EQ(stored.quote.signature, to_bytes("other"));
  EXPECT_EQ(stored.quote.message, base.files.at("/quote.msg"));
}

TEST(ReadCase, TakesTheSecondQuoteWhereThatIsAskedFor) {
  MemoryFiles files = files_of("06a-ima-good");
  auto meta = must_value(codec::parse_json(as_text(files.files.at("/meta.json"))));
  meta["overrides"]["useSecondQuote"] = true;
  files.put("meta.json", codec::to_json(meta));
  const StoredCase stored = must_value(read_case(files));
  EXPECT_EQ(stored.quote.message, files.files.at("/quote2.msg"));
  EXPECT_FALSE(stored.runtime_log.has_value());  // ima2.bin is not in the folder
}

TEST(ReadCase, SaysWhatIsMissing) {
  for (const char* name : {"quote.msg", "quote.sig", "ak.pub", "ek.pub", "meta.json"}) {
    MemoryFiles files = files_of("01-good-baseline");
    files.files.erase("/" + std::string(name));
    EXPECT_TRUE(contains(error_of(files), std::string(name) + " is missing")) << name;
  }
}

TEST(ReadCase, RefusesAMetaThatDoesNotSayWhatAVerifierIsGiven) {
  const auto with = [](const std::string& meta) {
    MemoryFiles files = files_of("01-good-baseline");
    files.put("meta.json", meta);
    return error_of(files);
  };
  EXPECT_TRUE(contains(with("[]"), "expected an object"));
  EXPECT_TRUE(contains(with("{"), "meta.json: "));
  EXPECT_TRUE(contains(with("{}"), "nonce: expected hexadecimal digits"));
  EXPECT_TRUE(contains(with(R"({"nonce": "0g"})"), "nonce: "));
  EXPECT_TRUE(contains(with(R"({"nonce": ")" + std::string(130, '0') + "\"}"), "at most 64"));
  const auto pcrs = [&](const std::string& value) {
    return with(R"({"nonce": "00", "quotedPcrs": )" + value + "}");
  };
  EXPECT_TRUE(contains(pcrs("[]"), "expected an object of banks"));
  EXPECT_TRUE(contains(pcrs(R"({"md5": {}})"), "quotedPcrs: "));
  EXPECT_TRUE(contains(pcrs(R"({"sha256": {"24": "00"}})"), "expected a PCR from 0 to 23"));
  EXPECT_TRUE(contains(pcrs(R"({"sha256": {"1x": "00"}})"), "expected a PCR from 0 to 23"));
  EXPECT_TRUE(contains(pcrs(R"({"sha256": {"1": "00"}})"), "1 bytes, expected 32"));
  EXPECT_TRUE(contains(with(R"({"nonce": "00", "overrides": {"ak": 1}})"), "overrides.ak"));
  EXPECT_TRUE(contains(with(R"({"overrides": {"useSecondQuote": 1}})"), "true or false"));
}

TEST(ReadCase, LeavesItsFolderForNothingButANeighbour) {
  for (const char* base : {"../x", "a/b", "..", ".", "", "a\\u0000b"}) {
    MemoryFiles files = files_of("01-good-baseline");
    files.put("meta.json", R"({"base": ")" + std::string(base) + "\"}");
    EXPECT_TRUE(contains(error_of(files), "expected the name of a folder beside this one")) << base;
  }
  MemoryFiles files = files_of("01-good-baseline");
  files.put("meta.json", R"({"base": "b"})");
  files.files["b/meta.json"] = to_bytes(R"({"base": "c"})");
  EXPECT_TRUE(contains(error_of(files), "has a base itself"));
}

}  // namespace
}  // namespace avouch::appraisal
