#pragma once

// tlog::DisputeTaker over HTTPS: the log of a controller (docs/interfaces.md, 'Remarks').

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "tlog/fork_dispute.h"

namespace avouch::adapters {

struct RestDisputesOptions {
  // What /v1/log/disputes stands below: "https://HOST[:PORT][/PREFIX]", with or without a slash at
  // its end; "http://" to the loopback address alone. No redirects are followed.
  std::string url;
  std::string origin;                         // of its log
  std::string ca_pem;                         // who may vouch for the server's name
  std::string token_file;                     // read again when it changes
  std::chrono::milliseconds timeout{30'000};  // for connecting, asking and the whole answer
  std::stop_token stop;                       // ends what is under way
};

// Thread-safe. kRejected: what is wrong with the options; nothing is connected to yet, and the
// token file may be missing until something is taken. That an answer is true is not checked: TLS
// says who gave it.
Result<std::unique_ptr<tlog::DisputeTaker>> open_rest_disputes(RestDisputesOptions options);

}  // namespace avouch::adapters
