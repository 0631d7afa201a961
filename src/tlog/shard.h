#pragma once

// How a log of a chain (shard_name.h) is joined to the next: two of its own entries (FORMAT.md,
// 'Shards').
//
//   its last entry, of kind `shard`, closes it and names the log that follows: nothing is entered
//   behind it, by anybody (log.h)
//   the first entry of the log that follows, of kind `genesis`, has the checkpoint with which it
//   ended
//
// Whoever has one of the two logs finds the other, and can tell that it is the one.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "tlog/checkpoint.h"
#include "tlog/store.h"

namespace avouch::tlog {

// What is served beside the tiles, so that who may not read the log's content can read these two.
inline constexpr std::string_view kShardPath = "shard";
inline constexpr std::string_view kPredecessorType = "predecessor";
inline constexpr std::size_t kMaxLastNote = 32 * 1024;  // of a predecessor

// What closes a log.
struct ShardEnd {
  SystemTime time{};
  std::string next;  // origin of the log that follows
  bool operator==(const ShardEnd&) const = default;
};

// What a log begins with that follows another.
struct Predecessor {
  std::string origin;
  std::string note;  // its last checkpoint, as signed and, where it was, cosigned
  bool operator==(const Predecessor&) const = default;
};

// What make_entry() takes, for kinds kShardKind and kGenesis.
codec::Cbor shard_end_payload(const ShardEnd& end);
codec::Cbor predecessor_payload(const Predecessor& predecessor, SystemTime created);

// kRejected: a member that is missing, unknown or of another type; another version; an origin that
// is no line of 1 to 512 bytes, or the log's own; a note that is no checkpoint of `origin`. No
// signature is checked.
Result<ShardEnd> parse_shard_end(const codec::Cbor& payload, std::string_view own_origin);
Result<Predecessor> parse_predecessor(const codec::Cbor& payload, std::string_view own_origin);

// Whose log an entry closes (its issuer), by its bytes alone; nothing for one of another kind.
std::optional<std::string> closes_log_of(ByteView entry);

// What a log says of its neighbours.
struct ShardLinks {
  std::optional<Predecessor> predecessor;  // nothing: it is the first
  std::optional<ShardEnd> end;             // nothing: it is open
};

// The resource at kShardPath of the log of `origin` that `store` holds at `size` entries: the
// preimages of its first and last entry, where they say such things. Errors as of
// TileReader::fetch(); kFatal where the store is damaged.
Result<Bytes> make_shard_resource(TileReader& store, std::string_view origin, std::uint64_t size);

// What that resource says under `checkpoint`, held against its root: the entries are included, and
// the first and the last. Nothing of either where the resource is not there, or does not say, and
// where the entry is not served (any more): whoever has to know looks at the entry itself.
// kRejected for one that is malformed, or says what those entries do not.
Result<ShardLinks> load_shard_links(TileReader& reader, const VerifiedCheckpoint& checkpoint);

}  // namespace avouch::tlog
