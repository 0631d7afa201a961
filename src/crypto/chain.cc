#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/time_text.h"
#include "crypto/certificate_impl.h"

namespace avouch::crypto {
namespace {

constexpr std::size_t kLongestPath = 8;
constexpr int kMostCandidates = 200;  // that are tried
constexpr int kWeakestKey = 112;      // bits of security: RSA-2048
constexpr int kLargestRsaKey = 8192;  // bits
constexpr int kLargestExponent = 32;

X509* x509_of(const Certificate& certificate) { return certificate.impl().x509.get(); }

bool is_named_as_issuer(const Certificate& candidate, const Certificate& child) {
  return X509_NAME_cmp(X509_get_subject_name(x509_of(candidate)),
                       X509_get_issuer_name(x509_of(child))) == 0;
}

bool is_self_issued(const Certificate& certificate) {
  return is_named_as_issuer(certificate, certificate);
}

// What must hold for every certificate of the path.
Result<void> check_itself(const Certificate& certificate, SystemTime now) {
  if (now < certificate.not_before()) {
    return rejected("is not valid before " + to_rfc3339(certificate.not_before()) + ", now is " +
                    to_rfc3339(now));
  }
  if (now > certificate.not_after()) {
    return rejected("has expired at " + to_rfc3339(certificate.not_after()) + ", now is " +
                    to_rfc3339(now));
  }
  if ((X509_get_extension_flags(x509_of(certificate)) & EXFLAG_INVALID) != 0) {
    return rejected("has an extension that is malformed or stands twice");
  }
  for (const std::string& oid : certificate.unhandled_critical_extensions()) {
    return rejected("has a critical extension that is not handled here: " + oid);
  }
  return {};
}

// What must hold for an issuer with `path` (leaf first) below it.
Result<void> check_authority(const Certificate& issuer, const std::vector<Certificate>& path,
                             bool is_anchor, std::string_view usage) {
  X509* x509 = x509_of(issuer);
  if (!issuer.is_ca()) return rejected("is not a certificate authority (basicConstraints)");
  const bool has_key_usage = (X509_get_extension_flags(x509) & EXFLAG_KUSAGE) != 0;
  if (has_key_usage ? !issuer.has_key_usage("keyCertSign") : !is_anchor) {
    return rejected("may not sign certificates (keyUsage without keyCertSign)");
  }
  constexpr std::string_view kAnyUsage = "2.5.29.37.0";
  const bool has_usages = X509_get_ext_by_NID(x509, NID_ext_key_usage, -1) >= 0;
  if (!usage.empty() && !is_anchor && has_usages && !issuer.has_extended_key_usage(usage) &&
      !issuer.has_extended_key_usage(kAnyUsage)) {
    return rejected("is an authority for other purposes (extendedKeyUsage without " +
                    std::string(usage) + ")");
  }
  if (X509_get_ext_by_NID(x509, NID_name_constraints, -1) >= 0) {
    return rejected("has name constraints, which are not handled here");
  }
  const auto below = std::count_if(path.begin() + 1, path.end(), [](const Certificate& between) {
    return !is_self_issued(between);
  });
  const long most = X509_get_pathlen(x509);
  if (most >= 0 && below > most) {
    return rejected("allows " + std::to_string(most) + " authorities below it, there are " +
                    std::to_string(below));
  }
  return {};
}

// Strong, and cheap to check with.
Result<void> check_key(const EVP_PKEY* key) {
  const auto is = [&](const char* kind) { return key != nullptr && EVP_PKEY_is_a(key, kind) == 1; };
  if (is("ED25519")) return {};
  if (is("EC")) {
    constexpr std::array<std::string_view, 3> kCurves = {SN_X9_62_prime256v1, SN_secp384r1,
                                                         SN_secp521r1};
    std::array<char, 64> group{};
    const bool is_listed =
        EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
        std::find(kCurves.begin(), kCurves.end(), std::string_view(group.data())) != kCurves.end();
    if (is_listed) return {};
    return rejected("has an EC key on a curve that is not accepted: expected P-256, P-384, P-521");
  }
  if (!is("RSA") && !is("RSA-PSS")) return rejected("has a key of a kind that is not accepted");
  if (EVP_PKEY_get_security_bits(key) < kWeakestKey) {
    return rejected("has a key that is too weak: at least RSA-2048 or EC P-256 is expected");
  }
  BIGNUM* exponent = nullptr;
  ensure(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1, "RSA exponent");
  const BignumPtr owned(exponent);
  if (EVP_PKEY_get_bits(key) > kLargestRsaKey || BN_num_bits(exponent) > kLargestExponent) {
    return rejected("has a key that is too large: at most RSA-" + std::to_string(kLargestRsaKey) +
                    " with an exponent of " + std::to_string(kLargestExponent) +
                    " bits is accepted");
  }
  return {};
}

bool is_strong_signature(X509* child) {
  constexpr std::array kDigests = {NID_sha256, NID_sha384, NID_sha512};
  int digest = NID_undef;
  int key_kind = NID_undef;
  if (X509_get_signature_info(child, &digest, &key_kind, nullptr, nullptr) != 1) return false;
  return key_kind == NID_ED25519 ||
         std::find(kDigests.begin(), kDigests.end(), digest) != kDigests.end();
}

// Whether `issuer`'s key has signed `child`.
Result<void> check_link(const Certificate& child, const Certificate& issuer) {
  if (!is_strong_signature(x509_of(child))) {
    return rejected("has not signed with SHA-256, SHA-384 or SHA-512");
  }
  EVP_PKEY* key = X509_get0_pubkey(x509_of(issuer));
  const auto sound = check_key(key);
  const bool is_signed = sound.has_value() && X509_verify(x509_of(child), key) == 1;
  ERR_clear_error();
  AVOUCH_CHECK(sound);
  if (!is_signed) {
    return rejected("has the name of the issuer, but the signature is not by its key");
  }
  return {};
}

// Depth first over every candidate, since several authorities may have one name. Signatures are
// checked from the anchor down, each link once: no key is calculated with that nobody vouches for,
// as whoever sends certificates chooses what such a calculation costs.
class Search {
 public:
  Search(const std::vector<Certificate>& intermediates, const std::vector<Certificate>& roots,
         SystemTime now, std::string_view usage)
      : intermediates_(intermediates), roots_(roots), now_(now), usage_(usage) {}

  Result<std::vector<Certificate>> from(const Certificate& leaf) {
    if (auto sound = check_itself(leaf, now_); !sound.has_value()) {
      return with_context(std::move(sound).error(), "certificate " + display_name(leaf));
    }
    path_.push_back(leaf);
    if (reaches_an_anchor()) return std::move(path_);
    if (candidates_ == kMostCandidates) {
      reason_ = "none was found among the first " + std::to_string(candidates_) +
                " candidates: leave out certificates of the same name that are not needed";
    }
    return rejected("no path from certificate " + display_name(leaf) +
                    " to the trust bundle: " + reason_);
  }

 private:
  // Leaves the path at its end, with the anchor.
  bool reaches_an_anchor() {
    const Certificate child = path_.back();
    bool has_candidate = false;
    for (const bool is_anchor : {true, false}) {
      for (const Certificate& candidate : is_anchor ? roots_ : intermediates_) {
        if (!is_named_as_issuer(candidate, child)) continue;
        has_candidate = true;
        if (!may_follow(candidate, is_anchor)) continue;
        const std::size_t size = path_.size();
        path_.push_back(candidate);
        if ((is_anchor || reaches_an_anchor()) && has_signed(candidate, child, size)) return true;
        path_.resize(size, child);
      }
    }
    if (!has_candidate) {
      note("the issuer of certificate " + display_name(child) + ", \"" +
               child.issuer().substr(0, 200) +
               "\", is neither in the trust bundle nor among the intermediates",
           path_.size());
    }
    return false;
  }

  // All that costs no calculation with a key.
  bool may_follow(const Certificate& candidate, bool is_anchor) {
    const bool is_on_path = std::any_of(path_.begin(), path_.end(), [&](const Certificate& other) {
      return other.impl().fingerprint == candidate.impl().fingerprint;
    });
    if (is_on_path) {
      return note("certificate " + display_name(candidate) + " leads back to itself", path_.size());
    }
    if (path_.size() >= kLongestPath) {
      return note("the path is longer than " + std::to_string(kLongestPath) + " certificates",
                  path_.size());
    }
    if (candidates_ == kMostCandidates) return false;
    ++candidates_;
    auto sound = check_itself(candidate, now_);
    if (sound.has_value()) sound = check_authority(candidate, path_, is_anchor, usage_);
    if (sound.has_value()) return true;
    return note("certificate " + display_name(candidate) + " " + sound.error().message,
                path_.size());
  }

  // `issuer` is an anchor, or one vouches for it.
  bool has_signed(const Certificate& issuer, const Certificate& child, std::size_t depth) {
    const auto link = std::pair(child.impl().fingerprint, issuer.impl().fingerprint);
    auto known = links_.find(link);
    if (known == links_.end()) {
      const auto checked = check_link(child, issuer);
      known = links_.emplace(link, checked.has_value() ? "" : checked.error().message).first;
    }
    if (known->second.empty()) return true;
    return note("certificate " + display_name(issuer) + " " + known->second, depth);
  }

  // Keeps the reason of the try that came furthest; always false.
  bool note(std::string reason, std::size_t depth) {
    if (reason_.empty() || depth > reason_depth_) {
      reason_ = std::move(reason);
      reason_depth_ = depth;
    }
    return false;
  }

  const std::vector<Certificate>& intermediates_;
  const std::vector<Certificate>& roots_;
  SystemTime now_;
  std::string_view usage_;
  std::vector<Certificate> path_;
  int candidates_ = 0;
  // What is wrong with a link, of child and issuer; "": nothing.
  std::map<std::pair<Sha256, Sha256>, std::string> links_;
  std::string reason_;
  std::size_t reason_depth_ = 0;
};

}  // namespace

Result<std::vector<Certificate>> verify_chain(const Certificate& leaf,
                                              const std::vector<Certificate>& intermediates,
                                              const std::vector<Certificate>& roots, SystemTime now,
                                              std::string_view usage) {
  if (roots.empty()) {
    return rejected(
        "the trust bundle is empty: no certificate can be trusted; add the TPM "
        "maker's root certificates");
  }
  return Search(intermediates, roots, now, usage).from(leaf);
}

}  // namespace avouch::crypto
