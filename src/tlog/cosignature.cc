#include "tlog/cosignature.h"

#include <limits>
#include <optional>
#include <utility>

namespace avouch::tlog {
namespace {

constexpr std::size_t kBlobBytes = 8 + 64;  // time, signature
constexpr std::uint64_t kMaxSeconds = std::numeric_limits<std::int64_t>::max();

Result<void> check_time(std::uint64_t seconds) {
  if (seconds > 0 && seconds <= kMaxSeconds) return {};
  return rejected("cosignature: time is " + std::to_string(seconds) +
                  ", expected POSIX seconds from 1 to 2^63 - 1");
}

std::string message_of(std::string_view text, std::uint64_t seconds) {
  return "cosignature/v1\ntime " + std::to_string(seconds) + "\n" + std::string(text);
}

Result<Cosignature> verify_line(const std::string& text, const NoteSignature& line,
                                const CosignerKey& key) {
  if (line.signature.size() != kBlobBytes) {
    return rejected("has " + std::to_string(line.signature.size()) +
                    " bytes behind the key ID, expected 72");
  }
  ByteReader reader(line.signature);
  AVOUCH_TRY(const std::uint64_t seconds, reader.be64("time"));
  AVOUCH_CHECK(check_time(seconds));
  AVOUCH_TRY(const ByteView signature, reader.take(reader.remaining(), "signature"));
  AVOUCH_CHECK(key.key.verify(crypto::SignatureScheme::kEd25519, crypto::HashAlgorithm::kSha512,
                              as_bytes(message_of(text, seconds)), signature));
  return Cosignature{key.name, key.key_id, seconds};
}

}  // namespace

Result<CosignerKey> parse_cosigner_vkey(std::string_view vkey) {
  AVOUCH_TRY(NamedKey key, parse_named_key(vkey, NoteKeyType::kCosignature));
  return CosignerKey{std::move(key)};
}

Result<CosignerKey> make_cosigner_key(std::string_view name, const crypto::PublicKey& key) {
  AVOUCH_TRY(NamedKey made, make_named_key(name, NoteKeyType::kCosignature, key));
  return CosignerKey{std::move(made)};
}

std::string format_cosigner_vkey(const CosignerKey& key) {
  return format_named_key(key, NoteKeyType::kCosignature);
}

Result<Cosigner> Cosigner::make(std::string_view name, const crypto::PrivateKey& key) {
  AVOUCH_TRY(CosignerKey made, make_cosigner_key(name, key.public_key()));
  return Cosigner(std::move(made), key);
}

Result<std::string> Cosigner::cosign(std::string_view checkpoint_text,
                                     std::uint64_t seconds) const {
  AVOUCH_CHECK(check_time(seconds));
  AVOUCH_TRY(const Bytes signature,
             signer_.sign(crypto::SignatureScheme::kEd25519, crypto::HashAlgorithm::kSha512,
                          as_bytes(message_of(checkpoint_text, seconds))));
  Bytes blob;
  append_be64(blob, seconds);
  append(blob, signature);
  return format_signature_line(key_.name, key_.key_id, blob);
}

Result<std::vector<Cosignature>> verify_cosignatures(const UnverifiedNote& note,
                                                     std::span<const CosignerKey> known) {
  std::vector<Cosignature> out;
  for (const CosignerKey& key : known) {
    std::optional<Cosignature> newest;
    for (const NoteSignature& line : note.signatures) {
      if (line.name != key.name || line.key_id != key.key_id) continue;
      auto verified = verify_line(note.text, line, key);
      if (!verified.has_value()) {
        return with_context(verified.error(), "cosignature by known key " + key.name);
      }
      if (!newest || newest->seconds < verified->seconds) newest = *std::move(verified);
    }
    if (newest) out.push_back(*std::move(newest));
  }
  return out;
}

}  // namespace avouch::tlog
