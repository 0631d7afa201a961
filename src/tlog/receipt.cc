#include "tlog/receipt.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "codec/cbor.h"
#include "codec/cose.h"
#include "tlog/bundle.h"
#include "tlog/code_points.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;

constexpr std::int64_t kRfc9162Sha256 = 1;     // verifiable data structure
constexpr std::int64_t kInclusionProofs = -1;  // of its proofs
constexpr std::size_t kMaxReceiptName = 512, kMaxReceiptKeyId = 64, kMaxReceiptPath = 63;
constexpr codec::CborLimits kReceiptLimits{kMaxReceiptBytes, 8, 128};
constexpr codec::CborLimits kTransparentLimits{kMaxTransparentBytes, 8, 128};

Error receipt_fault(std::string_view what) { return rejected("receipt: " + std::string(what)); }

bool is_receipt_name(std::string_view text) {
  return text.size() <= kMaxReceiptName && is_line(text);
}

// The value under the integer `key`, the only member of `map`.
const Cbor* only_member(const Cbor* map, std::int64_t key) {
  if (map == nullptr || map->as_map() == nullptr || map->as_map()->size() != 1) return nullptr;
  return map->find(key);
}

// A number of the tree: CBOR's integers that are not negative.
std::optional<std::uint64_t> number(const Cbor& value) {
  const std::int64_t* integer = value.as_integer();
  if (integer == nullptr || *integer < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*integer);
}

Result<Inclusion> parse_inclusion(ByteView encoded) {
  const auto proof = codec::parse_cbor(encoded, kReceiptLimits);
  if (!proof.has_value()) return with_context(proof.error(), "receipt: inclusion proof");
  const Cbor::Array* parts = proof->as_array();
  if (parts == nullptr || parts->size() != 3 || (*parts)[2].as_array() == nullptr) {
    return receipt_fault("an inclusion proof is not [size, index, [path]]");
  }
  const auto size = number((*parts)[0]);
  const auto index = number((*parts)[1]);
  if (!size || !index) return receipt_fault("size or index is not a number from 0");
  const Cbor::Array& path = *(*parts)[2].as_array();
  if (path.empty() || path.size() > kMaxReceiptPath) {
    return receipt_fault("an inclusion path has 1 to " + std::to_string(kMaxReceiptPath) +
                         " hashes");
  }
  Inclusion inclusion{.size = *size, .index = *index, .path = {}};
  for (const Cbor& element : path) {
    const Bytes* bytes = element.as_bytes();
    Hash hash{};
    if (bytes == nullptr || bytes->size() != hash.size())
      return receipt_fault("a hash has 32 bytes");
    std::copy(bytes->begin(), bytes->end(), hash.begin());
    inclusion.path.push_back(hash);
  }
  return inclusion;
}

Result<Bytes> inclusion_bytes(const codec::UnverifiedSign1& message) {
  const Cbor* proofs = only_member(&message.unprotected_header, codec::kCoseVdp);
  const Cbor* inclusions = only_member(proofs, kInclusionProofs);
  const Cbor::Array* list = inclusions == nullptr ? nullptr : inclusions->as_array();
  if (list == nullptr || list->size() != 1 || list->front().as_bytes() == nullptr) {
    return receipt_fault("the unprotected header is not {396: {-1: [one inclusion proof]}}");
  }
  return *list->front().as_bytes();
}

Result<void> read_receipt_claims(const Cbor& claims, UnverifiedReceipt& out) {
  const Cbor* issuer = claims.find(codec::kCwtIss);
  const Cbor* subject = claims.find(codec::kCwtSub);
  if (claims.as_map() == nullptr || claims.as_map()->size() != 2 || issuer == nullptr ||
      subject == nullptr || issuer->as_text() == nullptr || subject->as_text() == nullptr ||
      !is_receipt_name(*issuer->as_text()) || !is_receipt_name(*subject->as_text())) {
    return receipt_fault(
        "CWT claims (15) must be exactly iss (1) and sub (2), each a line of 1 to " +
        std::to_string(kMaxReceiptName) + " bytes");
  }
  out.issuer = *issuer->as_text();
  out.subject = *subject->as_text();
  return {};
}

Result<UnverifiedReceipt> read_receipt(const codec::UnverifiedSign1& message) {
  const Cbor& header = message.protected_header;
  const Cbor* vds = header.find(codec::kCoseVds);
  const Cbor* kid = header.find(codec::kCoseKid);
  const Cbor* claims = header.find(codec::kCoseCwtClaims);
  if (header.as_map()->size() != 4 || vds == nullptr || kid == nullptr || claims == nullptr) {
    return receipt_fault("protected header must have exactly the labels 1, 4, 15 and 395");
  }
  if (vds->as_integer() == nullptr || *vds->as_integer() != kRfc9162Sha256) {
    return receipt_fault("verifiable data structure (395) is not 1 (RFC9162_SHA256)");
  }
  UnverifiedReceipt receipt;
  const Bytes* key_id = kid->as_bytes();
  if (key_id == nullptr || key_id->empty() || key_id->size() > kMaxReceiptKeyId) {
    return receipt_fault("kid (4) is not a byte string of 1 to " +
                         std::to_string(kMaxReceiptKeyId) + " bytes");
  }
  receipt.key_id = *key_id;
  AVOUCH_CHECK(read_receipt_claims(*claims, receipt));
  if (message.payload) return receipt_fault("the payload is not detached");
  AVOUCH_TRY(const Bytes proof, inclusion_bytes(message));
  AVOUCH_TRY(receipt.inclusion, parse_inclusion(proof));
  return receipt;
}

}  // namespace

Result<Bytes> make_receipt(const crypto::PrivateKey& key, const ReceiptParts& parts) {
  if (!is_receipt_name(parts.issuer) || !is_receipt_name(parts.subject)) {
    return receipt_fault("issuer and subject must be lines of 1 to " +
                         std::to_string(kMaxReceiptName) + " bytes");
  }
  const Inclusion& in = parts.inclusion;
  if (in.path.empty()) return receipt_fault("a tree of one entry has none");
  // Any leaf tells whether the length fits.
  if (const auto fits = root_from_inclusion(in.index, in.size, Hash{}, in.path);
      !fits.has_value()) {
    return with_context(fits.error(), "receipt");
  }
  Cbor::Array path;
  for (const Hash& hash : in.path) path.push_back(Cbor::bytes(hash));
  const Bytes proof = codec::to_cbor(
      Cbor::array({Cbor::integer(static_cast<std::int64_t>(in.size)),
                   Cbor::integer(static_cast<std::int64_t>(in.index)), Cbor::array(path)}));
  Cbor::Map inner{{Cbor::integer(codec::kCoseKid), Cbor::bytes(codec::key_id(key.public_key()))},
                  {Cbor::integer(codec::kCoseCwtClaims),
                   Cbor::map({{Cbor::integer(codec::kCwtIss), Cbor::text(parts.issuer)},
                              {Cbor::integer(codec::kCwtSub), Cbor::text(parts.subject)}})},
                  {Cbor::integer(codec::kCoseVds), Cbor::integer(kRfc9162Sha256)}};
  Cbor::Map outer{
      {Cbor::integer(codec::kCoseVdp),
       Cbor::map({{Cbor::integer(kInclusionProofs), Cbor::array({Cbor::bytes(proof)})}})}};
  return codec::sign1_detached(key, std::move(inner), std::move(outer), parts.root);
}

Result<UnverifiedReceipt> parse_receipt_unverified(ByteView receipt) {
  const auto message = codec::parse_sign1_unverified(receipt, kReceiptLimits);
  if (!message.has_value()) return with_context(message.error(), "receipt");
  return read_receipt(*message);
}

Result<VerifiedReceipt> verify_receipt(ByteView receipt, const Hash& leaf,
                                       std::span<const crypto::PublicKey> keys,
                                       std::string_view issuer) {
  const auto message = codec::parse_sign1_unverified(receipt, kReceiptLimits);
  if (!message.has_value()) return with_context(message.error(), "receipt");
  AVOUCH_TRY(UnverifiedReceipt parts, read_receipt(*message));
  if (parts.issuer != issuer) {
    return receipt_fault("issuer is \"" + parts.issuer + "\", expected \"" + std::string(issuer) +
                         "\"");
  }
  const auto root =
      root_from_inclusion(parts.inclusion.index, parts.inclusion.size, leaf, parts.inclusion.path);
  if (!root.has_value()) return with_context(root.error(), "receipt");
  for (const crypto::PublicKey& key : keys) {
    if (codec::key_id(key) != parts.key_id) continue;
    const auto verified = codec::verify_sign1(*message, key, ByteView(*root));
    if (!verified.has_value()) {
      return with_context(verified.error(), "receipt: of the root to which its path leads");
    }
    return VerifiedReceipt(std::move(parts), *root);
  }
  return receipt_fault("signed by key " + to_hex(parts.key_id) +
                       ", which is none of the known ones");
}

Result<Bytes> format_transparent_statement(const TransparentStatement& statement) {
  const auto entry = codec::parse_cbor(statement.entry, kTransparentLimits);
  if (!entry.has_value()) return with_context(entry.error(), "transparent statement");
  const Cbor* message = entry->as_tagged(codec::kSign1Tag);
  const Cbor::Array* parts = message == nullptr ? nullptr : message->as_array();
  if (parts == nullptr || parts->size() != 4 || (*parts)[1].as_map() == nullptr ||
      !(*parts)[1].as_map()->empty()) {
    return rejected(
        "transparent statement: the entry is no COSE_Sign1 with an empty unprotected header");
  }
  if (statement.receipts.empty() || statement.receipts.size() > kMaxReceipts) {
    return rejected("transparent statement: expected 1 to " + std::to_string(kMaxReceipts) +
                    " receipts");
  }
  Cbor::Array receipts;
  for (const Bytes& receipt : statement.receipts) {
    AVOUCH_CHECK(parse_receipt_unverified(receipt));
    receipts.push_back(Cbor::bytes(receipt));
  }
  Cbor::Array out = *parts;
  out[1] = Cbor::map({{Cbor::integer(codec::kCoseReceipts), Cbor::array(std::move(receipts))}});
  return codec::to_cbor(Cbor::tagged(codec::kSign1Tag, Cbor::array(std::move(out))));
}

Result<TransparentStatement> parse_transparent_statement_unverified(ByteView statement) {
  const auto parsed = codec::parse_cbor(statement, kTransparentLimits);
  if (!parsed.has_value()) return with_context(parsed.error(), "transparent statement");
  const Cbor* message = parsed->as_tagged(codec::kSign1Tag);
  const Cbor::Array* parts = message == nullptr ? nullptr : message->as_array();
  const Cbor* receipts = parts == nullptr || parts->size() != 4
                             ? nullptr
                             : only_member(&(*parts)[1], codec::kCoseReceipts);
  if (receipts == nullptr || receipts->as_array() == nullptr || receipts->as_array()->empty() ||
      receipts->as_array()->size() > kMaxReceipts) {
    return rejected(
        "transparent statement: expected a COSE_Sign1 whose unprotected header is {394: [1 to " +
        std::to_string(kMaxReceipts) + " receipts]}");
  }
  TransparentStatement out;
  for (const Cbor& receipt : *receipts->as_array()) {
    const Bytes* bytes = receipt.as_bytes();
    if (bytes == nullptr) return rejected("transparent statement: a receipt is no byte string");
    AVOUCH_CHECK(parse_receipt_unverified(*bytes));
    out.receipts.push_back(*bytes);
  }
  Cbor::Array entry = *parts;
  entry[1] = Cbor::map({});
  out.entry = codec::to_cbor(Cbor::tagged(codec::kSign1Tag, Cbor::array(std::move(entry))));
  if (out.entry.size() > kMaxEntryBytes) {
    return rejected("transparent statement: its entry has more than " +
                    std::to_string(kMaxEntryBytes) + " bytes");
  }
  AVOUCH_CHECK(codec::parse_sign1_unverified(out.entry, kTransparentLimits));
  return out;
}

}  // namespace avouch::tlog
