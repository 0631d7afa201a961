#pragma once

// C2SP tlog-policy: which logs somebody knows, and which witnesses must have cosigned a checkpoint.
//
//   log VKEY [URL]
//   witness NAME VKEY [URL]
//   group NAME all|any|K MEMBER...
//   quorum NAME|none                  exactly one
//
// A name is defined before it is used, and belongs to at most one group. Lines that begin with '#'
// and empty lines count for nothing. The logs of a chain (shard_name.h) may have one key. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"

namespace avouch::tlog {

inline constexpr std::size_t kMaxLogPolicyBytes = 256 * 1024;
inline constexpr std::size_t kMaxLogPolicyNames = 1024;  // logs, witnesses and groups together

struct KnownLog {
  NoteVerifier key;
  std::string url;  // "" where none is given
};

struct KnownWitness {
  std::string name;  // in the policy; the key has one of its own
  CosignerKey key;
  std::string url;
};

class LogPolicy {
 public:
  // kRejected, with the line: unknown words, a bad key, a name that is used before it is defined,
  // defined twice or in two groups, a key that is there twice, K of 0 or above the members, no
  // quorum or two, sizes over the limits.
  static Result<LogPolicy> parse(std::string_view text);

  const std::vector<KnownLog>& logs() const { return logs_; }
  const std::vector<KnownWitness>& witnesses() const { return witnesses_; }
  std::vector<CosignerKey> cosigner_keys() const;

  bool needs_witnesses() const { return quorum_.has_value(); }

  // Whether those who cosigned are a quorum. "quorum none": always.
  bool is_met(std::span<const Cosignature> cosignatures) const;

  // Whether the witnesses of these names are a quorum. "quorum none": always.
  bool is_quorum(std::span<const std::string> names) const;

  // The time, in seconds since 1970, since when no quorum says anything newer: the greatest t such
  // that the cosignatures of t and later are a quorum. Nothing where they are none, or none is
  // needed.
  std::optional<std::uint64_t> quorum_time(std::span<const Cosignature> cosignatures) const;

 private:
  // A witness, or so many of its members.
  struct Component {
    std::string name;
    std::optional<std::size_t> witness;
    std::vector<std::size_t> members;
    std::size_t needed = 0;
    bool in_group = false;
  };
  friend class LogPolicyParser;

  // Whether `component` is met by the witnesses that are marked.
  bool is_component_met(std::size_t component, const std::vector<bool>& cosigned) const;

  std::vector<KnownLog> logs_;
  std::vector<KnownWitness> witnesses_;
  std::vector<Component> components_;  // members stand before their groups
  std::optional<std::size_t> quorum_;
};

}  // namespace avouch::tlog
