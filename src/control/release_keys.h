#pragma once

// The release's secrets, as they lie in the Secret R-keys. Pure.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "control/certificate_authority.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "tlog/note.h"

namespace avouch::control {

// Secret members, decoded from base64.
using SecretData = std::map<std::string, std::string>;

struct ReleaseKeys {
  crypto::PrivateKey verifier;  // P-256: verdict tokens and log statements
  crypto::PrivateKey log;       // Ed25519: checkpoints
  // Signs them beside `log`, whose place it is about to take. A person puts it there.
  std::optional<crypto::PrivateKey> log_next;
  // Keys that signed it before, which closed shards may be signed by. A person puts them there.
  std::vector<tlog::NoteVerifier> log_former;
  Bytes pseudonym;  // 32 bytes: HMAC key of the log's subjects
  CaSet ca;
  std::string log_origin;  // of the log, or of the chain of its shards, for as long as it lives
};

// `log_origin`: "" makes one, PREFIX/ and 16 random hexadecimal digits.
ReleaseKeys generate_keys(const CaRules& rules, const std::string& log_origin,
                          const std::string& origin_prefix, crypto::Random& random, SystemTime now);

// Those that sign checkpoints, the log's own first. kRejected for an origin that is no key's name,
// and for one key twice.
// `origin`: of the one of its logs that is meant (tlog/shard_name.h).
Result<std::vector<tlog::NoteSigner>> log_signers(const ReleaseKeys& keys, std::string_view origin);
Result<std::vector<tlog::NoteSigner>> log_signers(const ReleaseKeys& keys);
// Whoever may have signed a checkpoint of that log: those, and the former ones.
Result<std::vector<tlog::NoteVerifier>> log_verifiers(const ReleaseKeys& keys,
                                                      std::string_view origin);
// Their verifier keys, one a line, without a newline at the end.
std::string log_vkeys(std::span<const tlog::NoteSigner> signers);

SecretData encode_keys(const ReleaseKeys& keys);

// kRejected names the member that is missing, unreadable, or of another kind of key. Nothing is
// ever filled in: a key that is lost must not be replaced silently, since verdicts and the log's
// history hang on it.
Result<ReleaseKeys> parse_keys(const SecretData& data);

}  // namespace avouch::control
