#include "control/release_keys.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "tlog/shard_name.h"

namespace avouch::control {
namespace {

constexpr std::size_t kPseudonymBytes = 32;
constexpr std::size_t kOriginBytes = 8;
constexpr std::size_t kMostFormerKeys = 32;

Result<std::string> secret_member(const SecretData& data, const std::string& name) {
  const auto found = data.find(name);
  if (found == data.end() || found->second.empty()) {
    return rejected(name + " is missing; restore the Secret from a backup");
  }
  return found->second;
}

Result<crypto::PrivateKey> private_key(const SecretData& data, const std::string& name,
                                       crypto::KeyType type) {
  AVOUCH_TRY(const std::string pem, secret_member(data, name));
  auto key = crypto::PrivateKey::from_pem(pem);
  if (!key.has_value()) return with_context(std::move(key).error(), name);
  if (key->type() != type) {
    return rejected(name + " is a key of type " + std::string(crypto::key_type_name(key->type())) +
                    ", expected " + std::string(crypto::key_type_name(type)));
  }
  return *key;
}

Result<crypto::CertifiedKey> authority(const SecretData& data, const std::string& name) {
  AVOUCH_TRY(std::string certificate, secret_member(data, name + ".crt"));
  AVOUCH_TRY(std::string key_pem, secret_member(data, name + ".key"));
  auto certificates = crypto::Certificate::list_from_pem(certificate);
  if (!certificates.has_value()) {
    return with_context(std::move(certificates).error(), name + ".crt");
  }
  auto key = crypto::PrivateKey::from_pem(key_pem);
  if (!key.has_value()) return with_context(std::move(key).error(), name + ".key");
  AVOUCH_TRY(const crypto::PublicKey certified, certificates->front().public_key());
  if (!(certified == key->public_key())) {
    return rejected(name + ".key is not the key of " + name + ".crt");
  }
  return crypto::CertifiedKey{std::move(certificate), std::move(key_pem)};
}

Result<std::vector<std::string>> previous_authorities(const SecretData& data) {
  std::vector<std::string> out;
  const auto found = data.find("ca-previous.crt");
  if (found == data.end() || found->second.empty()) return out;
  auto certificates = crypto::Certificate::list_from_pem(found->second);
  if (!certificates.has_value()) {
    return with_context(std::move(certificates).error(), "ca-previous.crt");
  }
  for (const crypto::Certificate& certificate : *certificates) out.push_back(certificate.pem());
  return out;
}

Result<std::vector<tlog::NoteVerifier>> former_keys(const SecretData& data) {
  const std::string name = "log-former.vkey";
  std::vector<tlog::NoteVerifier> out;
  const auto found = data.find(name);
  if (found == data.end()) return out;
  std::string_view rest = found->second;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    auto key = tlog::parse_vkey(line);
    if (!key.has_value()) return with_context(std::move(key).error(), name);
    if (out.size() == kMostFormerKeys) {
      return rejected(name + " has more than " + std::to_string(kMostFormerKeys) + " lines");
    }
    out.push_back(*std::move(key));
  }
  return out;
}

}  // namespace

ReleaseKeys generate_keys(const CaRules& rules, const std::string& log_origin,
                          const std::string& origin_prefix, crypto::Random& random,
                          SystemTime now) {
  const std::string origin =
      log_origin.empty() ? origin_prefix + "/" + to_hex(crypto::random_bytes(random, kOriginBytes))
                         : log_origin;
  return ReleaseKeys{.verifier = crypto::PrivateKey::generate(crypto::KeyType::kEcP256),
                     .log = crypto::PrivateKey::generate(crypto::KeyType::kEd25519),
                     .log_next = {},
                     .log_former = {},
                     .pseudonym = crypto::random_bytes(random, kPseudonymBytes),
                     .ca = new_ca(rules, now),
                     .log_origin = origin};
}

Result<std::vector<tlog::NoteSigner>> log_signers(const ReleaseKeys& keys) {
  return log_signers(keys, keys.log_origin);
}

Result<std::vector<tlog::NoteSigner>> log_signers(const ReleaseKeys& keys,
                                                  std::string_view origin) {
  std::vector<tlog::NoteSigner> signers;
  AVOUCH_TRY(tlog::NoteSigner own, tlog::NoteSigner::make(origin, keys.log));
  signers.push_back(std::move(own));
  if (!keys.log_next) return signers;
  if (keys.log_next->public_key() == keys.log.public_key()) {
    return rejected("log-next.key is log.key: remove it");
  }
  AVOUCH_TRY(tlog::NoteSigner next, tlog::NoteSigner::make(origin, *keys.log_next));
  signers.push_back(std::move(next));
  return signers;
}

Result<std::vector<tlog::NoteVerifier>> log_verifiers(const ReleaseKeys& keys,
                                                      std::string_view origin) {
  AVOUCH_TRY(const std::vector<tlog::NoteSigner> signing, log_signers(keys, origin));
  AVOUCH_TRY(const std::vector<tlog::NoteVerifier> former, tlog::keys_for(origin, keys.log_former));
  std::vector<tlog::NoteVerifier> out;
  out.reserve(signing.size() + former.size());
  for (const tlog::NoteSigner& each : signing) out.push_back(each.verifier());
  out.insert(out.end(), former.begin(), former.end());
  return out;
}

std::string log_vkeys(std::span<const tlog::NoteSigner> signers) {
  std::string text;
  for (const tlog::NoteSigner& signer : signers) {
    text += (text.empty() ? "" : "\n") + tlog::format_vkey(signer.verifier());
  }
  return text;
}

SecretData encode_keys(const ReleaseKeys& keys) {
  SecretData data{{"verifier.key", keys.verifier.pem()},
                  {"log.key", keys.log.pem()},
                  {"pseudonym.key", std::string(as_text(keys.pseudonym))},
                  {"ca.crt", keys.ca.current.certificate_pem},
                  {"ca.key", keys.ca.current.key_pem},
                  {"log.origin", keys.log_origin}};
  if (keys.log_next) data["log-next.key"] = keys.log_next->pem();
  for (const tlog::NoteVerifier& former : keys.log_former) {
    data["log-former.vkey"] += tlog::format_vkey(former) + "\n";
  }
  if (keys.ca.next) {
    data["ca-next.crt"] = keys.ca.next->certificate_pem;
    data["ca-next.key"] = keys.ca.next->key_pem;
  }
  if (!keys.ca.previous.empty()) {
    std::string& previous = data["ca-previous.crt"];
    for (const std::string& pem : keys.ca.previous) previous += pem;
  }
  return data;
}

Result<ReleaseKeys> parse_keys(const SecretData& data) {
  AVOUCH_TRY(crypto::PrivateKey verifier,
             private_key(data, "verifier.key", crypto::KeyType::kEcP256));
  AVOUCH_TRY(crypto::PrivateKey log, private_key(data, "log.key", crypto::KeyType::kEd25519));
  std::optional<crypto::PrivateKey> log_next;
  if (data.contains("log-next.key")) {
    AVOUCH_TRY(log_next, private_key(data, "log-next.key", crypto::KeyType::kEd25519));
  }
  AVOUCH_TRY(std::vector<tlog::NoteVerifier> log_former, former_keys(data));
  AVOUCH_TRY(const std::string pseudonym, secret_member(data, "pseudonym.key"));
  if (pseudonym.size() != kPseudonymBytes) {
    return rejected("pseudonym.key has " + std::to_string(pseudonym.size()) +
                    " bytes, expected 32");
  }
  AVOUCH_TRY(std::string origin, secret_member(data, "log.origin"));
  AVOUCH_TRY(crypto::CertifiedKey current, authority(data, "ca"));
  CaSet ca{.current = std::move(current), .next = {}, .previous = {}};
  if (data.contains("ca-next.crt")) {
    AVOUCH_TRY(ca.next, authority(data, "ca-next"));
  }
  AVOUCH_TRY(ca.previous, previous_authorities(data));
  return ReleaseKeys{.verifier = std::move(verifier),
                     .log = std::move(log),
                     .log_next = std::move(log_next),
                     .log_former = std::move(log_former),
                     .pseudonym = to_bytes(pseudonym),
                     .ca = std::move(ca),
                     .log_origin = std::move(origin)};
}

}  // namespace avouch::control
