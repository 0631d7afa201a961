#include "tlog/note.h"

#include <algorithm>

#include "base/hex.h"
#include "codec/base64.h"
#include "crypto/hash.h"
#include "tlog/code_points.h"

namespace avouch::tlog {
namespace {

constexpr std::string_view kSignaturePrefix = "\xE2\x80\x94 ";  // em dash, space
constexpr std::uint8_t kEd25519Type = 0x01;
constexpr std::size_t kMaxKeyNameBytes = 1024;

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

Result<void> check_text(std::string_view text, std::string_view what) {
  const bool fits = all_code_points(
      text, [](std::uint32_t point) { return point == U'\n' || !is_control(point); });
  if (!fits) return rejected(std::string(what) + " has a control character or invalid UTF-8");
  return {};
}

std::uint32_t key_id_of(std::string_view name, std::uint8_t type, ByteView key) {
  Bytes input = to_bytes(name);
  append_u8(input, '\n');
  append_u8(input, type);
  append(input, key);
  const crypto::Sha256 digest = crypto::sha256(input);
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) id = id << 8U | digest[i];
  return id;
}

std::string hex8(std::uint32_t id) {
  Bytes bytes;
  append_be32(bytes, id);
  return to_hex(bytes);
}

Result<NoteSignature> parse_signature_line(std::string_view line) {
  if (!line.starts_with(kSignaturePrefix)) {
    return rejected("note signature line does not begin with an em dash and a space");
  }
  line.remove_prefix(kSignaturePrefix.size());
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return rejected("note signature line has no signature");
  NoteSignature signature;
  signature.name = std::string(line.substr(0, space));
  AVOUCH_CHECK(check_key_name(signature.name));
  auto blob = codec::from_base64(line.substr(space + 1));
  if (!blob.has_value()) return with_context(std::move(blob).error(), "note signature");
  if (blob->size() < 5) {
    return rejected("note signature has " + std::to_string(blob->size()) +
                    " bytes, expected a 4-byte key ID and a signature");
  }
  ByteReader reader(*blob);
  AVOUCH_TRY(signature.key_id, reader.be32("note signature: key ID"));
  AVOUCH_TRY(const ByteView rest, reader.take(reader.remaining(), "note signature"));
  signature.signature.assign(rest.begin(), rest.end());
  return signature;
}

}  // namespace

Result<NoteVerifier> make_verifier(std::string_view name, const crypto::PublicKey& key) {
  AVOUCH_CHECK(check_key_name(name));
  AVOUCH_TRY(const Bytes raw, key.ed25519_raw());
  return NoteVerifier{std::string(name), key_id_of(name, kEd25519Type, raw), key};
}

Result<NoteVerifier> parse_vkey(std::string_view vkey) {
  const auto first = vkey.find('+');
  const auto second = first == std::string_view::npos ? first : vkey.find('+', first + 1);
  if (second == std::string_view::npos || second - first - 1 != 8) {
    return rejected("verifier key: expected NAME+8 hexadecimal digits+base64");
  }
  AVOUCH_TRY(const Bytes id_bytes, from_hex(vkey.substr(first + 1, 8)));
  auto key_bytes = codec::from_base64(vkey.substr(second + 1));
  if (!key_bytes.has_value()) return with_context(std::move(key_bytes).error(), "verifier key");
  if (key_bytes->empty() || key_bytes->front() != kEd25519Type) {
    return rejected("verifier key: expected type 01 (Ed25519); other types are not supported");
  }
  const ByteView raw = ByteView(*key_bytes).subspan(1);
  AVOUCH_TRY(const crypto::PublicKey key, crypto::PublicKey::ed25519_from_raw(raw));
  AVOUCH_TRY(NoteVerifier verifier, make_verifier(vkey.substr(0, first), key));
  if (to_hex(id_bytes) != hex8(verifier.key_id)) {
    return rejected("verifier key: key ID is " + to_hex(id_bytes) + ", but name and key make " +
                    hex8(verifier.key_id));
  }
  return verifier;
}

std::string format_vkey(const NoteVerifier& verifier) {
  Bytes typed{kEd25519Type};
  append(typed, verifier.key.ed25519_raw().value());
  return verifier.name + "+" + hex8(verifier.key_id) + "+" + codec::to_base64(typed);
}

Result<NoteSigner> NoteSigner::make(std::string_view name, const crypto::PrivateKey& key) {
  AVOUCH_TRY(NoteVerifier verifier, make_verifier(name, key.public_key()));
  return NoteSigner(std::move(verifier), key);
}

Result<Bytes> NoteSigner::sign(std::string_view text) const {
  return key_.sign(crypto::SignatureScheme::kEd25519, crypto::HashAlgorithm::kSha512,
                   as_bytes(text));
}

Result<UnverifiedNote> parse_note_unverified(std::string_view note) {
  if (note.size() > kMaxNoteBytes) {
    return rejected("note has " + std::to_string(note.size()) + " bytes, at most " +
                    std::to_string(kMaxNoteBytes) + " are read");
  }
  AVOUCH_CHECK(check_text(note, "note"));
  const auto separator = note.rfind("\n\n");
  if (separator == std::string_view::npos) {
    return rejected("note has no empty line between text and signatures");
  }
  UnverifiedNote parsed;
  parsed.text = std::string(note.substr(0, separator + 1));
  std::string_view lines = note.substr(separator + 2);
  if (lines.empty() || lines.back() != '\n') {
    return rejected("note has no signature line, or its last line has no newline");
  }
  while (!lines.empty()) {
    if (parsed.signatures.size() == kMaxNoteSignatures) {
      return rejected("note has more than " + std::to_string(kMaxNoteSignatures) + " signatures");
    }
    const auto end = lines.find('\n');
    AVOUCH_TRY(NoteSignature signature, parse_signature_line(lines.substr(0, end)));
    parsed.signatures.push_back(std::move(signature));
    lines.remove_prefix(end + 1);
  }
  return parsed;
}

Result<VerifiedNote> verify_note(std::string_view note, std::span<const NoteVerifier> known) {
  AVOUCH_TRY(UnverifiedNote parsed, parse_note_unverified(note));
  std::vector<std::string> signers;
  for (const NoteSignature& signature : parsed.signatures) {
    for (const NoteVerifier& verifier : known) {
      if (verifier.name != signature.name || verifier.key_id != signature.key_id) continue;
      const auto verified =
          verifier.key.verify(crypto::SignatureScheme::kEd25519, crypto::HashAlgorithm::kSha512,
                              as_bytes(parsed.text), signature.signature);
      if (!verified.has_value()) {
        return with_context(verified.error(), "note: signature by known key " + verifier.name);
      }
      if (std::find(signers.begin(), signers.end(), verifier.name) == signers.end()) {
        signers.push_back(verifier.name);
      }
    }
  }
  if (signers.empty()) return rejected("note has no signature by a known key");
  return VerifiedNote(std::move(parsed.text), std::move(signers));
}

Result<std::string> sign_note(std::string_view text, std::span<const NoteSigner> signers) {
  if (text.empty() || text.back() != '\n') return rejected("note text must end in a newline");
  if (signers.empty()) return rejected("a note needs at least one signer");
  AVOUCH_CHECK(check_text(text, "note text"));
  std::string note = std::string(text) + "\n";
  for (const NoteSigner& signer : signers) {
    AVOUCH_TRY(const Bytes signature, signer.sign(text));
    Bytes blob;
    append_be32(blob, signer.verifier().key_id);
    append(blob, signature);
    note += std::string(kSignaturePrefix) + signer.verifier().name + " " + codec::to_base64(blob) +
            "\n";
  }
  return note;
}

}  // namespace avouch::tlog
