#pragma once

// Those who may send statements to a log that runs apart from a cluster: each has a bearer token,
// of which the log knows the SHA-256 alone.

#include <map>
#include <string>
#include <vector>

#include "control/senders.h"
#include "crypto/hash.h"

namespace avouch::control {

struct NamedWriter {
  std::string name;
  crypto::Sha256 token_sha256{};
};

// Whoever shows no token of a writer's gets 401. What is compared is digests, so that the time that
// it takes tells nothing of a token. `pool` outlives it.
class NamedWriters final : public Senders {
 public:
  NamedWriters(const std::vector<NamedWriter>& writers, WorkPool& pool);

  WorkPool::Taken receive(const HttpRequest& request, Serve serve) override;

 private:
  Sender sender_of(const HttpRequest& request) const;

  std::map<crypto::Sha256, std::string> names_;
  WorkPool& pool_;
};

}  // namespace avouch::control
