#pragma once

// C2SP signed-note v1.0.0: a text with signature lines
//
//   text (ends in a newline), empty line, then `— NAME BASE64(be32 key ID || signature)` lines
//
// Signature type 01 (Ed25519 over the text). Lines of keys that the reader does not know are
// ignored. Pure and thread-safe.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "tlog/note_key.h"

namespace avouch::tlog {

inline constexpr std::size_t kMaxNoteBytes = 512 * 1024;
inline constexpr std::size_t kMaxNoteSignatures = 100;

// A verifier key of type 01.
struct NoteVerifier : NamedKey {};

// kRejected: as parse_named_key.
Result<NoteVerifier> parse_vkey(std::string_view vkey);
std::string format_vkey(const NoteVerifier& verifier);

// kRejected: as make_named_key.
Result<NoteVerifier> make_verifier(std::string_view name, const crypto::PublicKey& key);

class NoteSigner {
 public:
  // As make_verifier.
  static Result<NoteSigner> make(std::string_view name, const crypto::PrivateKey& key);
  const NoteVerifier& verifier() const { return verifier_; }
  Result<Bytes> sign(std::string_view text) const;

 private:
  NoteSigner(NoteVerifier verifier, crypto::PrivateKey key)
      : verifier_(std::move(verifier)), key_(std::move(key)) {}
  NoteVerifier verifier_;
  crypto::PrivateKey key_;
};

struct NoteSignature {
  std::string name;
  std::uint32_t key_id = 0;
  Bytes signature;  // without the key ID
};

struct UnverifiedNote {
  std::string text;  // with its final newline, without the empty line
  std::vector<NoteSignature> signatures;
};

// Structure only. kRejected: no empty line, no signature line, invalid UTF-8, control characters,
// a malformed line, a size or count over the limit.
Result<UnverifiedNote> parse_note_unverified(std::string_view note);

// The note with the first line of each key alone, and nothing verified; it may have any number of
// lines. kRejected: as parse_note_unverified otherwise.
Result<std::string> with_one_line_a_key(std::string_view note);

// A note's text, with what vouches for it. Made by verify_note() alone.
class VerifiedNote {
 public:
  const std::string& text() const { return text_; }
  const std::vector<std::string>& signers() const { return signers_; }  // names of known keys

 private:
  friend Result<VerifiedNote> verify_note(std::string_view, std::span<const NoteVerifier>);
  VerifiedNote(std::string text, std::vector<std::string> signers)
      : text_(std::move(text)), signers_(std::move(signers)) {}
  std::string text_;
  std::vector<std::string> signers_;
};

// kRejected: as parse_note_unverified; no line by a known key; a line that names a known key and
// does not verify (then whatever else verifies does not count).
Result<VerifiedNote> verify_note(std::string_view note, std::span<const NoteVerifier> known);

// `text` must end in a newline and be valid UTF-8 without control characters. At least one signer.
Result<std::string> sign_note(std::string_view text, std::span<const NoteSigner> signers);

}  // namespace avouch::tlog
