#pragma once

// A log that is served over HTTPS, as clients read it (C2SP tlog-tiles).

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "tlog/store.h"

namespace avouch::adapters {

struct HttpTilesOptions {
  // The prefix: "https://HOST[:PORT][/PREFIX]", with or without a slash at its end; "http://" to
  // the loopback address alone. No redirects are followed.
  std::string url;
  std::string ca_pem;                         // who may vouch for the server's name
  std::chrono::milliseconds timeout{20'000};  // for connecting, asking and the whole answer
  std::stop_token stop;                       // ends what is under way
};

// kRejected: what is wrong with the options. Nothing is connected to yet. Of the reader: nothing
// for a 404; kRetryable for whatever else is no 200, for no answer in time, for an answer that is
// compressed, and for one larger than may be: 64 KiB, a bundle 16 MiB.
Result<std::unique_ptr<tlog::TileReader>> open_http_tiles(const HttpTilesOptions& options);

}  // namespace avouch::adapters
