#pragma once

// What Rekor v2 answers to whoever has put an entry into a log: a TransparencyLogEntry of
// sigstore's protobuf-specs in JSON. Clients keep it in their bundles, and need no log to verify
// those. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tlog/checkpoint.h"
#include "tlog/note.h"
#include "tlog/tree.h"

namespace avouch::tlog {

// By which clients find the key of a log: the digest of which a note's key ID is the beginning.
Hash rekor_log_id(const NoteVerifier& log_key);

struct RekorPlace {
  Hash log_id{};
  std::uint64_t index = 0;
  std::vector<Hash> path;  // from the entry's leaf to the root of `checkpoint`
  VerifiedCheckpoint checkpoint;
};

// `entry` is a hashedrekord. No time and no promise is in it: neither has Rekor v2.
std::string format_rekor_answer(ByteView entry, const RekorPlace& place);

}  // namespace avouch::tlog
