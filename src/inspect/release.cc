#include "inspect/release.h"

#include "inspect/rights.h"
#include "tlog/shard_name.h"

namespace avouch::inspect {
namespace {

constexpr std::string_view kPemEnd = "-----END PUBLIC KEY-----";
constexpr std::size_t kMaxKeys = 32;
constexpr std::size_t kMaxLogKeys = 8;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

Result<std::vector<tlog::NoteVerifier>> parse_vkeys(std::string_view text) {
  std::vector<tlog::NoteVerifier> keys;
  std::string_view rest = trimmed(text);
  for (std::size_t number = 1; number == 1 || !rest.empty(); ++number) {
    const std::string_view line = trimmed(rest.substr(0, rest.find('\n')));
    rest = rest.find('\n') == std::string_view::npos ? "" : rest.substr(rest.find('\n') + 1);
    if (line.empty() && number > 1) continue;
    if (keys.size() == kMaxLogKeys) {
      return rejected("more than " + std::to_string(kMaxLogKeys) + " keys");
    }
    auto key = tlog::parse_vkey(line);
    if (!key.has_value()) {
      return number == 1 && rest.empty()
                 ? std::move(key).error()
                 : with_context(std::move(key).error(), "line " + std::to_string(number));
    }
    if (!keys.empty() && keys.front().name != key->name) {
      return rejected("line " + std::to_string(number) + ": a key of \"" + key->name +
                      "\", the first is of \"" + keys.front().name + "\"");
    }
    keys.push_back(*std::move(key));
  }
  return keys;
}

Result<TrustAnchors> parse_trust_anchors(std::string_view verifier_keys_pem, std::string_view vkeys,
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
  auto log_keys = parse_vkeys(vkeys);
  if (!log_keys.has_value()) return with_context(std::move(log_keys).error(), source + ": log key");
  return TrustAnchors{.verifier_keys = std::move(keys),
                      .log_keys = *std::move(log_keys),
                      .origin = std::string(trimmed(origin)),
                      .source = std::move(source)};
}

Result<TrustAnchors> anchors_for(const TrustAnchors& anchors, std::string_view origin) {
  TrustAnchors out = anchors;
  out.chain = anchors.issuer();
  out.origin = origin;
  if (!tlog::label_of(out.chain, origin)) {
    return rejected("log " + std::string(origin) + ": expected one of the logs of " + out.chain);
  }
  AVOUCH_TRY(out.log_keys, tlog::keys_for(origin, anchors.log_keys));
  return out;
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
