#include "webhook/trust_anchors.h"

#include <string_view>

#include "crypto/x509.h"

namespace avouch::webhook {
namespace {

constexpr std::string_view kEnd = "-----END PUBLIC KEY-----";
constexpr std::size_t kMaxKeys = 16;
constexpr std::size_t kMaxOrigin = 255;

Result<std::vector<crypto::PublicKey>> read_keys(std::string_view pem) {
  std::vector<crypto::PublicKey> keys;
  for (std::size_t end = pem.find(kEnd); end != std::string_view::npos; end = pem.find(kEnd)) {
    if (keys.size() == kMaxKeys) return rejected("more than 16 keys");
    const std::string_view one = pem.substr(0, end + kEnd.size());
    const std::size_t begin = one.rfind("-----BEGIN");
    if (begin == std::string_view::npos) return rejected("not a list of PEM public keys");
    auto key = crypto::PublicKey::from_pem(one.substr(begin));
    if (!key.has_value()) {
      return with_context(std::move(key).error(), "key " + std::to_string(keys.size() + 1));
    }
    keys.push_back(*std::move(key));
    pem.remove_prefix(one.size());
  }
  if (keys.empty()) return rejected("expected at least one PEM public key");
  return keys;
}

}  // namespace

Result<TrustAnchors> read_trust_anchors(const codec::Json& config_map) {
  TrustAnchors anchors;
  auto keys = read_keys(config_map.text({"data", "verifier-keys.pem"}));
  if (!keys.has_value()) return with_context(std::move(keys).error(), "verifier-keys.pem");
  anchors.verifier_keys = *std::move(keys);
  anchors.log_origin = config_map.text({"data", "log.origin"});
  if (anchors.log_origin.empty() || anchors.log_origin.size() > kMaxOrigin) {
    return rejected("log.origin: expected 1 to 255 bytes");
  }
  anchors.ca_pem = config_map.text({"data", "ca.crt"});
  if (auto ca = crypto::Certificate::list_from_pem(anchors.ca_pem); !ca.has_value()) {
    return with_context(std::move(ca).error(), "ca.crt");
  }
  return anchors;
}

}  // namespace avouch::webhook
