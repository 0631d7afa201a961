#include "tlog/note.h"

#include <algorithm>
#include <set>
#include <utility>

#include "codec/base64.h"
#include "tlog/code_points.h"

namespace avouch::tlog {
namespace {

Result<void> check_text(std::string_view text, std::string_view what) {
  const bool fits = all_code_points(
      text, [](std::uint32_t point) { return point == U'\n' || !is_control(point); });
  if (!fits) return rejected(std::string(what) + " has a control character or invalid UTF-8");
  return {};
}

Result<NoteSignature> parse_signature_line(std::string_view line) {
  constexpr std::string_view kSignaturePrefix = "\xE2\x80\x94 ";  // em dash, space
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

Result<UnverifiedNote> parse_note(std::string_view note, std::size_t max_signatures) {
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
    if (parsed.signatures.size() == max_signatures) {
      return rejected("note has more than " + std::to_string(max_signatures) + " signatures");
    }
    const auto end = lines.find('\n');
    AVOUCH_TRY(NoteSignature signature, parse_signature_line(lines.substr(0, end)));
    parsed.signatures.push_back(std::move(signature));
    lines.remove_prefix(end + 1);
  }
  return parsed;
}

}  // namespace

Result<NoteVerifier> make_verifier(std::string_view name, const crypto::PublicKey& key) {
  AVOUCH_TRY(NamedKey made, make_named_key(name, NoteKeyType::kEd25519, key));
  return NoteVerifier{std::move(made)};
}

Result<NoteVerifier> parse_vkey(std::string_view vkey) {
  AVOUCH_TRY(NamedKey parsed, parse_named_key(vkey, NoteKeyType::kEd25519));
  return NoteVerifier{std::move(parsed)};
}

std::string format_vkey(const NoteVerifier& verifier) {
  return format_named_key(verifier, NoteKeyType::kEd25519);
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
  return parse_note(note, kMaxNoteSignatures);
}

Result<std::string> with_one_line_a_key(std::string_view note) {
  AVOUCH_TRY(const UnverifiedNote parsed, parse_note(note, kMaxNoteBytes));
  std::string out = parsed.text + "\n";
  std::set<std::pair<std::string_view, std::uint32_t>> keys;
  for (const NoteSignature& line : parsed.signatures) {
    if (!keys.emplace(line.name, line.key_id).second) continue;
    out += format_signature_line(line.name, line.key_id, line.signature);
  }
  return out;
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
    note += format_signature_line(signer.verifier().name, signer.verifier().key_id, signature);
  }
  return note;
}

}  // namespace avouch::tlog
