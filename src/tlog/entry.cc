#include "tlog/entry.h"

#include <algorithm>
#include <optional>

#include "base/hex.h"
#include "codec/cose.h"
#include "tlog/bundle.h"
#include "tlog/code_points.h"

namespace avouch::tlog {
namespace {

using codec::Cbor;

constexpr std::int64_t kSha256Alg = -16;  // IANA COSE Algorithms
constexpr std::size_t kPseudonymBytes = 16, kMaxNameBytes = 512, kMaxKindBytes = 32;
constexpr std::size_t kMaxKeyIdBytes = 64;
constexpr std::string_view kTypePrefix = "application/vnd.avouch.", kTypeSuffix = "+cbor";
constexpr codec::CborLimits kPreimageLimits{kMaxPreimageBytes, 16, 10'000};
constexpr codec::CborLimits kStatementLimits{kMaxEntryBytes, 8, 64};

std::string pseudonym(std::string_view kind, ByteView key, std::string_view subject) {
  const crypto::Sha256 mac = crypto::hmac_sha256(key, as_bytes(subject));
  return std::string(kind) + ":" + to_hex(ByteView(mac).first(kPseudonymBytes));
}

Result<void> check_name(std::string_view name, std::string_view what) {
  if (name.size() > kMaxNameBytes || !is_line(name)) {
    return rejected("entry: " + std::string(what) + " must be one line of 1 to " +
                    std::to_string(kMaxNameBytes) + " bytes");
  }
  return {};
}

Result<void> check_kind(std::string_view kind) {
  const bool fits = !kind.empty() && kind.size() <= kMaxKindBytes &&
                    std::all_of(kind.begin(), kind.end(),
                                [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
  if (!fits) {
    return rejected("entry: kind must be 1 to " + std::to_string(kMaxKindBytes) +
                    " of the characters a-z and -");
  }
  return {};
}

bool is_payload_map(const Cbor& payload) {
  const Cbor::Map* members = payload.as_map();
  return members != nullptr &&
         std::all_of(members->begin(), members->end(),
                     [](const auto& member) { return member.first.as_text() != nullptr; });
}

// The members of `map`, if it has exactly the integer keys `keys`.
bool has_exactly(const Cbor& map, std::initializer_list<std::int64_t> keys) {
  return map.as_map() != nullptr && map.as_map()->size() == keys.size() &&
         std::all_of(keys.begin(), keys.end(),
                     [&](std::int64_t key) { return map.find(key) != nullptr; });
}

Result<std::string> text_at(const Cbor& map, std::int64_t key, std::string_view what) {
  const std::string* text = map.find(key)->as_text();
  if (text == nullptr) return rejected("entry: " + std::string(what) + " is not text");
  return *text;
}

Result<std::string> parse_kind(std::string_view content_type) {
  if (!content_type.starts_with(kTypePrefix) || !content_type.ends_with(kTypeSuffix) ||
      content_type.size() < kTypePrefix.size() + kTypeSuffix.size()) {
    return rejected("entry: content type of the preimage (259) is not " + std::string(kTypePrefix) +
                    "KIND" + std::string(kTypeSuffix));
  }
  content_type.remove_prefix(kTypePrefix.size());
  content_type.remove_suffix(kTypeSuffix.size());
  AVOUCH_CHECK(check_kind(content_type));
  return std::string(content_type);
}

Result<UnverifiedStatement> read_headers(const codec::UnverifiedSign1& message) {
  const Cbor& header = message.protected_header;
  if (!has_exactly(header, {codec::kCoseAlg, codec::kCoseKid, codec::kCoseCwtClaims,
                            codec::kCosePayloadHashAlg, codec::kCosePreimageContentType})) {
    return rejected("entry: protected header must have exactly the labels 1, 4, 15, 258 and 259");
  }
  const std::int64_t* hash_alg = header.find(codec::kCosePayloadHashAlg)->as_integer();
  if (hash_alg == nullptr || *hash_alg != kSha256Alg) {
    return rejected("entry: payload hash algorithm (258) is not -16 (SHA-256)");
  }
  const Bytes* key_id = header.find(codec::kCoseKid)->as_bytes();
  if (key_id == nullptr || key_id->empty() || key_id->size() > kMaxKeyIdBytes) {
    return rejected("entry: kid (4) is not a byte string of 1 to " +
                    std::to_string(kMaxKeyIdBytes) + " bytes");
  }
  const Cbor& claims = *header.find(codec::kCoseCwtClaims);
  if (!has_exactly(claims, {codec::kCwtIss, codec::kCwtSub})) {
    return rejected("entry: CWT claims (15) must be exactly iss (1) and sub (2)");
  }
  UnverifiedStatement statement;
  statement.key_id = *key_id;
  AVOUCH_TRY(statement.issuer, text_at(claims, codec::kCwtIss, "iss"));
  AVOUCH_TRY(statement.subject, text_at(claims, codec::kCwtSub, "sub"));
  AVOUCH_CHECK(check_name(statement.issuer, "iss"));
  AVOUCH_CHECK(check_name(statement.subject, "sub"));
  AVOUCH_TRY(const std::string type,
             text_at(header, codec::kCosePreimageContentType, "content type of the preimage"));
  AVOUCH_TRY(statement.kind, parse_kind(type));
  return statement;
}

Result<UnverifiedStatement> read_statement(const codec::UnverifiedSign1& message) {
  const Cbor::Map* unprotected = message.unprotected_header.as_map();
  if (unprotected == nullptr || !unprotected->empty()) {
    return rejected("entry: unprotected header is not empty");
  }
  AVOUCH_TRY(UnverifiedStatement statement, read_headers(message));
  if (!message.payload || message.payload->size() != statement.preimage_digest.size()) {
    return rejected("entry: payload is not the 32-byte SHA-256 of a preimage");
  }
  std::copy(message.payload->begin(), message.payload->end(), statement.preimage_digest.begin());
  return statement;
}

}  // namespace

std::string node_pseudonym(ByteView key, std::string_view node_uid) {
  return pseudonym("node", key, "node\n" + std::string(node_uid));
}

std::string pod_pseudonym(ByteView key, std::string_view pod_namespace, std::string_view pod) {
  return pseudonym("pod", key, "pod\n" + std::string(pod_namespace) + "\n" + std::string(pod));
}

std::string policy_pseudonym(ByteView key, std::string_view policy) {
  return pseudonym("policy", key, "policy\n" + std::string(policy));
}

std::string log_pseudonym(ByteView key) { return pseudonym("log", key, "log"); }

std::string entry_pseudonym(ByteView key, std::string_view origin, std::uint64_t index) {
  return pseudonym("entry", key, "entry\n" + std::string(origin) + "\n" + std::to_string(index));
}

Result<NewEntry> make_entry(const crypto::PrivateKey& key, const EntryParts& parts,
                            crypto::Random& random) {
  AVOUCH_CHECK(check_name(parts.issuer, "issuer"));
  AVOUCH_CHECK(check_name(parts.subject, "subject"));
  AVOUCH_CHECK(check_kind(parts.kind));
  if (!is_payload_map(parts.payload)) return rejected("entry: payload is no map with text keys");

  NewEntry entry;
  entry.preimage = codec::to_cbor(
      Cbor::array({Cbor::bytes(crypto::random_bytes(random, kSaltBytes)), parts.payload}));
  if (entry.preimage.size() > kMaxPreimageBytes) {
    return rejected("entry: preimage has " + std::to_string(entry.preimage.size()) +
                    " bytes, at most " + std::to_string(kMaxPreimageBytes) + " are kept");
  }
  const std::string type = std::string(kTypePrefix) + parts.kind + std::string(kTypeSuffix);
  Cbor::Map header{{Cbor::integer(codec::kCoseKid), Cbor::bytes(codec::key_id(key.public_key()))},
                   {Cbor::integer(codec::kCoseCwtClaims),
                    Cbor::map({{Cbor::integer(codec::kCwtIss), Cbor::text(parts.issuer)},
                               {Cbor::integer(codec::kCwtSub), Cbor::text(parts.subject)}})},
                   {Cbor::integer(codec::kCosePayloadHashAlg), Cbor::integer(kSha256Alg)},
                   {Cbor::integer(codec::kCosePreimageContentType), Cbor::text(type)}};
  AVOUCH_TRY(entry.statement, codec::sign1(key, std::move(header), crypto::sha256(entry.preimage)));
  return entry;
}

Result<UnverifiedStatement> parse_statement_unverified(ByteView entry) {
  AVOUCH_TRY(const codec::UnverifiedSign1 message,
             codec::parse_sign1_unverified(entry, kStatementLimits));
  return read_statement(message);
}

Result<Statement> verify_statement(ByteView entry, std::span<const crypto::PublicKey> keys,
                                   std::string_view issuer) {
  AVOUCH_TRY(const codec::UnverifiedSign1 message,
             codec::parse_sign1_unverified(entry, kStatementLimits));
  AVOUCH_TRY(UnverifiedStatement statement, read_statement(message));
  if (statement.issuer != issuer) {
    return rejected("entry: issuer is \"" + statement.issuer + "\", expected \"" +
                    std::string(issuer) + "\"");
  }
  for (const crypto::PublicKey& key : keys) {
    if (codec::key_id(key) != statement.key_id) continue;
    AVOUCH_CHECK(codec::verify_sign1(message, key));
    return Statement(std::move(statement));
  }
  return rejected("entry: signed by key " + to_hex(statement.key_id) +
                  ", which is none of the known verifier keys");
}

Result<Cbor> open_preimage(const Hash& digest, ByteView preimage) {
  if (crypto::sha256(preimage) != digest) {
    return rejected("preimage: its SHA-256 is not the one in the entry");
  }
  AVOUCH_TRY(const Cbor value, codec::parse_cbor(preimage, kPreimageLimits));
  const Cbor::Array* parts = value.as_array();
  if (parts == nullptr || parts->size() != 2) {
    return rejected("preimage: expected an array of salt and payload");
  }
  const Bytes* salt = (*parts)[0].as_bytes();
  if (salt == nullptr || salt->size() != kSaltBytes) {
    return rejected("preimage: salt is not a byte string of 32 bytes");
  }
  if (!is_payload_map((*parts)[1])) return rejected("preimage: payload is no map with text keys");
  return (*parts)[1];
}

}  // namespace avouch::tlog
