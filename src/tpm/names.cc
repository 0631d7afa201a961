// Qualified names, sized buffers, and the bytes behind a quote's digest.

#include <array>

#include "tpm/marshal.h"
#include "tpm/selection.h"

namespace avouch::tpm {
namespace {

constexpr std::array<std::uint8_t, 4> kEndorsementHierarchy = {0x40, 0x00, 0x00, 0x0b};

}  // namespace

Bytes child_qualified_name(ByteView parent_qualified_name, const Public& child) {
  crypto::Hasher hasher(child.name_hash);
  hasher.update(parent_qualified_name);
  hasher.update(child.name);
  Bytes out;
  append_be16(out, algorithm_id(child.name_hash));
  append(out, hasher.finish());
  return out;
}

Bytes endorsement_primary_qualified_name(const Public& primary) {
  return child_qualified_name(kEndorsementHierarchy, primary);
}

Result<Bytes> quoted_bytes(const PcrSelection& selection, const PcrValues& values) {
  Bytes out;
  for (const BankSelection& entry : selection) {
    for (std::uint8_t index = 0; index < kPcrCount; ++index) {
      if (!entry.has(index)) continue;
      const PcrId id{entry.bank, index};
      const auto found = values.find(id);
      if (found == values.end()) {
        return rejected(to_text(id) + " is quoted but its value is not given");
      }
      if (found->second.size() != crypto::digest_size(entry.bank)) {
        return rejected(to_text(id) + " has " + std::to_string(found->second.size()) +
                        " bytes, expected " + std::to_string(crypto::digest_size(entry.bank)));
      }
      append(out, found->second);
    }
  }
  for (const auto& [id, value] : values) {
    if (id.index >= kPcrCount || first_missing(selection, {{id.bank, 1U << id.index}})) {
      return rejected(to_text(id) + " is given but not quoted");
    }
  }
  return out;
}

Result<Bytes> parse_sized(ByteView tpm2b, std::size_t max) {
  ByteReader reader(tpm2b);
  AVOUCH_TRY(const std::uint16_t size, reader.be16("size"));
  if (size > max) {
    return rejected("size: " + std::to_string(size) + " bytes, at most " + std::to_string(max) +
                    " are accepted");
  }
  AVOUCH_TRY(const ByteView content, reader.take(size, "content"));
  AVOUCH_CHECK(reader.expect_end("sized buffer"));
  return Bytes(content.begin(), content.end());
}

Bytes to_sized(ByteView content) {
  Bytes out;
  append_be16(out, static_cast<std::uint16_t>(content.size()));
  append(out, content);
  return out;
}

}  // namespace avouch::tpm
