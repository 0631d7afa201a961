#pragma once

// Retention: for how long a log keeps what its entries say, and serves its bundles and tiles; and
// what is gone by that. Two kinds of the log's own entries say so (FORMAT.md, 'Retention'): a
// `retention` the policy that is in force from there on, a `pruning` what that policy has come to.
// What no entry says is gone is lost.

#include <chrono>
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
#include "tlog/tile.h"

namespace avouch::tlog {

// The object of a store, and the resource that is served, that says where the newest of these
// entries are. Whoever reads it holds it against the tree.
inline constexpr std::string_view kRetentionPath = "retention";

struct RetentionPolicy {
  static constexpr std::chrono::milliseconds kLeast = std::chrono::hours(24);
  static constexpr std::chrono::milliseconds kMost = std::chrono::hours(24) * 36'500;

  // How long content is kept, and bundles and tiles are served. 0: for ever.
  std::chrono::milliseconds content{0}, entries{0};
  bool operator==(const RetentionPolicy&) const = default;
};

// kRejected: a time that is neither 0 nor from kLeast to kMost; entries that are served for a
// shorter time than their content is kept.
Result<void> check_retention_policy(const RetentionPolicy& policy);

struct Pruning {
  std::uint64_t policy = 0;         // index of the entry with the policy that allows it
  std::uint64_t content_from = 0;   // of entries below, content that may be lost is gone
  std::uint64_t minimum_index = 0;  // full tiles and bundles that end there or below are denied
  bool operator==(const Pruning&) const = default;
};

// What make_entry() takes.
codec::Cbor retention_payload(const RetentionPolicy& policy, SystemTime time);
codec::Cbor pruning_payload(const Pruning& pruning, SystemTime time);

// kRejected: a member that is missing, unknown or of another type; another version; as
// check_retention_policy; boundaries that are no multiples of 256, beyond the entry itself, or
// content that is kept of what is denied.
Result<RetentionPolicy> parse_retention(const codec::Cbor& payload);
Result<Pruning> parse_pruning(const codec::Cbor& payload, std::uint64_t own_index);

// Whether content of entries of that kind of a log's own may be erased or pruned. Without that of
// the others the log could not be audited, nor say why something is gone.
bool may_lose_content(std::string_view kind);

// What the entries of a log come to, taken in order.
struct Retention {
  struct Source {
    std::uint64_t index = 0;
    Bytes preimage;
    bool operator==(const Source&) const = default;
  };
  struct Place {
    std::uint64_t index = 0, policy = 0;  // of a pruning, and of the policy that allows it
  };
  // The entries that all of it is from, in order, and the last few of those before: for a reader
  // whose checkpoint is a little older. Each of `last_prunings` is there with its policy, so that
  // what one has moved can be told by the one before it.
  std::vector<Source> sources;
  std::optional<std::uint64_t> policy_index, pruning_index;  // the newest ones
  std::vector<Place> last_prunings;                          // three at most, the newest last
  RetentionPolicy policy;                                    // in force
  Pruning pruning;
  // Below it, the store has done what `pruning` says of content.
  std::uint64_t content_gone = 0;

  // Whether those before an entry are all taken, or only the ones that it rests on.
  enum class Before { kAll, kSome };
  // Takes an entry in. False, and nothing is changed, where it is neither kind, cannot be read, or
  // has no effect: a pruning by another policy than the newest one before it, that moves a boundary
  // back, or one that its policy leaves where it was. Its signature is not checked.
  bool take(std::uint64_t index, ByteView entry, ByteView preimage, Before before = Before::kAll);

  // Whether that full tile (level 0 for a bundle) is denied; a partial one goes with its full one.
  bool denies(const Tile& tile) const;
};

// Whether an entry is of one of the two kinds, by its bytes alone.
bool is_of_retention(ByteView entry);

// The object at kRetentionPath. `more` are further sources, of entries that are about to be
// published.
Bytes format_retention(const Retention& retention, std::span<const Retention::Source> more = {});

// Takes in entries that are about to be published, and puts the object that names them beside those
// before them. Errors as of Store::put().
Result<void> take_retention(Store& store, std::span<const Record> records, Retention& retention);

// What the object comes to under `checkpoint`; nothing is in force where there is none. Its entries
// are read and held against the checkpoint's root. kRejected for one that is damaged, or that names
// entries which do not say so, or a pruning without the policy that allows it, or by another than
// the newest before it, or one that moves what its policy keeps for ever, or moves back. The one
// that is named first has none before it where it is the newest.
Result<Retention> load_retention(TileReader& reader, const VerifiedCheckpoint& checkpoint);

// Takes content that `retention` says is gone out of at most `groups` groups of 256 entries, from
// content_gone on, and moves that. Durable on return; doing it again is harmless. A group that is
// missing or damaged is set aside (Store::set_aside()) and written anew with no more content than
// `retention` has, as nobody can tell what of it to keep; returned is which, and why. Errors as of
// Store::put(); kFatal too where a bundle is missing or damaged.
Result<std::vector<std::string>> prune_content(Store& store, std::string_view origin,
                                               std::size_t groups, Retention& retention);

}  // namespace avouch::tlog
