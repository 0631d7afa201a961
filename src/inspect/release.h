#pragma once

// Where a release keeps what people check it with, and what of that they trust.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "crypto/keys.h"
#include "kube/client.h"
#include "tlog/note.h"

namespace avouch::inspect {

struct ReleaseName {
  std::string name = "avouch";
  std::string ns = "avouch-system";
};

// The keys that every check ends in. Whoever controls them controls what is believed: an auditor
// keeps copies and gives them by file.
struct TrustAnchors {
  std::vector<crypto::PublicKey> verifier_keys;  // current first
  std::vector<tlog::NoteVerifier> log_keys;      // any of them signs its checkpoints; current first
  std::string origin;                            // of the log that is asked
  std::string source;  // "ConfigMap avouch-system/avouch-trust", for people
  // Who issues tokens, where that log is one of several (tlog/shard_name.h): their chain.
  std::string chain = {};

  const std::string& issuer() const { return chain.empty() ? origin : chain; }
};

// The same for the log of that origin, one of a chain that these are of: keys are the same, under
// its name. kRejected: an origin that is none of that chain's.
Result<TrustAnchors> anchors_for(const TrustAnchors& anchors, std::string_view origin);

// One to eight vkeys, one a line, of one name. kRejected with the line.
Result<std::vector<tlog::NoteVerifier>> parse_vkeys(std::string_view text);

// From the release's trust ConfigMap. kRejected names the member that is missing or unreadable.
Result<TrustAnchors> read_trust_anchors(const kube::Client& api, const ReleaseName& release);

// From texts: PEM public keys, one after another, and vkeys, one a line.
Result<TrustAnchors> parse_trust_anchors(std::string_view verifier_keys_pem, std::string_view vkeys,
                                         std::string_view origin, std::string source);

}  // namespace avouch::inspect
