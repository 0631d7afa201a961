#pragma once

// Being a witness for logs of others, after C2SP tlog-witness: a checkpoint is cosigned if it
// continues the last one that was, which is remembered before the answer is given. What the entries
// say is not looked at.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"
#include "tlog/tree.h"

namespace avouch::tlog {

inline constexpr std::size_t kMaxProofHashes = 63;
inline constexpr std::size_t kMaxAddCheckpointBytes = 64 * 1024;
// Of a 409, whose body is the size that the witness has.
inline constexpr std::string_view kTlogSizeType = "text/x.tlog.size";

// The body of `POST add-checkpoint`:
//
//   old SIZE, up to 63 base64 hashes of a consistency proof, an empty line, a checkpoint's note
struct AddCheckpoint {
  std::uint64_t old_size = 0;
  std::vector<Hash> proof;
  std::string note;
};

// Strictly: a size has no sign and no leading zero, a hash is 32 bytes in canonical base64.
Result<AddCheckpoint> parse_add_checkpoint(std::string_view body);
std::string format_add_checkpoint(const AddCheckpoint& request);

// What a witness remembers of each log: the note of the last checkpoint that it cosigned.
class WitnessMemory {
 public:
  virtual ~WitnessMemory() = default;

  // Nothing where none was ever cosigned. `origin` is a line of a checkpoint.
  virtual Result<std::optional<std::string>> latest(std::string_view origin) = 0;

  // Compare-and-set, on stable storage on return; what latest() gives from then on. kRetryable, and
  // nothing changed, where the present value is not `expected`, or for a passing fault. kFatal:
  // what is on stable storage is not known; the process must end. Of several calls at once that
  // expect the same value one succeeds, and the others return after it.
  virtual Result<void> replace(std::string_view origin, const std::optional<std::string>& expected,
                               std::string_view next) = 0;
};

struct WitnessedLog {
  std::string origin;
  std::vector<NoteVerifier> keys;  // any of which signs its checkpoints
};

struct WitnessAnswer {
  int status = 500;
  std::string body;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::optional<std::size_t> log;  // of which of the logs it is, once its signature has held
};

// Asked before a checkpoint of this log is cosigned, of one that could be: false answers 429.
using AdmitLog = std::function<bool(std::size_t log)>;

// One witness. Thread-safe where its memory is.
class Witness {
 public:
  // The memory outlives it. kRejected: an origin that is there twice, a log without a key.
  static Result<Witness> make(Cosigner cosigner, std::vector<WitnessedLog> logs,
                              WitnessMemory& memory);

  // 200 with a line to add to the note; 400 malformed, with more lines than can be remembered
  // beside its own, or `old` above the checkpoint's size; 404 a log that it does not know; 403 not
  // signed by that log; 409, with the size to start from (text/x.tlog.size), where `old` is not the
  // last one's, also because another request came between; 422 a proof that does not hold, another
  // root at the same size; 429 not admitted; 503 where the memory fails for now, 500 where it fails
  // for good or holds what no key of the log signed.
  WitnessAnswer add_checkpoint(std::string_view body, SystemTime now,
                               const AdmitLog& admit = {}) const;

  // `GET HEX(SHA-256(origin))/checkpoint`: the last cosigned note, with the witness' line. 404
  // where there is none.
  WitnessAnswer checkpoint(std::string_view origin_digest_hex) const;

  const std::vector<WitnessedLog>& logs() const { return logs_; }

  // When the last checkpoint of logs()[log] was cosigned, in seconds since 1970; nothing where none
  // was. kFatal, with what to do: what is remembered is not a checkpoint that the log signed and
  // this witness cosigned.
  Result<std::optional<std::uint64_t>> last_cosigned(std::size_t log) const;

 private:
  Witness(Cosigner cosigner, std::vector<WitnessedLog> logs, WitnessMemory& memory);

  Result<Checkpoint> last_checkpoint(std::size_t log, const std::optional<std::string>& note) const;
  std::optional<WitnessAnswer> refuse(const AddCheckpoint& request, const Checkpoint& claimed,
                                      std::size_t log,
                                      const std::optional<std::string>& remembered) const;

  Cosigner cosigner_;
  std::vector<WitnessedLog> logs_;
  WitnessMemory* memory_;
  std::map<std::string, std::size_t, std::less<>> by_origin_, by_digest_;  // into logs_
};

}  // namespace avouch::tlog
