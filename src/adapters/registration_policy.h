#pragma once

#include "config/log_config.h"
#include "tlog/registration.h"

namespace avouch::adapters {

// What the configuration says, for the log; tlog::check_policy says whether it can be in force.
inline tlog::RegistrationPolicy registration_policy_of(const config::LogRegistration& from) {
  tlog::RegistrationPolicy policy;
  policy.max_bytes = from.max_bytes;
  for (const auto& issuer : from.issuers) {
    policy.issuers.push_back({.name = issuer.name, .keys = issuer.keys, .kinds = issuer.kinds});
  }
  policy.rekor_keys = from.rekor_keys;
  return policy;
}

}  // namespace avouch::adapters
