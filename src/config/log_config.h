#pragma once

// What a log's configuration says wherever the log is written: in the controller's file (below
// `log`) and in that of `avouch-log serve`.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "config/reader.h"
#include "crypto/keys.h"

namespace avouch::config {

struct LogEngine {
  enum class Engine { kFiles, kPostgres };
  Engine engine = Engine::kFiles;
  std::string connection_file;  // with kPostgres: holds libpq's connection string, a secret

  bool is_in_database() const { return engine == Engine::kPostgres; }
};

struct LogWitnesses {
  std::string policy_file;  // a C2SP tlog-policy; empty: nobody is asked
  std::string ca_file;      // authorities of their certificates; empty: the system's
  std::chrono::milliseconds every{5'000};
  // The controller's alone: wait for them at each start, whatever the cluster remembers.
  bool require_at_start = false;
};

// Whose statements and hashedrekords are registered (tlog/registration.h, which checks names,
// kinds and keys); no issuer, no key: nobody's.
struct LogRegistration {
  struct Issuer {
    std::string name;
    std::vector<crypto::PublicKey> keys;
    std::vector<std::string> kinds;
  };
  std::size_t max_bytes = std::size_t{16} * 1024;
  std::vector<Issuer> issuers;
  std::vector<crypto::PublicKey> rekor_keys;
};

// Part readers; errors go into the section's collection.
void read_log_origin(Section& log, std::string& out);
void read_log_engine(Section& log, LogEngine& out);  // engine, connectionFile
void read_publish_within(Section& log, std::chrono::milliseconds& out);
void read_log_witnesses(Section section, LogWitnesses& out);
void read_log_registration(Section section, LogRegistration& out);

}  // namespace avouch::config
