#pragma once

// tlog::WitnessExchange over HTTPS.

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "tlog/witness_client.h"

namespace avouch::adapters {

struct RestWitnessOptions {
  // The submission prefix: "https://HOST[:PORT][/PREFIX]", with or without a slash at its end;
  // "http://" to the loopback address alone. No redirects are followed.
  std::string url;
  std::string ca_pem;                        // who may vouch for the server's name
  std::chrono::milliseconds timeout{5'000};  // for connecting, asking and the whole answer
};

// kRejected: what is wrong with the options. Nothing is connected to yet.
Result<std::unique_ptr<tlog::WitnessExchange>> open_rest_witness(const RestWitnessOptions& options);

// Certificates of authorities: `file`, or the system's list where it is empty. kRejected where
// there is none, and what to install or set.
Result<std::string> witness_authorities(const std::filesystem::path& file);

}  // namespace avouch::adapters
