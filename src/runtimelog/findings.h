#pragma once

// What the proven part of a boot's log said under one policy's rules: of constant size. The
// controller keeps one for each node and policy.

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/hash.h"
#include "crypto/resumable_sha256.h"
#include "runtimelog/judge.h"
#include "runtimelog/replay_state.h"

namespace avouch::runtimelog {

// Where an entry lies that the rules refuse. What it says is in the log: explain_entry().
struct IssueReference {
  std::uint64_t number = 0;
  std::uint64_t offset = 0;
  Issue issue = Issue::kNone;
  bool operator==(const IssueReference&) const = default;
};

// How many of the entries were what.
struct Counts {
  std::uint64_t refused = 0, by_reference = 0, by_signature = 0, excluded = 0, buffers = 0,
                not_judged = 0, violations = 0, second_boots = 0;
  bool operator==(const Counts&) const = default;
};

class Findings {
 public:
  static constexpr std::size_t kMaxIssues = 4;

  Findings() = default;  // of no boot and no rules: nothing continues them
  static Findings start(const BootIdentity& boot, const crypto::Sha256& rules);

  const BootIdentity& boot() const { return boot_; }
  const crypto::Sha256& rules() const { return rules_; }
  std::uint64_t offset() const { return log_.size(); }  // bytes judged
  std::uint64_t entries() const { return entries_; }
  crypto::Sha256 log_digest() const { return log_.digest_so_far(); }
  AggregateForm aggregate() const { return aggregate_; }
  const Counts& counts() const { return counts_; }
  // The first that were refused, in the order of the log: kMaxIssues of counts().refused.
  std::vector<IssueReference> issues() const;

  void add(const Entry& entry, const Judgement& judgement);

  // kEncodedSize bytes, one encoding. decode: kRejected for any other, and for numbers that no log
  // gives.
  static constexpr std::size_t kEncodedSize =
      8 + 32 + 32 + 8 + 1 + 8 * 8 + 1 + kMaxIssues * 17 + crypto::ResumableSha256::kEncodedSize;
  Bytes encode() const;
  static Result<Findings> decode(ByteView encoded);

  bool operator==(const Findings&) const = default;

 private:
  bool is_possible() const;

  BootIdentity boot_{};
  crypto::Sha256 rules_{};
  std::uint64_t entries_ = 0;
  AggregateForm aggregate_ = AggregateForm::kNone;
  Counts counts_;
  std::uint8_t issue_count_ = 0;
  std::array<IssueReference, kMaxIssues> issues_{};
  crypto::ResumableSha256 log_;
};

// All that is kept of a node with one policy.
struct NodeState {
  ReplayState replay;
  Findings findings;
};
static_assert(sizeof(NodeState) <= 1024);

}  // namespace avouch::runtimelog
