#include "control/certificate_authority.h"

#include <algorithm>

namespace avouch::control {
namespace {

constexpr std::chrono::hours kBehindClocks{1};

Result<crypto::Certificate> first_certificate(const std::string& pem) {
  AVOUCH_TRY(const std::vector<crypto::Certificate> list, crypto::Certificate::list_from_pem(pem));
  return list.front();
}

SystemTime two_thirds(const crypto::Certificate& certificate) {
  const auto life = certificate.not_after() - certificate.not_before();
  return certificate.not_before() + life / 3 * 2;
}

crypto::CertifiedKey make(const CaRules& rules, SystemTime now) {
  return crypto::make_ca(rules.common_name, now - kBehindClocks, now + rules.life);
}

// Whether ended certificates were dropped.
enum class Pruned { kNo, kYes };

Result<Pruned> prune(std::vector<std::string>& certificates, SystemTime now) {
  Pruned pruned = Pruned::kNo;
  std::vector<std::string> kept;
  for (std::string& pem : certificates) {
    AVOUCH_TRY(const crypto::Certificate certificate, first_certificate(pem));
    if (certificate.not_after() > now) {
      kept.push_back(std::move(pem));
    } else {
      pruned = Pruned::kYes;
    }
  }
  certificates = std::move(kept);
  return pruned;
}

}  // namespace

CaSet new_ca(const CaRules& rules, SystemTime now) {
  return CaSet{.current = make(rules, now), .next = {}, .previous = {}};
}

Result<std::optional<CaSet>> advance_ca(const CaSet& set, const CaRules& rules, SystemTime now) {
  CaSet out = set;
  AVOUCH_TRY(const crypto::Certificate current, first_certificate(set.current.certificate_pem));
  AVOUCH_TRY(const Pruned pruned, prune(out.previous, now));
  bool changed = pruned == Pruned::kYes;

  if (now >= two_thirds(current) && !out.next) {
    out.next = make(rules, now);
    changed = true;
  }
  if (out.next) {
    AVOUCH_TRY(const crypto::Certificate next, first_certificate(out.next->certificate_pem));
    const SystemTime announced = next.not_before() + kBehindClocks + rules.announce;
    const SystemTime latest = current.not_after() - rules.announce;
    if (now >= announced || now >= latest) {
      if (current.not_after() > now) out.previous.push_back(out.current.certificate_pem);
      out.current = *std::move(out.next);
      out.next.reset();
      changed = true;
    }
  }
  if (!changed) return std::optional<CaSet>();
  return std::optional<CaSet>(std::move(out));
}

std::string trust_bundle(const CaSet& set) {
  std::string bundle = set.current.certificate_pem;
  if (set.next) bundle += set.next->certificate_pem;
  for (const std::string& pem : set.previous) bundle += pem;
  return bundle;
}

Result<SystemTime> renewal_time(const std::string& certificate_pem) {
  AVOUCH_TRY(const crypto::Certificate certificate, first_certificate(certificate_pem));
  return two_thirds(certificate);
}

Result<crypto::CertifiedKey> issue_serving(const CaSet& set, const crypto::ServingNames& names,
                                           std::chrono::hours life, SystemTime now) {
  AVOUCH_TRY(const crypto::Certificate ca, first_certificate(set.current.certificate_pem));
  return crypto::issue_server_certificate(set.current, names, now - kBehindClocks,
                                          std::min<SystemTime>(now + life, ca.not_after()));
}

std::optional<std::string> reason_to_reissue(const crypto::CertifiedKey& serving,
                                             const std::string& bundle, SystemTime now) {
  const auto certificates = crypto::Certificate::list_from_pem(serving.certificate_pem);
  if (!certificates.has_value()) return "the certificate is unreadable";
  const crypto::Certificate& leaf = certificates->front();

  const auto key = crypto::PrivateKey::from_pem(serving.key_pem);
  if (!key.has_value()) return "the key is unreadable";
  const auto certified = leaf.public_key();
  if (!certified.has_value() || !(*certified == key->public_key())) {
    return "the key is not the certificate's";
  }
  if (now < leaf.not_before()) return "the certificate is not valid yet";
  if (now >= two_thirds(leaf)) return "two thirds of the certificate's life have passed";

  const auto roots = crypto::Certificate::list_from_pem(bundle);
  if (!roots.has_value() || !crypto::verify_chain(leaf, {}, *roots, now).has_value()) {
    return "the certificate is not by its authority";
  }
  return std::nullopt;
}

}  // namespace avouch::control
