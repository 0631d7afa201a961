#pragma once

// What a policy accepts of a runtime log. Immutable and shared by all nodes.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/pattern.h"
#include "crypto/hash.h"
#include "runtimelog/keyring.h"

namespace avouch::runtimelog {

inline constexpr std::size_t kMaxPatterns = 64;

// Whether a set of digests has this one. Thread-safe. Usually reference::DigestSet::contains.
using DigestLookup = std::function<bool(crypto::HashAlgorithm, ByteView)>;

enum class FileRule {
  kJudge,       // every file must be known
  kReplayOnly,  // the log must be genuine; what it says of files is not judged, nor claimed
};
enum class OnViolation {
  kDeny,
  kRecord,  // counted: the kernel saw a file change while it was measured
};

struct RuleInput {
  // Of everything below, and of what it refers to (policy_digest()): findings under other rules are
  // made anew.
  crypto::Sha256 digest{};
  FileRule files = FileRule::kJudge;
  std::vector<DigestLookup> references;  // digests of contents that are accepted
  std::vector<DigestLookup> revoked;     // and of those refused whatever else accepts them
  Keyring keys;
  Keyring revoked_keys;              // accept nothing: a refusal names them
  std::vector<std::string> exclude;  // regular expressions of whole paths that are not judged
  std::vector<std::string> buffers;  // of whole names of buffer measurements that are accepted
  OnViolation violations = OnViolation::kDeny;
  bool allow_legacy = false;       // template ima, whose digests are SHA-1
  bool allow_weak_replay = false;  // no bank but SHA-1's, or the kernel pads SHA-1 in all others
  bool allow_second_boot = false;  // a log that kexec carried over
};

// A path of which an exclude may speak: absolute, in UTF-8 without control characters, at most
// 4,095 bytes, and without empty, "." and ".." parts. Backslashes stand for themselves: the binary
// log has no escapes. Any other is judged.
bool is_plain_path(std::string_view path);

class Rules {
 public:
  // kRejected names the member: rules that judge files by nothing (no references and no keys), an
  // exclude that is no regular expression, does not begin with / or accepts paths that nobody chose
  // (.*, /.*, [^x]*), more than kMaxPatterns.
  static Result<Rules> make(RuleInput input);

  const RuleInput& input() const { return input_; }
  bool is_reference(crypto::HashAlgorithm algorithm, ByteView digest) const;
  bool is_revoked(crypto::HashAlgorithm algorithm, ByteView digest) const;
  bool is_excluded(std::string_view path) const;
  bool accepts_buffer(std::string_view name) const;

 private:
  Rules() = default;
  RuleInput input_;
  std::vector<codec::Pattern> exclude_;
  std::vector<codec::Pattern> buffers_;
};

}  // namespace avouch::runtimelog
