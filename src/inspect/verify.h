#pragma once

// Proves what was decided about a node or a pod, from the log and the keys that the caller trusts.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/token.h"
#include "base/clock.h"
#include "base/result.h"
#include "codec/cbor.h"
#include "inspect/kept_tiles.h"
#include "inspect/log_access.h"
#include "inspect/placed_pod.h"
#include "inspect/pod_record.h"
#include "inspect/proof.h"
#include "inspect/release.h"
#include "kube/client.h"
#include "tlog/checkpoint.h"
#include "tlog/client.h"
#include "tlog/log_policy.h"
#include "tlog/remark.h"
#include "tlog/retention.h"
#include "tlog/shard.h"
#include "tlog/tree.h"

namespace avouch::inspect {

// What a proof needs to be called good beyond "what is claimed is proven".
struct Demands {
  bool trusted = false;  // of a node: it is Trusted now; of a pod: it was let in
  // The node's verdict is judged again, from its record, with the same outcome.
  bool reappraise = false;
};

// How far a chain of references is followed.
struct ChainBounds {
  static constexpr int kMaxDepth = 16, kMaxEntries = 200;
  int depth = 3;     // steps from the entry, in either direction
  int entries = 50;  // in all
};

// What is said where the log has only `size` entries: kRejected.
Error no_entry(std::uint64_t index, std::uint64_t size);

// One run. Reads the newest checkpoint once and proves everything against it.
//
// What was read and does not hold is a step that fails, in the proof that is returned. An error
// says that there is nothing to prove from: kRetryable where the API server or the log does not
// answer, kRejected where there is no such object or the caller may not read it.
class Verifier {
 public:
  // `progress` is told what is being done. The references must outlive the verifier.
  Verifier(const kube::Client& api, LogAccess& log, const TrustAnchors& anchors, Clock& clock,
           std::function<void(const std::string&)> progress);

  // The logs of the release's chain, oldest first: what is asked for is looked for in whichever may
  // have it. Not called: it is one log that is asked for, whatever follows it. `log` and `anchors`
  // are of the newest.
  void look_in(std::vector<UnverifiedShard> shards) { shards_ = std::move(shards); }

  // The verdict that a node's status shows: the token's signature, node and time; the entry that
  // it is in, by itself or by an epoch's renewals; and that the log lists no newer verdict.
  Result<ProofStep> node(const std::string& name, const Demands& demands = {});

  // The admission verdict of a pod, and the node verdict that it was based on. Of several verdicts
  // of that name, the one that let the pod in that runs now; the newest where none runs.
  // An error where the pod cannot be read, of the kind of the API server's: what is proven is
  // proven of the pod that has this UID and is on its node since then.
  Result<ProofStep> pod(const std::string& ns, const std::string& name,
                        const Demands& demands = {});

  // Of each of `placed`, the entry that let it in, as pod() finds and proves it; not the node
  // verdict behind it. As many records as pods; what is not looked for at `until` stays so. For
  // pods that were placed within the last minute it waits some seconds, as their entry may be on
  // its way. An error as of pod(), where it does not pass within seconds.
  Result<std::vector<PodRecord>> pods(const std::vector<PlacedPod>& placed, SteadyTime until);

  // Entry `index`: checkpoint, inclusion, statement, content. kRejected where the log has not got
  // so many.
  Result<ProofStep> entry(std::uint64_t index);

  // Entry `index`, what it refers to and which later entries of this log refer to it, each proven
  // as above. The references themselves: those of this log by the leaf hash of the entry, those of
  // others by their proof, under the keys of `other_logs` where it names that log.
  Result<ProofStep> references(std::uint64_t index, const ChainBounds& bounds,
                               const tlog::LogPolicy* other_logs);

  // The newest checkpoint: its signature and, with an `older` note, that it continues that one;
  // where that is of an earlier log of the chain, that this one does, and how the logs follow one
  // another. After look_in(), that no log follows the newest.
  Result<ProofStep> log(std::string_view older);

  // Of each of the logs from that one on (all, for ""), its newest checkpoint, and that the next
  // follows it; of all, that none comes before the first, and in any case that none follows the
  // newest. What is not proven so is untold. Without look_in() there is none.
  Result<ProofStep> chain(std::string_view from);

  // The note of the newest checkpoint that was verified in this run; "" if none was.
  std::string checkpoint_note() const;

 private:
  struct Proven {
    ProofStep step;
    bool sound = false;  // every part holds, but for content that is withheld
    std::string kind, subject;
    std::uint64_t index = 0;
    tlog::Hash leaf{};                       // of the entry, where its inclusion holds
    codec::Cbor payload;                     // null where it is withheld, or was erased
    std::optional<std::uint64_t> erased_by;  // or pruned by
    bool is_pruned = false;
  };
  struct Chain;  // one walk along references

  Result<ProofStep> log_since(std::string_view older);  // of the log that is read
  // How the log that is read begins and ends, as its first and last entry prove it.
  struct Joints {
    tlog::ShardLinks links;
    std::string begin_untold, end_untold;  // why `links` has not got it, or ""
    bool is_begun = false;                 // its first entry says how, or its name does
  };
  enum class Of { kEnd, kBoth };
  Result<Joints> joints(const tlog::VerifiedCheckpoint& head, Of of);
  Result<std::optional<codec::Cbor>> read_joint(const tlog::VerifiedCheckpoint& head,
                                                std::uint64_t index, std::string_view kind,
                                                std::string& untold);
  // `before`: where the log before it ended; null: it is the first that is listed.
  ProofStep prove_begin(const Joints& joints, const tlog::VerifiedCheckpoint* before) const;
  static ProofStep prove_end(const Joints& joints, const UnverifiedShard* next);
  // That no log follows the one that is read, where it is the newest that is listed.
  Result<std::optional<ProofStep>> prove_newest_log();
  ProofStep prove_predecessor(const tlog::ShardLinks& links,
                              const tlog::VerifiedCheckpoint& before) const;
  // Whether it is the log of that origin that is read from now on; not where none is listed.
  bool enter(std::string_view origin);
  void enter_newest();
  // Where the entry that let a pod in may be, the likeliest first.
  std::vector<std::string> origins_for(const PlacedPod& pod) const;

  // Whether `error` says that what was read does not hold, as opposed to: could not be read.
  bool disproves(const Error& error) const;
  Result<const tlog::VerifiedCheckpoint*> checkpoint();
  // One that covers entry `index`, waited for while it is not published; the newest after that.
  Result<const tlog::VerifiedCheckpoint*> checkpoint_over(std::uint64_t index);
  // A pause between two questions, of which the user is told; false where it would end after
  // `until`.
  bool pause(SteadyTime until, const std::string& what);
  // `listed`: the entry as the controller has listed it, so that it is not asked for again.
  Result<Proven> prove(std::uint64_t index, const UnverifiedListed* listed = nullptr);
  // Why the entry does not hold together, or nothing.
  Result<std::optional<ProofStep>> prove_content(std::uint64_t index,
                                                 const UnverifiedListed* listed, Proven& out);
  // That the entry proven.erased_by erases or prunes that one; kRejected where it does not.
  Result<ProofStep> prove_erasure(const Proven& proven);
  // That content of entry `index` is pruned by what is in force; kRejected where it is not.
  Result<void> expect_pruned(std::uint64_t index);
  // Why entry `index` is not served; nothing where no entry of the log says that it is denied.
  std::optional<ProofStep> prove_denied(const tlog::VerifiedCheckpoint& head, std::uint64_t index);
  // That `claim` cannot be told, as the content is not at hand.
  static ProofStep without_content(const Proven& proven, std::string claim);
  Result<tlog::IncludedEntry> included(const tlog::VerifiedCheckpoint& head, std::uint64_t index,
                                       const UnverifiedListed* listed);
  // `record` is set where the entry holds this very token and names a record.
  Result<ProofStep> prove_token_entry(const attest::VerifiedToken& token, std::uint64_t index,
                                      std::string_view phase, std::optional<Bytes>& record);
  Result<ProofStep> prove_tokenless_entry(std::string_view node_uid, std::uint64_t index,
                                          std::string_view phase);
  enum class Wait { kForTheNextEpoch, kIfItMayCome, kNot };
  Wait wait_for_basis(const codec::Cbor& admission) const;
  Result<ProofStep> prove_renewal(const std::string& node, const tlog::Hash& token_digest,
                                  const std::string& subject, Wait wait);
  Result<ProofStep> prove_newest(const std::string& node, std::string_view node_uid,
                                 std::uint64_t index);
  Result<ProofStep> prove_status(const codec::Json& evidence, const std::string& name,
                                 std::string_view node_uid, const Demands& demands);
  // Adds to `out` what a remark refers to, and that it is one.
  Result<void> follow_references(std::uint64_t index, const Proven& from, int depth, Chain& chain,
                                 ProofStep& out);
  Result<ProofStep> prove_reference(const tlog::EntryReference& reference, const std::string& word,
                                    int depth, Chain& chain);
  // Adds to `out` the later entries that refer to this one.
  Result<void> follow_back(std::uint64_t index, const tlog::Hash& leaf, int depth, Chain& chain,
                           ProofStep& out);
  // The verdict of that token, judged again from its record; `named` is the digest that the token's
  // own log entry gives of the record, where it was read.
  Result<ProofStep> prove_again(const std::string& node, const tlog::Hash& token,
                                const std::optional<Bytes>& named);
  Result<PlacedPod> live_pod(const std::string& ns, const std::string& name);
  // How far verdicts of one pod are looked for.
  struct SearchBounds {
    int first_page = 50, pages = 2'000;  // entries of the first; pages in all
    std::optional<SteadyTime> until = {};
  };
  struct PodSearch;  // what one search has found
  static std::string unproven(const Proven& proven, const PlacedPod& pod);
  Result<PodSearch> search(const PlacedPod& pod, const SearchBounds& bounds);  // in all logs
  Result<PodSearch> search_log(const PlacedPod& pod, const SearchBounds& bounds);
  struct PodVerdict {
    Proven proven;
    std::size_t looked_at = 0;
  };
  Result<PodVerdict> verdict_of_pod(const PlacedPod& pod);
  // Again where nothing answers, for a few seconds.
  Result<PodRecord> record_in_time(const PlacedPod& pod, SteadyTime until);
  Result<PodRecord> record_of(const PlacedPod& pod, const SearchBounds& bounds);
  void look_again(const std::vector<PlacedPod>& placed, SteadyTime until,
                  std::vector<PodRecord>& records);
  Result<std::vector<ProofStep>> prove_basis(const codec::Cbor& admission, const Demands& demands);

  const kube::Client& api_;
  LogAccess& log_;
  std::optional<KeptTiles> tiles_;
  TrustAnchors anchors_;  // for the log that is read
  std::vector<UnverifiedShard> shards_;
  Clock& clock_;
  std::function<void(const std::string&)> progress_;
  std::optional<tlog::VerifiedCheckpoint> checkpoint_;
  std::optional<tlog::Retention> retention_;  // under that, once it was asked
  std::optional<SteadyTime> wait_until_;      // for checkpoints, in all
};

}  // namespace avouch::inspect
