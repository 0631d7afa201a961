#pragma once

// What of other parties a log takes: its registration policy (RFC 9943, 5.1.1), and the check of a
// statement against it (that of a hashedrekord is in hashed_rekord.h). Pure and thread-safe.

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "tlog/signed_statement.h"
#include "tlog/tree.h"

namespace avouch::tlog {

struct RegistrationPolicy {
  static constexpr std::size_t kMaxIssuers = 64, kMaxKeys = 8, kMaxKinds = 32, kMaxRekorKeys = 64;

  struct Issuer {
    std::string name;                     // claim iss, as it must be
    std::vector<crypto::PublicKey> keys;  // any of them signs; EC P-256 (ES256) or P-384 (ES384)
    std::vector<std::string> kinds;       // media types of what it may make statements about
  };
  std::vector<Issuer> issuers;        // none: no statement is taken
  std::size_t max_bytes = 16 * 1024;  // of a statement as it is sent; 256 to 65,535
  // Whose hashedrekords are taken (hashed_rekord.h); none: nobody's. EC P-256 or P-384.
  std::vector<crypto::PublicKey> rekor_keys;

  bool takes_statements() const { return !issuers.empty(); }
  bool takes_hashed_rekords() const { return !rekor_keys.empty(); }
};

// Whether it can be in force in the log of that origin. kRejected names each field that is at
// fault, as `issuers[N].keys`: none or too many, names twice, keys of another type, kinds that are
// no media types or one of the log's own, and an issuer of the log's own name: nobody speaks for
// the log. With keys in `rekor_keys`, `origin` is a host name: clients of Rekor take a log's name
// from its URL.
Result<void> check_policy(const RegistrationPolicy& policy, std::string_view origin);

// Default-constructed: refused.
struct NotRegistered {
  std::string title = "Rejected";  // SCITT's own word where it has one (draft-ietf-scitt-scrapi)
  std::string what;                // what, where, what was expected
};
struct Registrable {
  Bytes entry;    // what goes into the tree
  Hash digest{};  // SHA-256 of `entry`
  std::string issuer, subject, kind;
};
using RegistrationVerdict = std::variant<NotRegistered, Registrable>;

// In this order: size; form (signed_statement.h); the issuer is one of the policy's; the kind is
// one of its kinds; the signature is by one of its keys. Titles of what is refused: "TooLarge",
// "Malformed request", "Bad Signature Algorithm", "Payload Missing", "Rejected".
RegistrationVerdict check_registration(ByteView statement, const RegistrationPolicy& policy);

}  // namespace avouch::tlog
