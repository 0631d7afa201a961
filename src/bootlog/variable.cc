#include "bootlog/variable.h"

#include "bootlog/text.h"

namespace avouch::bootlog {
namespace {

constexpr std::size_t kGuid = 16;
constexpr std::string_view kX509Guid = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072",
                           kSha256Guid = "c1c41626-504c-4092-aca9-41f936934328";

SignatureEntry::Kind kind_of(std::string_view type) {
  if (type == kX509Guid) return SignatureEntry::Kind::kX509;
  return type == kSha256Guid ? SignatureEntry::Kind::kSha256 : SignatureEntry::Kind::kOther;
}

std::string_view kind_name(SignatureEntry::Kind kind) {
  switch (kind) {
    case SignatureEntry::Kind::kX509:
      return "X.509";
    case SignatureEntry::Kind::kSha256:
      return "SHA-256";
    case SignatureEntry::Kind::kOther:
      break;
  }
  return "";
}

// One EFI_SIGNATURE_LIST from the front of `reader`.
Result<void> take_list(ByteReader& reader, std::vector<SignatureEntry>& out) {
  const std::string at = "signature list at byte " + std::to_string(reader.offset());
  AVOUCH_TRY(const ByteView type, reader.take(kGuid, at));
  AVOUCH_TRY(const std::uint32_t list_size, reader.le32(at));
  AVOUCH_TRY(const std::uint32_t header_size, reader.le32(at));
  AVOUCH_TRY(const std::uint32_t each, reader.le32(at));
  constexpr std::uint32_t kFixed = kGuid + 12;
  if (header_size != 0) return rejected(at + ": a signature header, which no type has");
  if (list_size < kFixed || list_size - kFixed > reader.remaining()) {
    return rejected(at + ": size " + std::to_string(list_size) + ", but " +
                    std::to_string(reader.remaining() + kFixed) + " bytes are left");
  }
  const std::uint32_t room = list_size - kFixed;
  if (each <= kGuid || room == 0 || room % each != 0) {
    return rejected(at + ": signatures of " + std::to_string(each) + " bytes in " +
                    std::to_string(room));
  }
  if (room / each > kMaxSignatures - out.size()) {
    return rejected("more than " + std::to_string(kMaxSignatures) + " signatures");
  }
  const auto kind = kind_of(guid_text(type));
  if (kind == SignatureEntry::Kind::kSha256 && each != kGuid + 32) {
    return rejected(at + ": SHA-256 digests of " + std::to_string(each - kGuid) + " bytes");
  }
  for (std::uint32_t i = 0; i < room / each; ++i) {
    AVOUCH_TRY(const ByteView owner, reader.take(kGuid, at));
    AVOUCH_TRY(const ByteView value, reader.take(each - kGuid, at));
    out.push_back({kind, kind_name(kind), guid_text(owner), value});
  }
  return {};
}

}  // namespace

Result<Variable> parse_variable(ByteView data) {
  ByteReader reader(data);
  AVOUCH_TRY(const ByteView guid, reader.take(kGuid, "variable's GUID"));
  AVOUCH_TRY(const std::uint64_t units, reader.le64("variable's name length"));
  AVOUCH_TRY(const std::uint64_t size, reader.le64("variable's data length"));
  if (units > kMaxVariableName) {
    return rejected("a variable's name of " + std::to_string(units) + " units, expected at most " +
                    std::to_string(kMaxVariableName));
  }
  AVOUCH_TRY(const ByteView name, reader.take(2 * static_cast<std::size_t>(units), "name"));
  if (size != reader.remaining()) {
    return rejected("a variable's value of " + std::to_string(size) + " bytes, but " +
                    std::to_string(reader.remaining()) + " are there");
  }
  auto text = utf16_text(name);
  if (!text) return rejected("a variable's name that is no UTF-16");
  AVOUCH_TRY(const ByteView value, reader.take(reader.remaining(), "value"));
  return Variable{guid_text(guid), *std::move(text), value};
}

Result<std::vector<SignatureEntry>> parse_signature_lists(ByteView value) {
  std::vector<SignatureEntry> out;
  ByteReader reader(value);
  while (!reader.at_end()) AVOUCH_CHECK(take_list(reader, out));
  return out;
}

std::optional<SignatureData> parse_signature_data(ByteView value) {
  if (value.size() <= kGuid) return std::nullopt;
  return SignatureData{guid_text(value.first(kGuid)), value.subspan(kGuid)};
}

}  // namespace avouch::bootlog
