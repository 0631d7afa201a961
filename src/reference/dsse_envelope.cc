#include "reference/dsse_envelope.h"

#include <algorithm>

#include "codec/base64.h"
#include "codec/json.h"
#include "reference/dsse.h"

namespace avouch::reference {
namespace {

using codec::Json;

constexpr codec::JsonLimits kEnvelopeLimits{kMaxEnvelopeBytes, 16};

// The protocol has verifiers take both alphabets.
Result<Bytes> from_either_base64(const Json* member, const std::string& where) {
  if (member == nullptr || member->as_string() == nullptr) {
    return rejected("DSSE envelope: " + where + " is missing, or no text");
  }
  std::string text = *member->as_string();
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  auto bytes = codec::from_base64(text);
  if (!bytes.has_value()) return with_context(bytes.error(), "DSSE envelope: " + where);
  return bytes;
}

}  // namespace

Result<std::string> sign_envelope(const crypto::PrivateKey& key, std::string_view payload_type,
                                  std::string_view payload) {
  AVOUCH_TRY(const Bytes signature, dsse_sign(key, dsse_pae(payload_type, payload)));
  const Json envelope(Json::Object{
      {"payload", codec::to_base64(as_bytes(payload))},
      {"payloadType", payload_type},
      {"signatures", Json::Array{Json::Object{{"keyid", dsse_key_id(key.public_key())},
                                              {"sig", codec::to_base64(signature)}}}}});
  const std::string text = codec::to_json(envelope) + "\n";
  if (text.size() > kMaxEnvelopeBytes) {
    return rejected("DSSE envelope: has " + std::to_string(text.size()) + " bytes, at most " +
                    std::to_string(kMaxEnvelopeBytes) + " are read");
  }
  return text;
}

Result<UnverifiedEnvelope> parse_envelope_unverified(std::string_view text) {
  const auto document = codec::parse_json(text, kEnvelopeLimits);
  if (!document.has_value()) return with_context(document.error(), "DSSE envelope");
  UnverifiedEnvelope out;
  out.payload_type = document->text({"payloadType"});
  if (out.payload_type.empty()) {
    return rejected("DSSE envelope: payloadType is missing, empty or no text");
  }
  AVOUCH_TRY(const Bytes payload, from_either_base64(document->find("payload"), "payload"));
  out.payload = as_text(payload);
  const Json* signatures = document->find("signatures");
  const Json::Array* list = signatures == nullptr ? nullptr : signatures->as_array();
  if (list == nullptr || list->empty() || list->size() > kMaxEnvelopeSignatures) {
    return rejected("DSSE envelope: signatures is no list of 1 to " +
                    std::to_string(kMaxEnvelopeSignatures));
  }
  out.signatures.reserve(list->size());
  for (const Json& each : *list) {
    const std::string where = "signatures[" + std::to_string(out.signatures.size()) + "].sig";
    ManifestSignature signature;
    AVOUCH_TRY(signature.signature, from_either_base64(each.find("sig"), where));
    signature.key_id = each.text({"keyid"});
    out.signatures.push_back(std::move(signature));
  }
  return out;
}

Result<VerifiedEnvelope> verify_envelope(const UnverifiedEnvelope& envelope,
                                         std::span<const crypto::PublicKey> trusted,
                                         std::string_view payload_type) {
  const Bytes message = dsse_pae(envelope.payload_type, envelope.payload);
  for (const ManifestSignature& each : envelope.signatures) {
    for (const crypto::PublicKey& key : trusted) {
      if (!dsse_verify(key, message, each.signature).has_value()) continue;
      if (envelope.payload_type != payload_type) {
        return rejected("DSSE envelope: payloadType is \"" + envelope.payload_type +
                        "\", expected \"" + std::string(payload_type) + "\"");
      }
      return VerifiedEnvelope(envelope.payload, key);
    }
  }
  return rejected("DSSE envelope: none of its " + std::to_string(envelope.signatures.size()) +
                  " signatures is one by a key that was given (" + std::to_string(trusted.size()) +
                  " keys)");
}

}  // namespace avouch::reference
