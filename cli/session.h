#pragma once

// What the commands that read the log share: keys to verify by, and access to the log.

#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "inspect/log_access.h"
#include "inspect/proof.h"
#include "kube/client.h"
#include "tlog/checkpoint.h"
#include "tlog/log_policy.h"
#include "tlog/note.h"

namespace avouch::cli {

// Of any object that can be stored, as nobody is to hide one by its size.
kube::Client api_of(const Context& context);

struct Session {
  kube::Client api;
  inspect::TrustAnchors trust;
  inspect::LogAccess log;
  // The logs of the release, oldest first; empty: only one is asked for.
  std::vector<inspect::UnverifiedShard> shards = {};

  // Trust anchors from the files given, or from the release; a short-lived token of the release's
  // reader account, without which contents stay closed (said on standard error). An error too where
  // it cannot be told which logs there are: the newest is read, and no other in its place.
  static Result<Session> open(const Context& context);
};

// The newest checkpoint, by the session's keys.
Result<tlog::VerifiedCheckpoint> newest_checkpoint(Session& session);

// Where the log was read: a rejected answer means that `claim` does not hold, which is shown as a
// proof. The error itself where nothing answered or the caller may not read.
Result<Exit> disproved(const Context& context, const Session& session, const std::string& claim,
                       const Error& error);
inline const std::string kSigned = "checkpoint is signed by the log";

// The one verifier key of a log in such a file.
Result<std::vector<tlog::NoteVerifier>> read_vkey_file(const std::string& file);

// The log that --vkey, --origin and --shard mean together, without a cluster: a key of a chain is
// that of each of its logs.
struct NamedLog {
  std::vector<tlog::NoteVerifier> keys;
  std::string origin;
};
Result<NamedLog> named_log(const Common& common);

// A C2SP tlog-policy that the user named; nothing for "".
Result<std::optional<tlog::LogPolicy>> read_log_policy_file(const std::string& file);

// An entry's content as the controller gave it, checked against the entry's own signature and
// commitment (not against the tree: that is what `log show` and `verify` do).
struct Content {
  codec::Cbor payload;   // null where withheld
  std::string withheld;  // why, or ""
  std::string broken;    // why it does not hold, or ""
};
Content content_of(const inspect::UnverifiedListed& listed, const inspect::TrustAnchors& trust);

// An entry as the lists show it: index, kind, time, payload or why there is none.
codec::Json entry_json(const inspect::UnverifiedListed& listed, const Content& content);

Exit show_proof(const inspect::ProofStep& proof, Format format,
                const std::optional<codec::Json>& payload = std::nullopt);

}  // namespace avouch::cli
