#pragma once

// The log's side of C2SP tlog-witness: what is asked of a witness, and what its answer means. Pure,
// but for the seam to the network.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/cosignature.h"
#include "tlog/tree.h"

namespace avouch::tlog {

inline constexpr std::size_t kMaxWitnessReplyBytes = 64 * 1024;

struct WitnessReply {
  int status = 0;
  std::string content_type;  // without parameters, lower case
  std::string body;          // at most kMaxWitnessReplyBytes
};

// One witness, reached over the network. Both calls block until there is an answer or the
// implementation's time-out has passed, and end within a second once `stop` is requested.
// Any status is a value. kRetryable: no answer, or one over the limit. Used by one thread.
class WitnessExchange {
 public:
  virtual ~WitnessExchange() = default;

  // POST add-checkpoint.
  virtual Result<WitnessReply> add_checkpoint(const std::string& body, std::stop_token stop) = 0;

  // GET HEX(SHA-256(origin))/checkpoint, which not every witness offers.
  virtual Result<WitnessReply> checkpoint(const std::string& origin_digest_hex,
                                          std::stop_token stop) = 0;
};

// What one answer comes to.
struct WitnessOutcome {
  enum class Kind {
    kCosigned,     // `line` is the witness' own, verified, of the checkpoint that was asked for
    kAskAgain,     // it named the size that it has: prove from there
    kLater,        // it has cosigned a newer checkpoint of ours already: ask for the next one
    kRefused,      // `why`; may pass
    kAhead,        // it has seen a larger tree than this log has ever published
    kContradicts,  // it has seen another tree than this log's
  };
  Kind kind = Kind::kRefused;
  std::string line;           // with its newline
  std::uint64_t seconds = 0;  // since 1970: when it cosigned, as it says
  std::string why;
};

// What is known of a witness. A value; one owner. It begins without knowing anything: the first
// answer says from where to prove.
class WitnessProgress {
 public:
  explicit WitnessProgress(CosignerKey key) : key_(std::move(key)) {}

  // The size that the witness cosigned last, as far as known; 0 where nothing is.
  std::uint64_t size() const { return size_; }

  // The body of a request for `checkpoint` that proves from size(), which must not be above its
  // size. The proof is verified before it is sent, so that damage to our own tiles never looks like
  // a fork: kFatal for that, kRetryable where tiles cannot be read for now.
  Result<std::string> request(const VerifiedCheckpoint& checkpoint, const NodeSource& nodes) const;

  // What the answer to request(asked) means. `newest_size`: of the newest checkpoint that this log
  // has published. 409 with a size (text/x.tlog.size), or 422, and 409 without a size from those
  // who mean the same by it. A request that proved from nothing cannot be contradicted.
  WitnessOutcome take(const VerifiedCheckpoint& asked, const WitnessReply& reply,
                      std::uint64_t newest_size);

 private:
  WitnessOutcome take_line(const VerifiedCheckpoint& asked, const WitnessReply& reply);
  WitnessOutcome take_size(const VerifiedCheckpoint& asked, std::uint64_t claimed,
                           std::uint64_t newest_size);

  CosignerKey key_;
  std::uint64_t size_ = 0;
};

// The body of a 409: "SIZE\n", without sign and leading zero. Nothing where it is something else.
std::optional<std::uint64_t> parse_size_body(std::string_view body);

// How long to wait after so many failures in a row (at least 1): 1 s, doubled each time, at most a
// minute.
std::chrono::milliseconds witness_pause(std::uint64_t failures);

// What a witness shows of this log at its monitoring endpoint, where that is signed by this log's
// key and not one of its own checkpoints: larger than `newest`, or with another root than the log
// has at that size. Nothing otherwise: it proves nothing.
std::optional<VerifiedCheckpoint> foreign_checkpoint(const WitnessReply& reply,
                                                     std::span<const NoteVerifier> log_keys,
                                                     const VerifiedCheckpoint& newest,
                                                     const NodeSource& nodes);

}  // namespace avouch::tlog
