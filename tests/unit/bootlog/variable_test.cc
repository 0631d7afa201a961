#include "bootlog/variable.h"

#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

using ::testing::HasSubstr;

const std::string kX509 = "a159c0a5e494a74a87b5ab155c2bf072";  // as bytes
const std::string kSha256Type = "2616c4c14c509240aca941f936934328";

// One EFI_SIGNATURE_LIST, with sizes as given.
Bytes list(const std::string& type, std::uint32_t size, std::uint32_t header, std::uint32_t each,
           const Bytes& rest) {
  Bytes out = from_hex(type).value();
  put_le(out, size, 4);
  put_le(out, header, 4);
  put_le(out, each, 4);
  append(out, rest);
  return out;
}
Bytes digests(std::size_t count) {
  return list(kSha256Type, static_cast<std::uint32_t>(28 + 48 * count), 0, 48,
              Bytes(48 * count, 7));
}

std::string variable_refusal(const Bytes& bytes) {
  const auto parsed = parse_signature_lists(bytes);
  return parsed.has_value() ? "accepted" : parsed.error().message;
}

TEST(ParseVariable, GivesGuidNameAndValue) {
  const Bytes bytes = variable_bytes(kGlobalGuid, "SecureBoot", Bytes{1});
  const Variable variable = parse_variable(bytes).value();
  EXPECT_EQ(variable.guid, kGlobalGuid);
  EXPECT_EQ(variable.name, "SecureBoot");
  EXPECT_TRUE(equal(variable.value, Bytes{1}));
}

TEST(ParseVariable, RefusesEveryTruncationAndEveryTrailingByte) {
  Bytes bytes = variable_bytes(kGlobalGuid, "PK", Bytes{1, 2, 3});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_variable(ByteView(bytes).first(size)).has_value()) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(parse_variable(bytes).has_value());
}

TEST(ParseVariable, RefusesNamesThatAreTooLongOrNoText) {
  const Bytes bytes = variable_bytes(kGlobalGuid, "PK", Bytes{});
  for (const std::uint64_t units :
       {std::uint64_t{kMaxVariableName + 1}, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    Bytes changed(bytes.begin(), bytes.begin() + 16);
    put_le(changed, units, 8);
    append(changed, ByteView(bytes).subspan(24));
    EXPECT_THAT(parse_variable(changed).error().message, HasSubstr("expected at most 512"));
  }
  Bytes lone_surrogate = bytes;
  lone_surrogate[32] = 0x00;
  lone_surrogate[33] = 0xd8;
  EXPECT_THAT(parse_variable(lone_surrogate).error().message, HasSubstr("no UTF-16"));
}

TEST(B13, GivesEveryEntryOfEveryList) {
  Bytes bytes = list(kX509, 28 + 20, 0, 20, Bytes(20, 9));
  append(bytes, digests(2));
  const auto entries = signatures_of(bytes);
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].kind, SignatureEntry::Kind::kX509);
  EXPECT_TRUE(equal(entries[0].value, Bytes(4, 9)));
  EXPECT_EQ(entries[2].kind, SignatureEntry::Kind::kSha256);
  EXPECT_TRUE(equal(entries[2].value, Bytes(32, 7)));
  EXPECT_TRUE(parse_signature_lists({}).value().empty());
}

TEST(B13, RefusesSizesThatDoNotAddUp) {
  const Bytes entry(48, 7);
  EXPECT_EQ(variable_refusal(digests(1)), "accepted");
  for (const std::uint32_t size : {0U, 1U, 27U, 28U, 75U, 77U, 0x7fffffffU, 0xffffffffU}) {
    EXPECT_NE(variable_refusal(list(kSha256Type, size, 0, 48, entry)), "accepted") << size;
  }
  for (const std::uint32_t each : {0U, 1U, 15U, 16U, 24U, 47U, 49U, 0xffffffffU}) {
    EXPECT_NE(variable_refusal(list(kSha256Type, 76, 0, each, entry)), "accepted") << each;
  }
}

TEST(B13, RefusesASignatureHeader) {
  // CVE-2026-12681: a header's size was added to the place of the first signature unchecked.
  for (const std::uint32_t header : {1U, 16U, 48U, 0xffffffe4U, 0xffffffffU}) {
    EXPECT_THAT(variable_refusal(list(kSha256Type, 76, header, 48, Bytes(48, 7))),
                HasSubstr("signature header"))
        << header;
  }
}

TEST(B13, RefusesEveryTruncation) {
  Bytes bytes = digests(2);
  const std::size_t first = bytes.size();
  append(bytes, digests(1));
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(parse_signature_lists(ByteView(bytes).first(size)).has_value(), size == first)
        << size;
  }
}

TEST(B13, RefusesMoreSignaturesThanTheLimitInOneListAndInMany) {
  EXPECT_EQ(variable_refusal(digests(kMaxSignatures)), "accepted");
  EXPECT_THAT(variable_refusal(digests(kMaxSignatures + 1)), HasSubstr("more than 8192"));
  Bytes many;
  for (std::size_t i = 0; i <= kMaxSignatures; ++i) append(many, digests(1));
  EXPECT_THAT(variable_refusal(many), HasSubstr("more than 8192"));
}

TEST(B13, ReadsTheDatabasesOfARealBoot) {
  const PlainLog log = good_log();
  const auto count = [&](std::string_view name) {
    const Bytes& data = log.events[find_variable(log, name)].data;
    return parse_signature_lists(parse_variable(data).value().value).value().size();
  };
  EXPECT_EQ(count("PK"), 1U);
  EXPECT_EQ(count("KEK"), 2U);
  EXPECT_EQ(count("db"), 2U);
  EXPECT_EQ(count("dbx"), 1U);
}

TEST(ParseSignatureData, NeedsMoreThanAnOwner) {
  EXPECT_FALSE(parse_signature_data(Bytes(16)).has_value());
  EXPECT_EQ(parse_signature_data(Bytes(17))->value.size(), 1U);
}

}  // namespace
}  // namespace avouch::bootlog
