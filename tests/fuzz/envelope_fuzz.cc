// DSSE envelopes with in-toto statements. Besides not crashing: an envelope is opened by no key
// that is not the signer's, and no statement holds by its signer's word alone.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "fuzz/fuzz_target.h"
#include "inspect/in_toto.h"
#include "reference/dsse_envelope.h"
#include "tlog/note.h"

namespace avouch::fuzzing::envelope_target {
namespace {

namespace crypto = avouch::crypto;
namespace inspect = avouch::inspect;
namespace reference = avouch::reference;
namespace tlog = avouch::tlog;

void require(bool holds) {
  if (!holds) std::abort();
}

const crypto::PrivateKey& new_key() {
  static const auto key = crypto::PrivateKey::generate(crypto::KeyType::kEd25519);
  return key;
}

inspect::ProofFileAnchors anchors() {
  return {
      .log_keys = {tlog::make_verifier("log.example.org/avouch", new_key().public_key()).value()},
      .origin = "log.example.org/avouch",
      .verifier_keys = {},
      .policy = std::nullopt,
      .issuer_keys = {}};
}

void try_envelope(std::string_view input) {
  const crypto::PublicKey key = new_key().public_key();
  const auto envelope = reference::parse_envelope_unverified(input);
  if (!envelope.has_value()) return;
  require(!reference::verify_envelope(*envelope, std::span(&key, 1), envelope->payload_type)
               .has_value());
}

// As a payload that a known key signed, and which still proves nothing of the log.
void try_statement(std::string_view input) {
  const crypto::PublicKey key = new_key().public_key();
  const auto file = reference::sign_envelope(new_key(), inspect::kInTotoPayloadType, input);
  if (!file.has_value()) return;
  require(!inspect::all_hold(inspect::check_in_toto(*file, std::span(&key, 1), anchors())));
}

}  // namespace

AVOUCH_FUZZ_TARGET("envelope_fuzz") {
  const std::string_view input = avouch::as_text({data, size});
  try_envelope(input);
  try_statement(input);
  return 0;
}

}  // namespace avouch::fuzzing::envelope_target
