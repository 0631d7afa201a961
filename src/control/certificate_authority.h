#pragma once

// The release's own certificate authority: when it is replaced, and by what. Pure.
//
// A CA lives through three roles, so that no client ever meets a certificate by a CA it has not had
// time to learn of: `next` is in every trust bundle and signs nothing; `current` signs; `previous`
// (certificates only) stays in the bundle until it ends.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/x509.h"

namespace avouch::control {

struct CaSet {
  crypto::CertifiedKey current;
  std::optional<crypto::CertifiedKey> next;
  std::vector<std::string> previous;  // certificates, PEM
};

struct CaRules {
  std::string common_name;
  std::chrono::hours life{43800};
  // How long `next` is only announced: longer than any client takes to read the trust bundle anew.
  std::chrono::hours announce{24};
};

// Valid from `now` less an hour (for clocks that are behind) to `now` + life.
CaSet new_ca(const CaRules& rules, SystemTime now);

// What `set` should be at `now`: a successor is announced at two thirds of the current one's life,
// takes over after `announce` (earlier if the current one has less than that left), and ended
// certificates leave the bundle. Nothing if there is nothing to do. An ended current CA is replaced
// at once. kRejected if a certificate cannot be read.
Result<std::optional<CaSet>> advance_ca(const CaSet& set, const CaRules& rules, SystemTime now);

// What clients trust: current, next, previous, as one PEM text.
std::string trust_bundle(const CaSet& set);

// When a certificate should be replaced: two thirds of its life.
Result<SystemTime> renewal_time(const std::string& certificate_pem);

// By the current CA, valid from an hour ago to now + life, but not longer than the CA.
Result<crypto::CertifiedKey> issue_serving(const CaSet& set, const crypto::ServingNames& names,
                                           std::chrono::hours life, SystemTime now);

// Why `serving` cannot go on being served at `now`, or nothing: unreadable, key and certificate
// differ, past two thirds of its life, or not by an authority of `bundle` (PEM). Does not look at
// its names.
std::optional<std::string> reason_to_reissue(const crypto::CertifiedKey& serving,
                                             const std::string& bundle, SystemTime now);

}  // namespace avouch::control
