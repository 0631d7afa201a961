// Log entries, receipts, preimages, bundles, preimage groups and journal segments. Besides not
// crashing: what is accepted is written again to the same bytes, and nothing verifies by a key that
// did not sign.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.h"
#include "fuzz/fuzz_target.h"
#include "tlog/bundle.h"
#include "tlog/entry.h"
#include "tlog/journal.h"
#include "tlog/preimages.h"
#include "tlog/receipt.h"

namespace avouch::fuzzing::statement_target {
namespace {

using namespace avouch;

void require(bool holds) {
  if (!holds) std::abort();
}

const crypto::PublicKey& known_key() {
  static const crypto::PublicKey key =
      crypto::PrivateKey::generate(crypto::KeyType::kEcP256).public_key();
  return key;
}

void try_statement(ByteView input) {
  const auto statement = tlog::parse_statement_unverified(input);
  if (!statement.has_value()) return;
  require(!statement->issuer.empty() && !statement->subject.empty() && !statement->kind.empty());
  require(!statement->key_id.empty());
  require(
      !tlog::verify_statement(input, std::span(&known_key(), 1), statement->issuer).has_value());
}

void try_preimage(ByteView input) {
  const auto payload = tlog::open_preimage(crypto::sha256(input), input);
  if (payload.has_value()) require(payload->as_map() != nullptr);
}

void try_bundle(ByteView input) {
  if (input.empty()) return;
  const unsigned width = 1U + input.front();
  const auto entries = tlog::parse_bundle(input.subspan(1), width);
  if (!entries.has_value()) return;
  require(entries->size() == width);
  Bytes again;
  for (const Bytes& entry : *entries) require(tlog::append_to_bundle(again, entry).has_value());
  require(equal(again, input.subspan(1)));
  require(tlog::bundle_prefix(again, width).value() == again);
}

void try_preimages(ByteView input) {
  const auto slots = tlog::parse_preimages(3, input);
  if (slots.has_value()) require(equal(tlog::format_preimages(3, *slots), input));
}

void try_segment(ByteView input) {
  const auto segment = tlog::parse_segment(input, 0, true);
  if (!segment.has_value()) return;
  require(segment->end + segment->torn == input.size());
  require(segment->first + segment->records.size() == segment->next);
  // Without the torn end it is whole.
  const auto whole = tlog::parse_segment(input.first(segment->end), 0, false);
  require(whole.has_value() && whole->next == segment->next);
}

void try_receipt(ByteView input) {
  const auto receipt = tlog::parse_receipt_unverified(input);
  if (receipt.has_value()) {
    require(!receipt->inclusion.path.empty());
    require(!tlog::verify_receipt(input, tlog::Hash{}, std::span(&known_key(), 1), receipt->issuer)
                 .has_value());
  }
  const auto statement = tlog::parse_transparent_statement_unverified(input);
  if (!statement.has_value()) return;
  require(equal(tlog::format_transparent_statement(*statement).value(), input));
}

}  // namespace

AVOUCH_FUZZ_TARGET("statement_fuzz") {
  const avouch::ByteView input(data, size);
  try_statement(input);
  try_preimage(input);
  try_bundle(input);
  try_preimages(input);
  try_segment(input);
  try_receipt(input);
  return 0;
}

}  // namespace avouch::fuzzing::statement_target
