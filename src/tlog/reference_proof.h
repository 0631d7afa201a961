#pragma once

// Whether an entry that somebody refers to is where they say: by this log's own tree, or by a proof
// under the key of a log that is trusted (FORMAT.md, 'Remark'). Pure and thread-safe.

#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/log_policy.h"
#include "tlog/remark.h"
#include "tlog/tree.h"

namespace avouch::tlog {

// A reference that holds. Made by the functions below alone.
class VerifiedReference {
 public:
  const EntryReference& reference() const { return reference_; }  // as it is kept

 private:
  friend Result<VerifiedReference> verify_own_reference(const EntryReference&, ByteView,
                                                        std::span<const Hash>,
                                                        const VerifiedCheckpoint&);
  friend Result<VerifiedReference> verify_foreign_reference(const EntryReference&,
                                                            const LogPolicy&);
  explicit VerifiedReference(EntryReference reference) : reference_(std::move(reference)) {}
  EntryReference reference_;
};

// To an entry of the log of `at`. `entry` and `path`: the entry at that index, and its inclusion in
// `at`. kRejected: of another log; an index that `at` does not cover; another leaf hash than that
// of `entry`; a path that does not lead to the root of `at`.
Result<VerifiedReference> verify_own_reference(const EntryReference& reference, ByteView entry,
                                               std::span<const Hash> path,
                                               const VerifiedCheckpoint& at);

// To an entry of another log, by its proof. `trusted` names the logs that count, by their keys, and
// the quorum of witnesses that must have cosigned the checkpoint. Of the note's lines those that
// were verified are kept, one a key. kRejected: a log that is not in `trusted`; a proof of another
// form, index or leaf; a checkpoint that no trusted key of that log signed, that a key of the log
// or of a witness did not sign as its line says, or that no quorum cosigned; a proof that is too
// large with those lines alone.
Result<VerifiedReference> verify_foreign_reference(const EntryReference& reference,
                                                   const LogPolicy& trusted);

}  // namespace avouch::tlog
