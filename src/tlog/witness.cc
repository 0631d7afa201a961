#include "tlog/witness.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "base/hex.h"
#include "codec/base64.h"
#include "crypto/hash.h"

namespace avouch::tlog {
namespace {

constexpr int kRaces = 64;  // lost by one request to others that cosigned the same checkpoint

// The part of `text` before its first newline, taken from it.
Result<std::string_view> take_request_line(std::string_view& text, std::string_view what) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return rejected(std::string(what) + " is missing");
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

Result<std::uint64_t> parse_old_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (failure != std::errc() || end != text.data() + text.size() ||
      (text.size() > 1 && text.front() == '0')) {
    return rejected("old: expected a decimal number without leading zeros below 2^64");
  }
  return size;
}

Result<Hash> parse_hash(std::string_view line) {
  AVOUCH_TRY(const Bytes bytes, codec::from_base64(line));
  Hash hash{};
  if (bytes.size() != hash.size()) {
    return rejected("has " + std::to_string(bytes.size()) + " bytes, expected 32");
  }
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

WitnessAnswer answer(int status, const std::string& why) {
  return {.status = status, .body = why + "\n"};
}

WitnessAnswer storage_answer(const Error& error) {
  return answer(error.kind == ErrorKind::kRetryable ? 503 : 500, error.message);
}

// The lines in `note` of the log's own keys: what anybody else has put there is not handed on.
std::string lines_of(const UnverifiedNote& note, std::span<const NoteVerifier> keys) {
  std::string out;
  for (const NoteSignature& signature : note.signatures) {
    const bool is_ours = std::any_of(keys.begin(), keys.end(), [&](const NoteVerifier& key) {
      return key.name == signature.name && key.key_id == signature.key_id;
    });
    if (is_ours)
      out += format_signature_line(signature.name, signature.key_id, signature.signature);
  }
  return out;
}

// What is remembered next: the note with one line of each of the log's keys, and `line`. Of the
// same text those stay that are there already, so that nobody takes one away who sends the note
// without. kRejected: nobody could read it.
Result<std::string> note_with(const UnverifiedNote& note, std::span<const NoteVerifier> keys,
                              const std::string& line,
                              const std::optional<std::string>& remembered) {
  std::string next = note.text + "\n" + lines_of(note, keys);
  if (remembered) {
    AVOUCH_TRY(const UnverifiedNote last, parse_note_unverified(*remembered));
    if (last.text == note.text) next += lines_of(last, keys);
  }
  AVOUCH_TRY(next, with_one_line_a_key(next + line));
  AVOUCH_CHECK(parse_note_unverified(next));
  return next;
}

// Why `next` does not continue `last`: a status other than 200. Nothing where it does.
std::optional<WitnessAnswer> objection(const AddCheckpoint& request, const Checkpoint& next,
                                       const Checkpoint& last) {
  if (request.old_size != last.size) {
    return WitnessAnswer{
        .status = 409, .body = std::to_string(last.size) + "\n", .content_type = kTlogSizeType};
  }
  if (next.size == last.size) {
    if (!request.proof.empty()) return answer(422, "the proof must be empty: the size is the same");
    if (next.root != last.root) return answer(422, "another root at the same size: the log forked");
    return std::nullopt;
  }
  if (last.size == 0) {
    if (!request.proof.empty()) return answer(422, "the proof must be empty: old is 0");
    return std::nullopt;
  }
  const auto proven = verify_consistency(last.size, last.root, next.size, next.root, request.proof);
  if (!proven.has_value()) return answer(422, proven.error().message);
  return std::nullopt;
}

}  // namespace

Result<AddCheckpoint> parse_add_checkpoint(std::string_view body) {
  if (body.size() > kMaxAddCheckpointBytes) {
    return rejected("has " + std::to_string(body.size()) + " bytes, at most " +
                    std::to_string(kMaxAddCheckpointBytes) + " are read");
  }
  AddCheckpoint request;
  AVOUCH_TRY(std::string_view first, take_request_line(body, "line 1"));
  if (!first.starts_with("old ")) return rejected("line 1: expected \"old SIZE\"");
  first.remove_prefix(4);
  AVOUCH_TRY(request.old_size, parse_old_size(first));
  while (true) {
    AVOUCH_TRY(const std::string_view line,
               take_request_line(body, "the empty line behind the proof"));
    if (line.empty()) break;
    if (request.proof.size() == kMaxProofHashes) {
      return rejected("proof: more than " + std::to_string(kMaxProofHashes) + " hashes");
    }
    auto hash = parse_hash(line);
    if (!hash.has_value()) {
      return with_context(hash.error(), "line " + std::to_string(request.proof.size() + 2));
    }
    request.proof.push_back(*hash);
  }
  request.note = std::string(body);
  return request;
}

std::string format_add_checkpoint(const AddCheckpoint& request) {
  std::string body = "old " + std::to_string(request.old_size) + "\n";
  for (const Hash& hash : request.proof) body += codec::to_base64(hash) + "\n";
  return body + "\n" + request.note;
}

Result<Witness> Witness::make(Cosigner cosigner, std::vector<WitnessedLog> logs,
                              WitnessMemory& memory) {
  std::set<std::string_view> origins;
  for (const WitnessedLog& log : logs) {
    if (log.keys.empty()) return rejected("witness: log \"" + log.origin + "\" has no key");
    if (!origins.insert(log.origin).second) {
      return rejected("witness: log \"" + log.origin + "\" is there twice");
    }
  }
  return Witness(std::move(cosigner), std::move(logs), memory);
}

Witness::Witness(Cosigner cosigner, std::vector<WitnessedLog> logs, WitnessMemory& memory)
    : cosigner_(std::move(cosigner)), logs_(std::move(logs)), memory_(&memory) {
  for (std::size_t i = 0; i < logs_.size(); ++i) {
    by_origin_.emplace(logs_[i].origin, i);
    by_digest_.emplace(to_hex(crypto::sha256(as_bytes(logs_[i].origin))), i);
  }
}

// Of size 0 where nothing is remembered.
Result<Checkpoint> Witness::last_checkpoint(std::size_t log,
                                            const std::optional<std::string>& note) const {
  Checkpoint last;
  last.origin = logs_[log].origin;
  if (!note) return last;
  const auto verified = verify_checkpoint(*note, logs_[log].keys, logs_[log].origin);
  if (verified.has_value()) return verified->checkpoint();
  return fatal("the checkpoint that is remembered of log \"" + logs_[log].origin +
               "\" is not signed by a key that it has now, or is damaged (" +
               verified.error().message +
               "): keep the line of the log's former key until a checkpoint under the new one has "
               "been cosigned; if the key is the same, this witness must sign no more");
}

// Why this checkpoint is not cosigned, or nothing.
std::optional<WitnessAnswer> Witness::refuse(const AddCheckpoint& request,
                                             const Checkpoint& claimed, std::size_t log,
                                             const std::optional<std::string>& remembered) const {
  const auto last = last_checkpoint(log, remembered);
  if (!last.has_value()) return storage_answer(last.error());
  return objection(request, claimed, *last);
}

WitnessAnswer Witness::add_checkpoint(std::string_view body, SystemTime now,
                                      const AdmitLog& admit) const {
  const auto request = parse_add_checkpoint(body);
  if (!request.has_value()) return answer(400, request.error().message);
  const auto note = parse_note_unverified(request->note);
  if (!note.has_value()) return answer(400, note.error().message);
  const auto claimed = parse_checkpoint_unverified(note->text);
  if (!claimed.has_value()) return answer(400, claimed.error().message);

  const auto found = by_origin_.find(claimed->origin);
  if (found == by_origin_.end()) return answer(404, "this witness does not know that log");
  const std::size_t index = found->second;
  const WitnessedLog& log = logs_[index];
  const auto signed_by_log = verify_note(request->note, log.keys);
  if (!signed_by_log.has_value()) return answer(403, signed_by_log.error().message);
  const auto of_log = [index](WitnessAnswer given) {
    given.log = index;
    return given;
  };
  if (request->old_size > claimed->size) {
    return of_log(answer(400, "old is above the checkpoint's size"));
  }
  if (claimed->size == 0 && claimed->root != empty_root()) {
    return of_log(answer(422, "a log of size 0 has another root than SHA-256 of nothing"));
  }

  auto remembered = memory_->latest(log.origin);
  if (!remembered.has_value()) return of_log(storage_answer(remembered.error()));
  if (auto refused = refuse(*request, *claimed, index, *remembered)) {
    return of_log(*std::move(refused));
  }
  if (admit && !admit(index)) return of_log(answer(429, "too many checkpoints of this log"));

  const auto since_1970 = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  if (since_1970 <= 0) return of_log(answer(503, "this witness' clock is not set"));
  const auto line = cosigner_.cosign(note->text, static_cast<std::uint64_t>(since_1970));
  if (!line.has_value()) return of_log(answer(500, line.error().message));
  for (int attempt = 0; attempt < kRaces; ++attempt) {
    const auto next = note_with(*note, log.keys, *line, *remembered);
    if (!next.has_value()) return of_log(answer(400, next.error().message));
    const auto stored = memory_->replace(log.origin, *remembered, *next);
    if (stored.has_value()) return of_log({.status = 200, .body = *line});
    if (stored.error().kind != ErrorKind::kRetryable) return of_log(storage_answer(stored.error()));
    // Either the memory fails for now, or another request came first: then this one is judged anew.
    const auto present = memory_->latest(log.origin);
    if (!present.has_value()) return of_log(storage_answer(present.error()));
    if (*present == *remembered) return of_log(storage_answer(stored.error()));
    remembered = *present;
    if (auto refused = refuse(*request, *claimed, index, *remembered)) {
      return of_log(*std::move(refused));
    }
  }
  return of_log(answer(503, "too many requests about this log at once"));
}

WitnessAnswer Witness::checkpoint(std::string_view origin_digest_hex) const {
  const auto found = by_digest_.find(origin_digest_hex);
  if (found != by_digest_.end()) {
    const auto latest = memory_->latest(logs_[found->second].origin);
    if (!latest.has_value()) return storage_answer(latest.error());
    if (*latest) return {.status = 200, .body = **latest};
  }
  return answer(404, "no checkpoint of that log has been cosigned here");
}

Result<std::optional<std::uint64_t>> Witness::last_cosigned(std::size_t log) const {
  AVOUCH_TRY(const auto remembered, memory_->latest(logs_.at(log).origin));
  if (!remembered) return std::optional<std::uint64_t>();
  AVOUCH_CHECK(last_checkpoint(log, remembered));
  AVOUCH_TRY(const UnverifiedNote note, parse_note_unverified(*remembered));
  const auto ours = verify_cosignatures(note, std::span(&cosigner_.key(), 1));
  if (!ours.has_value() || ours->empty()) {
    return fatal("the checkpoint that is remembered of log \"" + logs_[log].origin +
                 "\" does not carry this witness' cosignature: the state is that of another "
                 "witness' key, or damaged");
  }
  return std::optional(ours->front().seconds);
}

}  // namespace avouch::tlog
