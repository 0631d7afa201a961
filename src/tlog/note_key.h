#pragma once

// The named keys of C2SP notes: `NAME+hex8(key ID)+base64(type || public key)`, and the lines that
// they sign. Types: 01 signs a note's text (note.h), 04 cosigns a checkpoint at a time
// (cosignature.h). Both hold an Ed25519 key. Pure and thread-safe.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "crypto/keys.h"

namespace avouch::tlog {

enum class NoteKeyType : std::uint8_t { kEd25519 = 0x01, kCosignature = 0x04 };

struct NamedKey {
  std::string name;
  std::uint32_t key_id = 0;
  crypto::PublicKey key;
};

// kRejected for a name that is empty, has spaces (any of Unicode's), control characters or '+', or
// has more than 1,024 bytes.
Result<void> check_key_name(std::string_view name);

// kRejected: as check_key_name; a key that is not Ed25519.
Result<NamedKey> make_named_key(std::string_view name, NoteKeyType type,
                                const crypto::PublicKey& key);

// kRejected: another form, another type than `type`, a key ID that is not that of name and key.
Result<NamedKey> parse_named_key(std::string_view text, NoteKeyType type);
std::string format_named_key(const NamedKey& key, NoteKeyType type);

// SHA-256(name || 0a || type || public key), of which the key ID is the first four bytes.
crypto::Sha256 named_key_digest(const NamedKey& key, NoteKeyType type);

// "— NAME BASE64(key ID || signature)\n"
std::string format_signature_line(std::string_view name, std::uint32_t key_id, ByteView signature);

}  // namespace avouch::tlog
