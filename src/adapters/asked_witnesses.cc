#include "adapters/asked_witnesses.h"

#include <string>
#include <utility>

#include "adapters/log_policy_file.h"
#include "adapters/rest_witness.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kMostAsked = 32;  // each has a thread

// Whether those that can be asked are enough for the quorum.
Result<void> check_reach(const tlog::LogPolicy& policy) {
  std::vector<tlog::Cosignature> possible;
  for (const tlog::KnownWitness& witness : policy.witnesses()) {
    if (!witness.url.empty()) possible.push_back({witness.key.name, witness.key.key_id, 1});
  }
  if (possible.size() > kMostAsked) {
    return rejected("has " + std::to_string(possible.size()) + " witnesses with a URL, at most " +
                    std::to_string(kMostAsked) + " are asked");
  }
  if (!policy.needs_witnesses()) {
    return rejected("says \"quorum none\"; expected a quorum, or no policy at all");
  }
  if (policy.is_met(possible)) return {};
  return rejected(
      "the quorum cannot be reached: too few of its witnesses have a URL to be asked "
      "at (witness NAME VKEY URL)");
}

}  // namespace

Result<std::optional<AskedWitnesses>> open_asked_witnesses(const config::LogWitnesses& config) {
  if (config.policy_file.empty()) return std::optional<AskedWitnesses>();
  AVOUCH_TRY(LogPolicyFile file, read_log_policy(config.policy_file));
  if (const auto reach = check_reach(file.policy); !reach.has_value()) {
    return with_context(reach.error(), config.policy_file);
  }
  std::string authorities;
  std::vector<tlog::AskedWitness> witnesses;
  for (const tlog::KnownWitness& witness : file.policy.witnesses()) {
    if (witness.url.empty()) continue;
    if (authorities.empty() && witness.url.starts_with("https://")) {
      AVOUCH_TRY(authorities, witness_authorities(config.ca_file));
    }
    auto exchange = open_rest_witness({.url = witness.url, .ca_pem = authorities});
    if (!exchange.has_value()) {
      return with_context(exchange.error(),
                          config.policy_file + ": witness \"" + witness.name + "\"");
    }
    witnesses.push_back({witness.name, witness.key, *std::move(exchange)});
  }
  return std::optional(AskedWitnesses{std::move(file.policy), std::move(witnesses)});
}

}  // namespace avouch::adapters
