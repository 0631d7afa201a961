#include "inspect/release.h"

#include "inspect/rights.h"

namespace avouch::inspect {
namespace {

constexpr std::string_view kPemEnd = "-----END PUBLIC KEY-----";
constexpr std::size_t kMaxKeys = 32;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

Result<TrustAnchors> parse_trust_anchors(std::string_view verifier_keys_pem, std::string_view vkey,
                                         std::string_view origin, std::string source) {
  std::vector<crypto::PublicKey> keys;
  std::string_view rest = trimmed(verifier_keys_pem);
  while (!rest.empty()) {
    const std::size_t end = rest.find(kPemEnd);
    if (end == std::string_view::npos) {
      return rejected(source + ": verifier keys: a PEM public key has no end line");
    }
    auto key = crypto::PublicKey::from_pem(rest.substr(0, end + kPemEnd.size()));
    if (!key.has_value()) return with_context(std::move(key).error(), source + ": verifier keys");
    if (keys.size() == kMaxKeys) return rejected(source + ": more than 32 verifier keys");
    keys.push_back(*std::move(key));
    rest = trimmed(rest.substr(end + kPemEnd.size()));
  }
  if (keys.empty()) return rejected(source + ": no verifier key, expected at least one in PEM");
  auto log_key = tlog::parse_vkey(trimmed(vkey));
  if (!log_key.has_value()) return with_context(std::move(log_key).error(), source + ": log key");
  return TrustAnchors{.verifier_keys = std::move(keys),
                      .log_key = *std::move(log_key),
                      .origin = std::string(trimmed(origin)),
                      .source = std::move(source)};
}

Result<TrustAnchors> read_trust_anchors(const kube::Client& api, const ReleaseName& release) {
  const std::string name = release.name + "-trust";
  const std::string source = "ConfigMap " + release.ns + "/" + name;
  auto object = api.get(kube::config_maps(release.ns), name);
  if (!object.has_value()) {
    if (!object.error().is_not_found()) {
      return with_grant(object.error(), Role::kLogReader, release);
    }
    return rejected(source +
                    " is not there: is the release installed there, and has its controller "
                    "started? Name it with --release and --release-namespace");
  }
  return parse_trust_anchors(object->text({"data", "verifier-keys.pem"}),
                             object->text({"data", "log.vkey"}),
                             object->text({"data", "log.origin"}), source);
}

}  // namespace avouch::inspect
