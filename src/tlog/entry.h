#pragma once

// Log entries: SCITT Signed Statements (RFC 9943) with a hash envelope (RFC 9995). The entry holds
// only a commitment; the preimage, kept apart, holds salt and payload. See docs/interfaces.md,
// 'Log entries'. Pure and thread-safe.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "tlog/tree.h"

namespace avouch::tlog {

inline constexpr std::size_t kSaltBytes = 32;
inline constexpr std::size_t kMaxPreimageBytes = 65'535;

// Kinds of entries that this version writes. Readers accept any word of [a-z-], up to 32 bytes.
inline constexpr std::string_view kGenesis = "genesis", kEpoch = "epoch",
                                  kNodeVerdict = "node-verdict",
                                  kAdmissionVerdict = "admission-verdict",
                                  kPolicyChange = "policy-change", kEndorsementKind = "endorsement",
                                  kDisputeKind = "dispute", kMeasurementKind = "measurement",
                                  kSupersedeKind = "supersede", kErasureKind = "erasure",
                                  kRetentionKind = "retention", kPruningKind = "pruning",
                                  kShardKind = "shard";

// Names become pseudonyms under a secret key, so that no name lies in the log for ever:
// `node:`, `pod:`, `policy:`, `log:` or `entry:` and the hexadecimal first 16 bytes of
// HMAC-SHA-256(key, subject).
std::string node_pseudonym(ByteView key, std::string_view node_uid);
std::string pod_pseudonym(ByteView key, std::string_view pod_namespace, std::string_view pod);
std::string policy_pseudonym(ByteView key, std::string_view policy);
std::string log_pseudonym(ByteView key);
std::string entry_pseudonym(ByteView key, std::string_view origin, std::uint64_t index);

struct EntryParts {
  std::string issuer;   // the log's origin
  std::string subject;  // a pseudonym
  std::string kind;
  codec::Cbor payload;  // a map with text keys
};

struct NewEntry {
  Bytes statement;  // what goes into the tree
  Bytes preimage;   // what is kept apart
};

// kRejected: a key that is not P-256, an empty issuer or subject, a bad kind, a payload that is no
// map, sizes over the limits.
Result<NewEntry> make_entry(const crypto::PrivateKey& key, const EntryParts& parts,
                            crypto::Random& random);

// What an entry says of itself; nothing of it is proven before verify_statement().
struct UnverifiedStatement {
  std::string issuer, subject, kind;
  Bytes key_id;
  Hash preimage_digest{};
};

// kRejected: not a tag-18 COSE_Sign1 with ES256, an unprotected header that is not empty, any
// protected header missing, unknown or of another form, a payload that is not 32 bytes.
Result<UnverifiedStatement> parse_statement_unverified(ByteView entry);

// A statement whose signature is by the key it names. Made by verify_statement() alone.
class Statement {
 public:
  const std::string& issuer() const { return parts_.issuer; }
  const std::string& subject() const { return parts_.subject; }
  const std::string& kind() const { return parts_.kind; }
  const Bytes& key_id() const { return parts_.key_id; }
  const Hash& preimage_digest() const { return parts_.preimage_digest; }

 private:
  friend Result<Statement> verify_statement(ByteView, std::span<const crypto::PublicKey>,
                                            std::string_view);
  explicit Statement(UnverifiedStatement parts) : parts_(std::move(parts)) {}
  UnverifiedStatement parts_;
};

// kRejected: as parse_statement_unverified; an issuer other than `issuer`; a key ID that is none
// of `keys`; a signature that does not verify.
Result<Statement> verify_statement(ByteView entry, std::span<const crypto::PublicKey> keys,
                                   std::string_view issuer);

// The payload of a preimage. kRejected unless the preimage has `digest`, is [salt, map], and the
// salt has 32 bytes.
Result<codec::Cbor> open_preimage(const Hash& digest, ByteView preimage);

}  // namespace avouch::tlog
