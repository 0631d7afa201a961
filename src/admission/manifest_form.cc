#include "admission/manifest_form.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/time_text.h"
#include "codec/base64.h"
#include "codec/fields.h"
#include "crypto/x509.h"

namespace avouch::admission {
namespace {

using codec::Fields;

constexpr std::size_t kMaxCertificate = 8192;
constexpr std::string_view kPayloadType = "application/vnd.avouch.reference-manifest+json";

bool is_digest(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 3> kForms = {
      {{"sha256:", 64}, {"sha384:", 96}, {"sha512:", 128}}};
  return std::any_of(kForms.begin(), kForms.end(), [text](const auto& form) {
    return text.starts_with(form.first) && text.size() == form.first.size() + form.second &&
           text.find_first_not_of("0123456789abcdef", form.first.size()) == std::string_view::npos;
  });
}

constexpr std::string_view kDigestForm =
    "expected sha256:, sha384: or sha512: and lower-case hexadecimal digits";

std::string element(std::string_view name, std::size_t index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

void check_digest(Fields& fields, std::string_view name) {
  const auto text = fields.string(name, 135);
  if (text && !is_digest(*text)) fields.error(name, std::string(kDigestForm));
}

void check_digests(Fields& fields, std::string_view name, std::size_t max_count) {
  const auto list = fields.strings(name, max_count, 135);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!is_digest(list[i])) fields.error(element(name, i), std::string(kDigestForm));
  }
}

void check_certificates(Fields& fields, std::string_view name, std::size_t max_count) {
  const auto list = fields.strings(name, max_count, (kMaxCertificate + 2) / 3 * 4);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto der = codec::from_base64(list[i]);
    if (!der.has_value()) {
      fields.error(element(name, i), der.error().message);
      continue;
    }
    const auto certificate = crypto::Certificate::from_der(*der);
    if (!certificate.has_value()) fields.error(element(name, i), certificate.error().message);
  }
}

std::optional<SystemTime> check_time(Fields& fields, std::string_view name) {
  const auto text = fields.string(name, 64);
  if (!text) return std::nullopt;
  const auto time = from_rfc3339(*text);
  if (time.has_value()) return *time;
  fields.error(name, time.error().message);
  return std::nullopt;
}

void check_components(Fields& spec) {
  for (Fields& component : spec.objects("bootComponents", 4096)) {
    component.required_string("name", 256);
    if (!component.has("authenticode") && !component.has("digest")) {
      component.error("", "expected authenticode or digest");
    }
    check_digest(component, "authenticode");
    check_digest(component, "digest");
    component.finish();
  }
}

void check_source(Fields& ima) {
  auto source = ima.object("source");
  if (!source) return;
  if (source->has("configMap") == source->has("blob")) {
    source->error("", "expected exactly one of configMap and blob");
  }
  if (auto config_map = source->object("configMap")) {
    config_map->required_string("namespace", 63);
    config_map->required_string("name", 253);
    config_map->finish();
  }
  check_digest(*source, "blob");
  source->finish();
}

void check_ima(Fields& spec) {
  auto ima = spec.object("ima");
  if (!ima) return;
  if (!ima->has("digests") && !ima->has("source") && !ima->has("signers")) {
    ima->error("", "says nothing: expected digests, source or signers");
  }
  check_digests(*ima, "digests", 8192);
  check_source(*ima);
  check_certificates(*ima, "signers", 64);
  ima->finish();
}

void check_signature(Fields& spec) {
  auto signature = spec.object("signature");
  if (!signature) return;
  signature->required_string("payloadType");
  signature->one_of("payloadType", {kPayloadType});
  auto signatures = signature->objects("signatures", 16);
  if (signatures.empty()) signature->error("signatures", "expected 1 to 16 signatures");
  for (Fields& one : signatures) {
    one.string("keyid", 256);
    one.required_string("sig", 2048);
    one.base64("sig", 1536);
    one.finish();
  }
  signature->finish();
}

}  // namespace

Result<void> check_manifest_form(const codec::Json& document) {
  codec::FieldErrors errors;
  Fields spec(document, "spec", errors);
  if (document.is_object() && !spec.has("bootComponents") && !spec.has("secureBootCertificates") &&
      !spec.has("ima") && !spec.has("revoked")) {
    spec.error("", "says nothing: expected bootComponents, secureBootCertificates, ima or revoked");
  }
  spec.string("provider", 256);
  const auto not_before = check_time(spec, "notBefore");
  const auto not_after = check_time(spec, "notAfter");
  if (not_before && not_after && *not_before >= *not_after) {
    spec.error("notAfter", "expected a time after notBefore");
  }
  check_components(spec);
  check_certificates(spec, "secureBootCertificates", 256);
  check_ima(spec);
  check_digests(spec, "revoked", 4096);
  check_signature(spec);
  spec.finish();
  if (errors.empty()) return {};
  return rejected(errors.text());
}

}  // namespace avouch::admission
