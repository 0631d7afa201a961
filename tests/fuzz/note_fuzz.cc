// Signed notes, checkpoints, verifier keys and resource paths. Besides not crashing: what is
// accepted has one spelling, and a note by an unknown key never verifies.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "fuzz/fuzz_target.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/tile.h"

namespace avouch::fuzzing::note_target {
namespace {

using namespace avouch;

void require(bool holds) {
  if (!holds) std::abort();
}

const tlog::NoteVerifier& known_key() {
  static const tlog::NoteVerifier key =
      tlog::make_verifier("fuzz.example",
                          crypto::PrivateKey::generate(crypto::KeyType::kEd25519).public_key())
          .value();
  return key;
}

void try_note(std::string_view input) {
  const auto note = tlog::parse_note_unverified(input);
  if (!note.has_value()) return;
  require(input.starts_with(note->text) && input.substr(note->text.size()).starts_with("\n"));
  require(!note->signatures.empty());
  require(!tlog::verify_note(input, std::span(&known_key(), 1)).has_value());
}

void try_checkpoint(std::string_view input) {
  const auto checkpoint = tlog::parse_checkpoint_unverified(input);
  if (!checkpoint.has_value()) return;
  require(tlog::format_checkpoint(*checkpoint).value() == input);
}

void try_key(std::string_view input) {
  const auto key = tlog::parse_vkey(input);
  if (!key.has_value()) return;
  const auto again = tlog::parse_vkey(tlog::format_vkey(*key));
  require(again.has_value() && again->name == key->name && again->key_id == key->key_id);
}

void try_path(std::string_view input) {
  const auto resource = tlog::parse_resource(input);
  if (!resource.has_value()) return;
  switch (resource->kind) {
    case tlog::Resource::Kind::kCheckpoint:
      return require(input == "checkpoint");
    case tlog::Resource::Kind::kTile:
      return require(tlog::tile_path(resource->tile) == input);
    case tlog::Resource::Kind::kBundle:
      return require(tlog::bundle_path(resource->tile) == input);
  }
}

}  // namespace

AVOUCH_FUZZ_TARGET("note_fuzz") {
  const std::string_view input = avouch::as_text({data, size});
  try_note(input);
  try_checkpoint(input);
  try_key(input);
  try_path(input);
  return 0;
}

}  // namespace avouch::fuzzing::note_target
