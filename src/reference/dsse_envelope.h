#pragma once

// DSSE's JSON envelope (secure-systems-lab/dsse, envelope.md 1.0): a payload of any kind together
// with the signatures over it, which are those of dsse.h. Pure.
//
//   {"payload": base64, "payloadType": text, "signatures": [{"keyid": text, "sig": base64}]}

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "reference/manifest.h"

namespace avouch::reference {

inline constexpr std::size_t kMaxEnvelopeBytes = 1024 * 1024;
inline constexpr std::size_t kMaxEnvelopeSignatures = 16;

struct UnverifiedEnvelope {
  std::string payload_type;
  std::string payload;  // any bytes; not to be read before verify_envelope()
  std::vector<ManifestSignature> signatures;
};

// With one signature, and a newline at its end. kRejected: an envelope over kMaxEnvelopeBytes.
Result<std::string> sign_envelope(const crypto::PrivateKey& key, std::string_view payload_type,
                                  std::string_view payload);

// Base64 standard or URL-safe, with padding; a keyid may be missing; members that DSSE does not
// know are ignored. kRejected with the member at fault; more than kMaxEnvelopeSignatures too.
Result<UnverifiedEnvelope> parse_envelope_unverified(std::string_view text);

// A payload that a trusted key signed as being of the type that was asked for. Made by
// verify_envelope() alone.
class VerifiedEnvelope {
 public:
  const std::string& payload() const { return payload_; }
  const crypto::PublicKey& signer() const { return signer_; }  // the first that was found

 private:
  friend Result<VerifiedEnvelope> verify_envelope(const UnverifiedEnvelope&,
                                                  std::span<const crypto::PublicKey>,
                                                  std::string_view);
  VerifiedEnvelope(std::string payload, crypto::PublicKey signer)
      : payload_(std::move(payload)), signer_(std::move(signer)) {}
  std::string payload_;
  crypto::PublicKey signer_;
};

// One good signature by one of `trusted` is enough; the keyid decides nothing. kRejected: none, or
// another payload type than `payload_type`.
Result<VerifiedEnvelope> verify_envelope(const UnverifiedEnvelope& envelope,
                                         std::span<const crypto::PublicKey> trusted,
                                         std::string_view payload_type);

}  // namespace avouch::reference
