#pragma once

// Manifests for tests.

#include <gtest/gtest.h>

#include "base/time_text.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/x509.h"
#include "reference/manifest.h"

namespace avouch::reference {

inline SystemTime at(std::string_view text) { return from_rfc3339(text).value(); }

inline Digest sha(std::string_view text) { return make_digest(crypto::sha256(text)); }

// A certificate with a P-256 key of its own.
inline crypto::Certificate some_certificate(const std::string& name) {
  const auto made = crypto::make_ca(name, at("2020-01-01T00:00:00Z"), at("2040-01-01T00:00:00Z"));
  return crypto::Certificate::list_from_pem(made.certificate_pem)->front();
}

inline std::string base64_of(const crypto::Certificate& certificate) {
  return codec::to_base64(certificate.der());
}

inline codec::Json json(std::string_view text) {
  auto parsed = codec::parse_json(text);
  EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
  return std::move(parsed).value();
}

inline std::shared_ptr<const Manifest> manifest(const std::string& name, const codec::Json& spec) {
  auto parsed = parse_manifest(name, spec);
  EXPECT_TRUE(parsed.has_value()) << (parsed.has_value() ? "" : parsed.error().message);
  return parsed.has_value() ? *parsed : std::make_shared<const Manifest>();
}

// {"authenticode": ..., "digest": ..., "name": ...}
inline codec::Json component(std::string_view name, std::string_view authenticode,
                             std::string_view digest) {
  codec::Json out = codec::Json::Object{};
  out["name"] = std::string(name);
  if (!authenticode.empty()) out["authenticode"] = digest_text(sha(authenticode));
  if (!digest.empty()) out["digest"] = digest_text(sha(digest));
  return out;
}

inline codec::Json revoking(std::string_view text) {
  return json(R"({"revoked": [")" + digest_text(sha(text)) + "\"]}");
}

}  // namespace avouch::reference
