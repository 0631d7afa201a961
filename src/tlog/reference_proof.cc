#include "tlog/reference_proof.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "codec/utf8.h"
#include "tlog/cosignature.h"
#include "tlog/log_proof.h"
#include "tlog/note.h"
#include "tlog/note_key.h"

namespace avouch::tlog {
namespace {

std::vector<NoteVerifier> trusted_keys(const LogPolicy& trusted, std::string_view origin) {
  std::vector<NoteVerifier> out;
  for (const KnownLog& log : trusted.logs()) {
    if (log.key.name == origin) out.push_back(log.key);
  }
  return out;
}

bool is_by(const NoteSignature& line, const NamedKey& key) {
  return line.key_id == key.key_id && line.name == key.name;
}

std::string line_of(const NoteSignature& line) {
  return format_signature_line(line.name, line.key_id, line.signature);
}

// The line of a cosignature that has been verified: the one with its time.
const NoteSignature* find_line(const UnverifiedNote& note, const Cosignature& cosignature) {
  const auto found =
      std::find_if(note.signatures.begin(), note.signatures.end(), [&](const NoteSignature& line) {
        if (line.key_id != cosignature.key_id || line.name != cosignature.name) return false;
        const auto seconds = ByteReader(line.signature).be64("time");
        return seconds.has_value() && *seconds == cosignature.seconds;
      });
  return found == note.signatures.end() ? nullptr : &*found;
}

// The note with the lines that have been verified alone: the log's, then the witnesses'.
std::string keep_verified(const UnverifiedNote& note, std::span<const NoteVerifier> log_keys,
                          std::span<const Cosignature> cosignatures) {
  std::string out = note.text + "\n";
  for (const NoteVerifier& key : log_keys) {
    const auto line = std::find_if(note.signatures.begin(), note.signatures.end(),
                                   [&](const NoteSignature& each) { return is_by(each, key); });
    if (line != note.signatures.end()) out += line_of(*line);
  }
  for (const Cosignature& cosignature : cosignatures) {
    const NoteSignature* line = find_line(note, cosignature);
    if (line != nullptr) out += line_of(*line);
  }
  return out;
}

}  // namespace

Result<VerifiedReference> verify_own_reference(const EntryReference& reference, ByteView entry,
                                               std::span<const Hash> path,
                                               const VerifiedCheckpoint& at) {
  if (reference.origin != at.origin()) {
    return rejected("is to an entry of log " + codec::in_quotes(reference.origin) +
                    ", not of this one");
  }
  if (!reference.proof.empty()) return rejected("has a proof; an entry of this log needs none");
  if (reference.index >= at.size()) {
    return rejected("entry " + std::to_string(reference.index) +
                    " is in no published checkpoint: the newest is of " +
                    std::to_string(at.size()) + " entries");
  }
  if (leaf_hash(entry) != reference.leaf) {
    return rejected("entry " + std::to_string(reference.index) +
                    " has another leaf hash than the reference");
  }
  AVOUCH_CHECK(verify_inclusion(reference.index, at.size(), reference.leaf, path, at.root()));
  return VerifiedReference(reference);
}

Result<VerifiedReference> verify_foreign_reference(const EntryReference& reference,
                                                   const LogPolicy& trusted) {
  const std::vector<NoteVerifier> keys = trusted_keys(trusted, reference.origin);
  if (keys.empty()) {
    return rejected("log " + codec::in_quotes(reference.origin) +
                    " is none that this log trusts the key of");
  }
  AVOUCH_TRY(LogProof proof, parse_log_proof(reference.proof));
  if (proof.extra || proof.index != reference.index) {
    return rejected("the proof is of entry " + std::to_string(proof.index) + ", or holds it");
  }
  const auto verify = [&] {
    return verify_log_proof(proof, reference.leaf, keys, reference.origin, &trusted);
  };
  AVOUCH_TRY(const VerifiedLogProof verified, verify());
  AVOUCH_TRY(const UnverifiedNote note, parse_note_unverified(proof.note));
  proof.note = keep_verified(note, keys, verified.cosignatures);
  // What is kept proves it by itself.
  AVOUCH_CHECK(verify());
  EntryReference kept = reference;
  kept.proof = format_log_proof(proof);
  if (kept.proof.size() > EntryReference::kMaxProofBytes) {
    return rejected("the proof has " + std::to_string(kept.proof.size()) + " bytes, at most " +
                    std::to_string(EntryReference::kMaxProofBytes) + " are kept");
  }
  return VerifiedReference(std::move(kept));
}

}  // namespace avouch::tlog
