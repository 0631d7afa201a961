#pragma once

// C2SP tlog-checkpoint v1.0.0: what a log says about itself, a note with the text
//
//   origin, tree size (decimal), base64 root hash, extension lines (none in ours)

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/note.h"
#include "tlog/tree.h"

namespace avouch::tlog {

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root = empty_root();
  std::vector<std::string> extensions;  // lines, without newlines
  bool operator==(const Checkpoint&) const = default;
};

// The note text. kRejected for an origin or extension line that is empty or has control characters.
Result<std::string> format_checkpoint(const Checkpoint& checkpoint);

// The text of a note, strictly: a size has no sign and no leading zero, a root 32 bytes in
// canonical base64. Says nothing about signatures.
Result<Checkpoint> parse_checkpoint_unverified(std::string_view text);

// A checkpoint that a known key of its log signed. Made by verify_checkpoint() alone.
class VerifiedCheckpoint {
 public:
  const std::string& origin() const { return checkpoint_.origin; }
  std::uint64_t size() const { return checkpoint_.size; }
  const Hash& root() const { return checkpoint_.root; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  const std::string& note() const { return note_; }  // as signed, with all its lines

 private:
  friend Result<VerifiedCheckpoint> verify_checkpoint(std::string_view,
                                                      std::span<const NoteVerifier>,
                                                      std::string_view);
  VerifiedCheckpoint(Checkpoint checkpoint, std::string note)
      : checkpoint_(std::move(checkpoint)), note_(std::move(note)) {}
  Checkpoint checkpoint_;
  std::string note_;
};

// kRejected: as verify_note; another origin than `origin`; an empty tree with another root than
// empty_root(). Whether it is the newest, or consistent with another, is not checked here.
Result<VerifiedCheckpoint> verify_checkpoint(std::string_view note,
                                             std::span<const NoteVerifier> log_keys,
                                             std::string_view origin);

}  // namespace avouch::tlog
