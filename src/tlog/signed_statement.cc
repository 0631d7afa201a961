#include "tlog/signed_statement.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tlog/bundle.h"
#include "tlog/code_points.h"
#include "tlog/entry.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;

constexpr std::int64_t kPayloadHashAlg = -16;  // IANA COSE Algorithms
constexpr std::int64_t kCoseLocation = 260;    // of the preimage (RFC 9995)
constexpr std::size_t kMaxName = 512, kMaxKeyId = 64, kMaxLocation = 1024;
constexpr codec::CborLimits kLimits{kMaxEntryBytes, 8, 64};
constexpr std::array<std::int64_t, 7> kLabels = {codec::kCoseAlg,
                                                 codec::kCoseKid,
                                                 codec::kCoseCwtClaims,
                                                 codec::kCoseTyp,
                                                 codec::kCosePayloadHashAlg,
                                                 codec::kCosePreimageContentType,
                                                 kCoseLocation};

Error statement_fault(std::string_view what) { return rejected("statement: " + std::string(what)); }

bool is_name(const std::string& text) { return text.size() <= kMaxName && is_line(text); }

// Every key of `map` is one of `known`; the first that is not, else nothing.
std::optional<std::string> unknown_key(const Cbor& map, std::span<const std::int64_t> known) {
  for (const auto& [key, value] : *map.as_map()) {
    const std::int64_t* label = key.as_integer();
    if (label == nullptr) return "a text";
    if (std::find(known.begin(), known.end(), *label) == known.end()) return std::to_string(*label);
  }
  return std::nullopt;
}

Result<std::string> line_at(const Cbor& map, std::int64_t key, std::string_view what) {
  const Cbor* value = map.find(key);
  const std::string* text = value == nullptr ? nullptr : value->as_text();
  if (text == nullptr || !is_name(*text)) {
    return statement_fault(std::string(what) + " is missing, or no line of 1 to " +
                           std::to_string(kMaxName) + " bytes");
  }
  return *text;
}

Result<void> read_claims(const Cbor& header, UnverifiedSignedStatement& out) {
  const Cbor* claims = header.find(codec::kCoseCwtClaims);
  if (claims == nullptr || claims->as_map() == nullptr) {
    return statement_fault(
        "CWT claims (15) are missing from the protected header; expected iss and sub");
  }
  constexpr std::array<std::int64_t, 3> known = {codec::kCwtIss, codec::kCwtSub, codec::kCwtIat};
  if (const auto label = unknown_key(*claims, known)) {
    return statement_fault("claim " + *label +
                           " is not known; expected iss (1), sub (2) and iat (6) alone");
  }
  AVOUCH_TRY(out.issuer, line_at(*claims, codec::kCwtIss, "claim iss (15, 1)"));
  AVOUCH_TRY(out.subject, line_at(*claims, codec::kCwtSub, "claim sub (15, 2)"));
  const Cbor* issued = claims->find(codec::kCwtIat);
  if (issued != nullptr && (issued->as_integer() == nullptr || *issued->as_integer() < 0)) {
    return statement_fault("claim iat (15, 6) is no number of seconds");
  }
  return {};
}

Result<void> read_statement_headers(const Cbor& header, UnverifiedSignedStatement& out) {
  if (const auto label = unknown_key(header, kLabels)) {
    return statement_fault(
        "protected header " + *label +
        " is not taken; expected 1, 4, 15, 258, 259, and at most 16 and 260 besides (a "
        "hash envelope, RFC 9995)");
  }
  const Cbor* kid = header.find(codec::kCoseKid);
  const Bytes* key_id = kid == nullptr ? nullptr : kid->as_bytes();
  if (key_id == nullptr || key_id->empty() || key_id->size() > kMaxKeyId) {
    return statement_fault("kid (4) is missing, or no byte string of 1 to " +
                           std::to_string(kMaxKeyId) + " bytes");
  }
  out.key_id = *key_id;
  AVOUCH_CHECK(read_claims(header, out));
  const Cbor* hash = header.find(codec::kCosePayloadHashAlg);
  if (hash == nullptr || hash->as_integer() == nullptr || *hash->as_integer() != kPayloadHashAlg) {
    return statement_fault("payload hash algorithm (258) is not -16 (SHA-256)");
  }
  const Cbor* type = header.find(codec::kCosePreimageContentType);
  if (type == nullptr || type->as_text() == nullptr || !is_media_type(*type->as_text())) {
    return statement_fault(
        "content type (259) is missing, or no media type in lower case without parameters");
  }
  out.content_type = *type->as_text();
  const Cbor* typ = header.find(codec::kCoseTyp);
  if (typ != nullptr && (typ->as_text() == nullptr || !is_name(*typ->as_text()))) {
    return statement_fault("typ (16) is no line of text");
  }
  const Cbor* location = header.find(kCoseLocation);
  if (location != nullptr &&
      (location->as_text() == nullptr || location->as_text()->size() > kMaxLocation ||
       !is_line(*location->as_text()))) {
    return statement_fault("location (260) is no line of 1 to " + std::to_string(kMaxLocation) +
                           " bytes");
  }
  return {};
}

// Whether that is what keeps it from being read: an algorithm of signatures that is not taken.
bool names_other_algorithm(ByteView statement) {
  const auto message = codec::parse_cbor(statement, kLimits);
  if (!message.has_value()) return false;
  const Cbor* tagged = message->as_tagged(codec::kSign1Tag);
  const Cbor::Array* parts = tagged == nullptr ? nullptr : tagged->as_array();
  if (parts == nullptr || parts->size() != 4 || (*parts)[0].as_bytes() == nullptr) return false;
  const auto header = codec::parse_cbor(*(*parts)[0].as_bytes(), kLimits);
  if (!header.has_value()) return false;
  const Cbor* alg = header->find(codec::kCoseAlg);
  const std::int64_t* id = alg == nullptr ? nullptr : alg->as_integer();
  return id != nullptr && std::find(codec::kEs256OrEs384.begin(), codec::kEs256OrEs384.end(),
                                    *id) == codec::kEs256OrEs384.end();
}

Result<UnverifiedSignedStatement> parse(ByteView statement, StatementFault& sort) {
  if (statement.size() > kMaxEntryBytes) {
    return statement_fault("has " + std::to_string(statement.size()) + " bytes, at most " +
                           std::to_string(kMaxEntryBytes) + " fit into an entry");
  }
  auto message = codec::parse_sign1_unverified(statement, kLimits, codec::kEs256OrEs384);
  if (!message.has_value()) {
    if (names_other_algorithm(statement)) sort = StatementFault::kAlgorithm;
    return with_context(std::move(message).error(), "statement");
  }
  UnverifiedSignedStatement out;
  out.signed_message = *std::move(message);
  AVOUCH_CHECK(read_statement_headers(out.signed_message.protected_header, out));
  const std::optional<Bytes>& payload = out.signed_message.payload;
  if (!payload) {
    sort = StatementFault::kPayloadMissing;
    return statement_fault(
        "the payload is detached; expected the SHA-256 that was signed, attached");
  }
  if (payload->size() != out.digest.size()) {
    return statement_fault(
        "the payload has " + std::to_string(payload->size()) +
        " bytes; expected a SHA-256, as 258 says: sign a hash envelope (RFC 9995)");
  }
  std::copy(payload->begin(), payload->end(), out.digest.begin());
  out.entry = codec::to_cbor(Cbor::tagged(
      codec::kSign1Tag,
      Cbor::array({Cbor::bytes(out.signed_message.protected_bytes), Cbor::map({}),
                   Cbor::bytes(*payload), Cbor::bytes(out.signed_message.signature)})));
  return out;
}

}  // namespace

bool is_media_type(std::string_view text) {
  const auto is_part = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
             std::string_view("!#$&^_.+-").find(c) != std::string_view::npos;
    });
  };
  const std::size_t slash = text.find('/');
  return text.size() <= kMaxMediaType && slash != std::string_view::npos &&
         is_part(text.substr(0, slash)) && is_part(text.substr(slash + 1));
}

bool is_own_kind(std::string_view media_type) {
  constexpr std::array kOwn = {kGenesis,       kEpoch,           kNodeVerdict,   kAdmissionVerdict,
                               kPolicyChange,  kEndorsementKind, kDisputeKind,   kMeasurementKind,
                               kSupersedeKind, kErasureKind,     kRetentionKind, kPruningKind,
                               kShardKind};
  return std::any_of(kOwn.begin(), kOwn.end(), [&](std::string_view kind) {
    return media_type == "application/vnd.avouch." + std::string(kind) + "+cbor";
  });
}

Result<UnverifiedSignedStatement> parse_signed_statement_unverified(ByteView statement,
                                                                    StatementRefusal* refusal) {
  StatementFault sort = StatementFault::kMalformed;
  auto parsed = parse(statement, sort);
  if (!parsed.has_value() && refusal != nullptr) *refusal = {sort, parsed.error().message};
  return parsed;
}

const crypto::PublicKey* signer_of(const UnverifiedSignedStatement& statement,
                                   std::span<const crypto::PublicKey> keys) {
  for (const crypto::PublicKey& key : keys) {
    if (codec::verify_sign1(statement.signed_message, key).has_value()) return &key;
  }
  return nullptr;
}

std::optional<UnverifiedSignedStatement> statement_of_another(ByteView entry,
                                                              std::string_view origin) {
  auto statement = parse_signed_statement_unverified(entry);
  if (!statement.has_value() || statement->issuer == origin ||
      is_own_kind(statement->content_type)) {
    return std::nullopt;
  }
  return *std::move(statement);
}

}  // namespace avouch::tlog
