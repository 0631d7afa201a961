// Signatures that others send to be registered, and entries of that form, under a policy that lists
// one key. Besides not crashing: what is taken is by that key, has one form as an entry, and is no
// statement.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <variant>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "fuzz/fuzz_target.h"
#include "tlog/entry.h"
#include "tlog/hashed_rekord.h"
#include "tlog/signed_statement.h"

namespace avouch::fuzzing::rekord_target {
namespace {

using avouch::ByteView;
namespace crypto = avouch::crypto;
namespace tlog = avouch::tlog;

void require(bool holds) {
  if (!holds) std::abort();
}

// The P-256 key of tests/vectors/tlog/rekords.txt, by which one input of the corpus is signed.
const crypto::PublicKey& listed_key() {
  static const crypto::PublicKey one =
      crypto::PublicKey::from_pem(
          "-----BEGIN PUBLIC KEY-----\n"
          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvdlDJLwLxB2xA+WQr4BTD3ZHXcTo\n"
          "tjd31I5Av3kqH4h5cr4EDUyqVH49MmR2U2jggbc8oYIe15+vegKXJMmByw==\n"
          "-----END PUBLIC KEY-----\n")
          .value();
  return one;
}

// What has been read, in whichever form, is written as one entry and read from that again.
void require_one_form(const tlog::UnverifiedHashedRekord& rekord) {
  const avouch::Bytes entry = tlog::format_hashed_rekord(rekord);
  require(tlog::begins_as_hashed_rekord(entry) && entry.size() <= tlog::kMaxHashedRekordBytes);
  const auto again = tlog::parse_hashed_rekord_unverified(entry);
  require(again.has_value() && *again == rekord);
  require(!tlog::parse_statement_unverified(entry).has_value());
  require(!tlog::parse_signed_statement_unverified(entry).has_value());
}

}  // namespace

AVOUCH_FUZZ_TARGET("rekord_fuzz") {
  const ByteView input(data, size);
  const auto entry = tlog::parse_hashed_rekord_unverified(input);
  if (entry.has_value()) {
    require(avouch::equal(tlog::format_hashed_rekord(*entry), input));
    require_one_form(*entry);
    static_cast<void>(tlog::verify_hashed_rekord(*entry).has_value());
  }
  const auto request = tlog::parse_hashed_rekord_request_unverified(avouch::as_text(input));
  require(!(entry.has_value() && request.has_value()));
  if (request.has_value()) require_one_form(*request);
  const auto verdict =
      tlog::check_hashed_rekord(avouch::as_text(input), std::span(&listed_key(), 1));
  const auto* taken = std::get_if<tlog::RegistrableHashedRekord>(&verdict);
  if (taken == nullptr) {
    require(!std::get<tlog::HashedRekordRefusal>(verdict).what.empty());
    return 0;
  }
  require(request.has_value() && taken->digest == request->digest);
  require(taken->entry == tlog::format_hashed_rekord(*request));
  require(taken->key_digest == crypto::sha256(listed_key().spki_der()));
  const auto signer = tlog::verify_hashed_rekord(*request);
  require(signer.has_value() && *signer == listed_key());
  return 0;
}

}  // namespace avouch::fuzzing::rekord_target
