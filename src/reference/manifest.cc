#include "reference/manifest.h"

#include <algorithm>
#include <set>

#include "base/hex.h"
#include "base/time_text.h"
#include "codec/base64.h"
#include "codec/fields.h"
#include "reference/dsse.h"

namespace avouch::reference {
namespace {

using codec::Fields;

constexpr std::size_t kMaxComponents = 4096;
constexpr std::size_t kMaxInlineDigests = 8192;
constexpr std::size_t kMaxRevoked = 4096;
constexpr std::size_t kMaxSecureBoot = 256;
constexpr std::size_t kMaxSigners = 64;
constexpr std::size_t kMaxSignatures = 16;
constexpr std::size_t kMaxCertificate = 8192;
constexpr std::size_t kMaxDigestText = 135;
constexpr std::size_t kMaxSignature = 1536;

std::string element(std::string_view name, std::size_t index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

std::optional<Digest> read_digest(Fields& fields, std::string_view name) {
  const auto text = fields.string(name, kMaxDigestText);
  if (!text) return std::nullopt;
  const auto digest = parse_digest(*text);
  if (digest.has_value()) return *digest;
  fields.error(name, digest.error().message);
  return std::nullopt;
}

std::vector<Digest> read_digests(Fields& fields, std::string_view name, std::size_t max_count) {
  std::vector<Digest> out;
  std::set<Digest> seen;
  const auto texts = fields.strings(name, max_count, kMaxDigestText);
  if (fields.has(name) && texts.empty()) fields.error(name, "expected at least one digest");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto digest = parse_digest(texts[i]);
    if (!digest.has_value()) {
      fields.error(element(name, i), digest.error().message);
    } else if (!seen.insert(*digest).second) {
      fields.error(element(name, i), "is given twice");
    } else {
      out.push_back(*digest);
    }
  }
  return out;
}

std::vector<crypto::Certificate> read_certificates(Fields& fields, std::string_view name,
                                                   std::size_t max_count) {
  std::vector<crypto::Certificate> out;
  std::set<crypto::Sha256> seen;
  const auto texts = fields.strings(name, max_count, (kMaxCertificate + 2) / 3 * 4);
  if (fields.has(name) && texts.empty()) fields.error(name, "expected at least one certificate");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto der = codec::from_base64(texts[i]);
    if (!der.has_value()) {
      fields.error(element(name, i), der.error().message);
      continue;
    }
    auto certificate = crypto::Certificate::from_der(*der);
    if (!certificate.has_value()) {
      fields.error(element(name, i), certificate.error().message);
    } else if (!seen.insert(certificate->fingerprint()).second) {
      fields.error(element(name, i), "is given twice");
    } else {
      out.push_back(std::move(certificate).value());
    }
  }
  return out;
}

std::optional<SystemTime> read_time(Fields& fields, std::string_view name) {
  const auto text = fields.string(name, 64);
  if (!text) return std::nullopt;
  const auto time = from_rfc3339(*text);
  if (time.has_value()) return *time;
  fields.error(name, time.error().message);
  return std::nullopt;
}

void read_components(Fields& spec, Manifest& out) {
  auto components = spec.objects("bootComponents", kMaxComponents);
  if (spec.has("bootComponents") && components.empty()) {
    spec.error("bootComponents", "expected at least one component");
  }
  for (Fields& fields : components) {
    BootComponent component;
    component.name = fields.required_string("name", 256);
    if (!fields.has("authenticode") && !fields.has("digest")) {
      fields.error("", "expected authenticode or digest");
    }
    component.authenticode = read_digest(fields, "authenticode");
    component.digest = read_digest(fields, "digest");
    fields.finish();
    out.boot_components.push_back(std::move(component));
  }
}

std::optional<ListSource> read_source(Fields& ima, std::optional<crypto::Sha256>& list_digest) {
  auto source = ima.object("source");
  if (!source) return std::nullopt;
  std::optional<ListSource> out;
  if (source->has("configMap") == source->has("blob")) {
    source->error("", "expected exactly one of configMap and blob");
  }
  if (auto config_map = source->object("configMap")) {
    out = attest::ConfigMapName{config_map->required_string("namespace", 63),
                                config_map->required_string("name", 253)};
    config_map->finish();
  }
  if (const auto blob = source->string("blob", kMaxDigestText)) {
    const auto digest = attest::parse_digest_text(*blob);
    if (digest.has_value()) {
      out = *digest;
    } else {
      source->error("blob", digest.error().message);
    }
  }
  if (const auto text = source->string("digest", kMaxDigestText)) {
    const auto digest = attest::parse_digest_text(*text);
    if (!digest.has_value()) {
      source->error("digest", digest.error().message);
    } else if (!source->has("configMap")) {
      source->error("digest", "is of the list in a ConfigMap, and blob is a digest itself");
    } else {
      list_digest = *digest;
    }
  }
  source->finish();
  return out;
}

void read_ima(Fields& spec, Manifest& out) {
  auto ima = spec.object("ima");
  if (!ima) return;
  if (!ima->has("digests") && !ima->has("source") && !ima->has("signers")) {
    ima->error("", "says nothing: expected digests, source or signers");
  }
  const auto digests = read_digests(*ima, "digests", kMaxInlineDigests);
  if (!digests.empty()) {
    DigestSetBuilder builder(kMaxInlineDigests);
    for (const Digest& digest : digests) {
      if (const auto added = builder.add(digest); !added.has_value()) {
        ima->error("digests", added.error().message);
      }
    }
    out.ima_digests = std::move(builder).finish();
  }
  out.ima_source = read_source(*ima, out.ima_list_digest);
  const auto certificates = read_certificates(*ima, "signers", kMaxSigners);
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    auto signer = ima_signer(certificates[i]);
    if (signer.has_value()) {
      out.ima_signers.push_back(std::move(signer).value());
    } else {
      ima->error("signers",
                 "certificate \"" + certificates[i].subject() + "\": " + signer.error().message);
    }
  }
  ima->finish();
}

void read_signature(Fields& spec, Manifest& out) {
  auto signature = spec.object("signature");
  if (!signature) return;
  signature->required_string("payloadType", 64);
  signature->one_of("payloadType", {kManifestPayloadType});
  auto signatures = signature->objects("signatures", kMaxSignatures);
  if (signatures.empty()) signature->error("signatures", "expected 1 to 16 signatures");
  for (Fields& fields : signatures) {
    ManifestSignature one;
    one.key_id = fields.string("keyid", 256).value_or("");
    fields.required_string("sig", 2048);
    one.signature = fields.base64("sig", kMaxSignature).value_or(Bytes{});
    fields.finish();
    out.signatures.push_back(std::move(one));
  }
  signature->finish();
}

void read_spec(Fields spec, Manifest& out) {
  out.provider = spec.string("provider", 256).value_or("");
  out.not_before = read_time(spec, "notBefore");
  out.not_after = read_time(spec, "notAfter");
  if (out.not_before && out.not_after && *out.not_before >= *out.not_after) {
    spec.error("notAfter", "expected a time after notBefore");
  }
  read_components(spec, out);
  out.secure_boot_certificates = read_certificates(spec, "secureBootCertificates", kMaxSecureBoot);
  read_ima(spec, out);
  out.revoked = read_digests(spec, "revoked", kMaxRevoked);
  read_signature(spec, out);
  if (!spec.has("bootComponents") && !spec.has("secureBootCertificates") && !spec.has("ima") &&
      !spec.has("revoked")) {
    spec.error("", "says nothing: expected bootComponents, secureBootCertificates, ima or revoked");
  }
  spec.finish();
}

}  // namespace

Result<std::string> signed_payload(const codec::Json& spec) {
  return codec::canonical_json(spec, "signature");
}

Result<std::shared_ptr<const Manifest>> parse_manifest(std::string name, const codec::Json& spec) {
  codec::FieldErrors errors;
  const auto out = std::make_shared<Manifest>();
  out->name = std::move(name);
  read_spec(Fields(spec, "spec", errors), *out);
  if (!errors.empty()) return rejected(errors.text());
  AVOUCH_TRY(out->digest, attest::spec_digest(spec));
  if (!out->signatures.empty()) {
    AVOUCH_TRY(const std::string payload, signed_payload(spec));
    out->signed_message = dsse_pae(kManifestPayloadType, payload);
  }
  return std::shared_ptr<const Manifest>(out);
}

Result<ImaSigner> ima_signer(crypto::Certificate certificate) {
  auto key = certificate.public_key();
  if (!key.has_value()) return std::move(key).error();
  Bytes identifier = certificate.subject_key_identifier();
  if (identifier.empty()) identifier = key->key_identifier();
  if (identifier.size() < 4) {
    return rejected("its subject key identifier is shorter than the four bytes that name a key");
  }
  ImaSigner out{std::move(certificate), std::move(key).value(), {}};
  std::copy(identifier.end() - 4, identifier.end(), out.key_id.begin());
  return out;
}

}  // namespace avouch::reference
