#pragma once

// COSE Receipts of inclusion (RFC 9942, 4.3, RFC9162_SHA256) and Transparent Statements (RFC 9943):
// an entry of the log with what proves, by the log's own signature over the tree's root, that it is
// in it. Pure and thread-safe.
//
//   receipt = 18([ << {1: -7, 4: kid, 15: {1: iss, 2: sub}, 395: 1} >>,
//                  {396: {-1: [ << [size, index, [+ path]] >> ]}}, null, signature ])
//   signed: the tree's root, 32 bytes, in the place of the payload
//   transparent statement = the entry with 394: [+ << receipt >>] as its unprotected header
//
// The signature covers the root alone. That the entry is in a tree of that root is proven; its
// index and the tree's size are what the receipt says: others may have the same path.
//
// A tree of one entry has no receipt: its path would be empty, which RFC 9942, 5.2.1 does not know.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/keys.h"
#include "tlog/tree.h"

namespace avouch::tlog {

inline constexpr std::size_t kMaxReceiptBytes = 8 * 1024;
inline constexpr std::size_t kMaxReceipts = 16;  // of a transparent statement
inline constexpr std::size_t kMaxTransparentBytes = 65'535 + kMaxReceipts * (kMaxReceiptBytes + 8);

// Where an entry lies.
struct Inclusion {
  std::uint64_t size = 0;  // of the tree
  std::uint64_t index = 0;
  std::vector<Hash> path;  // lowest sibling first
  bool operator==(const Inclusion&) const = default;
};

struct ReceiptParts {
  std::string issuer;   // the log's origin
  std::string subject;  // the entry's own subject
  Inclusion inclusion;
  Hash root{};
};

// kRejected: a key that is not P-256, names that are no line of 1 to 512 bytes, a path that is
// empty or has not the length that (index, size) has.
Result<Bytes> make_receipt(const crypto::PrivateKey& key, const ReceiptParts& parts);

// What a receipt says of itself; nothing of it is proven before verify_receipt().
struct UnverifiedReceipt {
  std::string issuer, subject;
  Bytes key_id;
  Inclusion inclusion;
};

// kRejected: not of the form above, by ES256.
Result<UnverifiedReceipt> parse_receipt_unverified(ByteView receipt);

// A receipt by a known key, for one leaf. Made by verify_receipt() alone.
class VerifiedReceipt {
 public:
  const std::string& issuer() const { return parts_.issuer; }
  const std::string& subject() const { return parts_.subject; }
  const Inclusion& inclusion() const { return parts_.inclusion; }  // fits, but is not signed
  const Hash& root() const { return root_; }

 private:
  friend Result<VerifiedReceipt> verify_receipt(ByteView, const Hash&,
                                                std::span<const crypto::PublicKey>,
                                                std::string_view);
  VerifiedReceipt(UnverifiedReceipt parts, const Hash& root)
      : parts_(std::move(parts)), root_(root) {}
  UnverifiedReceipt parts_;
  Hash root_;
};

// That one of `keys` signed the root to which the receipt's path leads from `leaf`. kRejected: as
// parse_receipt_unverified; an issuer other than `issuer`, a key that is none of `keys`, a path
// that does not fit, a signature that does not verify.
Result<VerifiedReceipt> verify_receipt(ByteView receipt, const Hash& leaf,
                                       std::span<const crypto::PublicKey> keys,
                                       std::string_view issuer);

// A signed statement as it goes into the tree, and receipts for it.
struct TransparentStatement {
  Bytes entry;  // tag-18 COSE_Sign1 with an empty unprotected header
  std::vector<Bytes> receipts;
  bool operator==(const TransparentStatement&) const = default;
};

// kRejected: an entry that is no COSE_Sign1 with an empty unprotected header, no receipt or more
// than kMaxReceipts, a receipt of another form.
Result<Bytes> format_transparent_statement(const TransparentStatement& statement);
// The same, and an unprotected header with anything but receipts. Verifies nothing.
Result<TransparentStatement> parse_transparent_statement_unverified(ByteView statement);

}  // namespace avouch::tlog
