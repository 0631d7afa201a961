#include "bootlog/variable.h"

#include <algorithm>
#include <array>

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

// One EFI_SIGNATURE_LIST's head, checked.
struct List {
  SignatureEntry::Kind kind = SignatureEntry::Kind::kOther;
  std::size_t each = 0;   // size of an entry, with its owner
  std::size_t count = 0;  // of entries
};

Result<List> take_head(ByteReader& reader) {
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
  const auto kind = kind_of(guid_text(type));
  if (kind == SignatureEntry::Kind::kSha256 && each != kGuid + 32) {
    return rejected(at + ": SHA-256 digests of " + std::to_string(each - kGuid) + " bytes");
  }
  return List{kind, each, room / each};
}

// A certificate's DER without an owner before it.
bool is_der(ByteView data) {
  if (data.size() < 4 || data[0] != 0x30 || data[1] != 0x82) return false;
  return data.size() - 4 == (std::size_t{data[2]} << 8 | data[3]);
}

bool is_text(ByteView data) {
  return std::all_of(data.begin(), data.end(), [](std::uint8_t byte) {
    return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == 0;
  });
}

}  // namespace

bool holds_keys(const Variable& variable) {
  constexpr std::array<std::string_view, 5> kKeyNames = {"PK", "KEK", "db", "dbr", "dbt"};
  return std::find(kKeyNames.begin(), kKeyNames.end(), variable.name) != kKeyNames.end();
}

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

std::optional<Variable> parse_old_shim_authority(ByteView data) {
  constexpr std::size_t kSurplus = 6;
  if (data.size() <= kSurplus) return std::nullopt;
  auto out = parse_variable(data.first(data.size() - kSurplus));
  if (!out.has_value() || out->guid != kShimGuid || out->name != "Shim") return std::nullopt;
  return *std::move(out);
}

Result<SignatureLists> parse_signature_lists(ByteView value) {
  std::size_t size = 0;
  ByteReader reader(value);
  while (!reader.at_end()) {
    AVOUCH_TRY(const List list, take_head(reader));
    size += list.count;
    if (size > kMaxSignatures) {
      return rejected("more than " + std::to_string(kMaxSignatures) + " signatures");
    }
    AVOUCH_TRY(const ByteView entries, reader.take(list.each * list.count, "signatures"));
    static_cast<void>(entries);
  }
  return SignatureLists(value, size);
}

void SignatureLists::Iterator::enter() {
  if (rest_.empty()) return;
  ByteReader reader(rest_);
  const auto list = take_head(reader);
  if (!list.has_value()) {  // not of a value that was accepted
    rest_ = rest_.last(0);
    return;
  }
  kind_ = list->kind;
  each_ = list->each;
  left_ = list->count;
  rest_ = rest_.subspan(reader.offset());
}

SignatureEntry SignatureLists::Iterator::operator*() const {
  return {kind_, rest_.first(kGuid), rest_.subspan(kGuid, each_ - kGuid)};
}

SignatureLists::Iterator& SignatureLists::Iterator::operator++() {
  rest_ = rest_.subspan(each_);
  if (--left_ == 0) enter();
  return *this;
}

std::optional<SignatureData> parse_signature_data(ByteView value) {
  if (value.size() <= kGuid) return std::nullopt;
  return SignatureData{value.first(kGuid), value.subspan(kGuid)};
}

Authority read_authority(ByteView value) {
  using Kind = Authority::Kind;
  if (is_der(value)) return {Kind::kCertificate, value};
  const auto data = parse_signature_data(value);
  if (is_text(value) || !data) return {Kind::kLevel, value};
  if (is_der(data->value)) return {Kind::kCertificate, data->value};
  return {data->value.size() == 32 ? Kind::kDigest : Kind::kOther, data->value};
}

}  // namespace avouch::bootlog
