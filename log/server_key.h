#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/log_server_config.h"
#include "crypto/keys.h"
#include "tlog/note.h"

namespace avouch::logprogram {

struct LogServerKeys {
  tlog::NoteSigner log;                  // Ed25519: checkpoints, under the origin's name
  std::optional<tlog::NoteSigner> next;  // the same, while it takes the other's place
  crypto::PrivateKey receipt;            // EC P-256: receipts, and the log's own entries
};

// kRejected, with the file's name: there is none, or it holds no such key.
Result<LogServerKeys> read_server_keys(const config::LogServerConfig& config);

// As C2SP signed-note has it, of type 01; two lines where there is a next key.
Result<std::string> server_vkey(const config::LogServerConfig& config);

// Makes both keys, and returns the vkey. kRejected, and nothing changed, where either is there, or
// the log is: it belongs to the key that signed it.
Result<std::string> make_server_keys(const config::LogServerConfig& config);

}  // namespace avouch::logprogram
