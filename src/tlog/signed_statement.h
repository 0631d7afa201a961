#pragma once

// Signed Statements of other parties (RFC 9943): what they say and who signed it, before and after
// they are registered. Those of this log's own verifier are in entry.h. Pure and thread-safe.
//
//   statement = 18([ << protected >>, unprotected, digest, signature ])
//   protected = {1: -7 or -35, 4: kid, 15: {1: iss, 2: sub, ? 6: iat}, ? 16: typ, 258: -16,
//                259: media type, ? 260: location}
//   digest    = SHA-256 of what the statement is about: a hash envelope (RFC 9995)
//
// Deterministic CBOR; nothing else in the protected header. What it is about is not in it and never
// in the log.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/cose.h"
#include "crypto/keys.h"
#include "tlog/tree.h"

namespace avouch::tlog {

inline constexpr std::size_t kMaxMediaType = 127;

// type/subtype of 1 to 127 bytes, in lower case, without parameters.
bool is_media_type(std::string_view text);

// Whether it is the type of an entry that a log's own verifier makes (entry.h): nobody else's
// statement is of it.
bool is_own_kind(std::string_view media_type);

// What a statement says of itself; nothing of it is proven before signer_of().
struct UnverifiedSignedStatement {
  std::string issuer, subject;
  std::string content_type;  // of what it is about
  Bytes key_id;
  Hash digest{};  // of what it is about
  Bytes entry;    // the statement with an empty unprotected header
  codec::UnverifiedSign1 signed_message;
};

// Why bytes are no such statement: in the terms of SCITT's API (draft-ietf-scitt-scrapi).
enum class StatementFault { kMalformed, kAlgorithm, kPayloadMissing };
struct StatementRefusal {
  StatementFault fault = StatementFault::kMalformed;
  std::string what;
};

// At most 65,535 bytes, as sent and as an entry. Of the unprotected header nothing is believed:
// `entry` has none. kRejected where it is not of the form above; `refusal`, where given, then says
// of which sort the fault is.
Result<UnverifiedSignedStatement> parse_signed_statement_unverified(
    ByteView statement, StatementRefusal* refusal = nullptr);

// The key that signed it; null where none of `keys` did. The key ID in the statement is the
// issuer's own choice and decides nothing.
const crypto::PublicKey* signer_of(const UnverifiedSignedStatement& statement,
                                   std::span<const crypto::PublicKey> keys);

// Whether an entry is a statement of somebody else than the log of that origin: the statement where
// it is, nothing for the log's own, for whatever is of a kind of a log's own, and for bytes that
// are neither.
std::optional<UnverifiedSignedStatement> statement_of_another(ByteView entry,
                                                              std::string_view origin);

}  // namespace avouch::tlog
