#pragma once

// A chain of checks as a tree, for people and as JSON: what was checked, against what, and whether
// it held.

#include <string>
#include <vector>

#include "codec/json.h"

namespace avouch::inspect {

enum class Outcome {
  kHolds,
  kFails,
  kUntold,  // can be told no more: what it would be proven by was erased
  kNote,    // says something, proves nothing
};

struct ProofStep {
  Outcome outcome = Outcome::kFails;
  std::string claim;   // "inclusion of entry 12 in the tree of 40 entries"
  std::string detail;  // values, or why it fails
  std::vector<ProofStep> parts;
};

inline ProofStep holds(std::string claim, std::string detail = "") {
  return {Outcome::kHolds, std::move(claim), std::move(detail), {}};
}
inline ProofStep fails(std::string claim, std::string detail) {
  return {Outcome::kFails, std::move(claim), std::move(detail), {}};
}
inline ProofStep untold(std::string claim, std::string why) {
  return {Outcome::kUntold, std::move(claim), std::move(why), {}};
}
inline ProofStep note(std::string claim, std::string detail = "") {
  return {Outcome::kNote, std::move(claim), std::move(detail), {}};
}

// True if nothing in the tree fails or is untold, and at least one step holds.
bool all_hold(const ProofStep& step);
// True if nothing in the tree fails, and something is untold.
bool is_untold(const ProofStep& step);

// With lines, two columns of indentation a level, "ok", "FAILS", "?" or "-" in front.
std::string render_text(const ProofStep& step);
codec::Json render_json(const ProofStep& step);

// Text from outside for a terminal: what is_unseen() names, and bytes that are no UTF-8, as \xNN,
// or where it is no ASCII as \uNNNN, or \UNNNNNNNN above U+FFFF. A backslash stays what it is, as
// people copy paths of EFI programs and JSON from here: so text can look as if something in it had
// been escaped, but nothing unseen can look like text. The JSON output has the value as it is, and
// unseen characters as JSON's own escapes.
std::string printable(std::string_view text);

}  // namespace avouch::inspect
