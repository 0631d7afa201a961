#include "tlog/note_key.h"

#include "base/hex.h"
#include "codec/base64.h"
#include "crypto/hash.h"
#include "tlog/code_points.h"

namespace avouch::tlog {
namespace {

constexpr std::size_t kMaxKeyNameBytes = 1024;

crypto::Sha256 digest_of_key(std::string_view name, NoteKeyType type, ByteView key) {
  Bytes input = to_bytes(name);
  append_u8(input, '\n');
  append_u8(input, static_cast<std::uint8_t>(type));
  append(input, key);
  return crypto::sha256(input);
}

std::uint32_t key_id_of(std::string_view name, NoteKeyType type, ByteView key) {
  const crypto::Sha256 digest = digest_of_key(name, type, key);
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) id = id << 8U | digest[i];
  return id;
}

std::string hex8(std::uint32_t id) {
  Bytes bytes;
  append_be32(bytes, id);
  return to_hex(bytes);
}

std::string_view purpose_of(NoteKeyType type) {
  return type == NoteKeyType::kEd25519 ? "01 (Ed25519)" : "04 (Ed25519 cosignature)";
}

}  // namespace

Result<void> check_key_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxKeyNameBytes) {
    return rejected("note key name has " + std::to_string(name.size()) + " bytes, expected 1 to " +
                    std::to_string(kMaxKeyNameBytes));
  }
  const bool fits = all_code_points(name, [](std::uint32_t point) {
    return point != U'+' && !is_control(point) && !is_space(point);
  });
  if (!fits) return rejected("note key name has a space, a '+', a control character or bad UTF-8");
  return {};
}

Result<NamedKey> make_named_key(std::string_view name, NoteKeyType type,
                                const crypto::PublicKey& key) {
  AVOUCH_CHECK(check_key_name(name));
  AVOUCH_TRY(const Bytes raw, key.ed25519_raw());
  return NamedKey{std::string(name), key_id_of(name, type, raw), key};
}

Result<NamedKey> parse_named_key(std::string_view text, NoteKeyType type) {
  const auto first = text.find('+');
  const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos || second - first - 1 != 8) {
    return rejected("verifier key: expected NAME+8 hexadecimal digits+base64");
  }
  AVOUCH_TRY(const Bytes id_bytes, from_hex(text.substr(first + 1, 8)));
  auto key_bytes = codec::from_base64(text.substr(second + 1));
  if (!key_bytes.has_value()) return with_context(std::move(key_bytes).error(), "verifier key");
  if (key_bytes->empty() || key_bytes->front() != static_cast<std::uint8_t>(type)) {
    return rejected("verifier key: expected type " + std::string(purpose_of(type)) +
                    "; other types are not supported here");
  }
  const ByteView raw = ByteView(*key_bytes).subspan(1);
  AVOUCH_TRY(const crypto::PublicKey key, crypto::PublicKey::ed25519_from_raw(raw));
  AVOUCH_TRY(NamedKey named, make_named_key(text.substr(0, first), type, key));
  if (to_hex(id_bytes) != hex8(named.key_id)) {
    return rejected("verifier key: key ID is " + to_hex(id_bytes) + ", but name and key make " +
                    hex8(named.key_id));
  }
  return named;
}

std::string format_named_key(const NamedKey& key, NoteKeyType type) {
  Bytes typed{static_cast<std::uint8_t>(type)};
  append(typed, key.key.ed25519_raw().value());
  return key.name + "+" + hex8(key.key_id) + "+" + codec::to_base64(typed);
}

crypto::Sha256 named_key_digest(const NamedKey& key, NoteKeyType type) {
  return digest_of_key(key.name, type, key.key.ed25519_raw().value());
}

std::string format_signature_line(std::string_view name, std::uint32_t key_id, ByteView signature) {
  Bytes blob;
  append_be32(blob, key_id);
  append(blob, signature);
  return "\xE2\x80\x94 " + std::string(name) + " " + codec::to_base64(blob) + "\n";
}

}  // namespace avouch::tlog
