#include "tlog/witness_client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "tlog/witness.h"

namespace avouch::tlog {
namespace {

using namespace std::chrono_literals;
using Kind = WitnessOutcome::Kind;

constexpr std::size_t kMaxShown = 200;  // of an answer's body, in messages

// The first line of what a witness says, as far as it is fit to be shown.
std::string shown(const WitnessReply& reply) {
  std::string text = reply.body.substr(0, std::min(reply.body.find('\n'), kMaxShown));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return "answered " + std::to_string(reply.status) + (text.empty() ? "" : ": " + text);
}

std::string advice(int status) {
  switch (status) {
    case 400:
      return "; it finds the request malformed";
    case 403:
      return "; it has another key for this log: give it log.vkey of ConfigMap R-trust";
    case 404:
      return "; it does not know this log: have it add its vkey and origin";
    case 429:
      return "; it is asked too often: raise the time between two questions";
    default:
      return "";
  }
}

WitnessOutcome outcome(Kind kind, std::string why) {
  WitnessOutcome made;
  made.kind = kind;
  made.why = std::move(why);
  return made;
}

}  // namespace

std::optional<std::uint64_t> parse_size_body(std::string_view body) {
  if (!body.ends_with('\n')) return std::nullopt;
  body.remove_suffix(1);
  std::uint64_t size = 0;
  const auto [end, failure] = std::from_chars(body.data(), body.data() + body.size(), size);
  if (body.empty() || failure != std::errc() || end != body.data() + body.size() ||
      (body.size() > 1 && body.front() == '0')) {
    return std::nullopt;
  }
  return size;
}

Result<std::string> WitnessProgress::request(const VerifiedCheckpoint& checkpoint,
                                             const NodeSource& nodes) const {
  AddCheckpoint request{size_, {}, checkpoint.note()};
  if (size_ > 0 && size_ < checkpoint.size()) {
    auto root = make_root(size_, nodes);
    if (!root.has_value()) return std::move(root).error();
    auto proof = make_consistency_proof(size_, checkpoint.size(), nodes);
    if (!proof.has_value()) return std::move(proof).error();
    const auto holds =
        verify_consistency(size_, *root, checkpoint.size(), checkpoint.root(), *proof);
    if (!holds.has_value()) {
      return fatal("the stored tiles do not prove size " + std::to_string(checkpoint.size()) +
                   " from " + std::to_string(size_) + ": they are damaged");
    }
    request.proof = std::move(proof).value();
  }
  return format_add_checkpoint(request);
}

WitnessOutcome WitnessProgress::take(const VerifiedCheckpoint& asked, const WitnessReply& reply,
                                     std::uint64_t newest_size) {
  if (reply.status == 200) return take_line(asked, reply);
  if (reply.status == 409 && reply.content_type == kTlogSizeType) {
    const auto claimed = parse_size_body(reply.body);
    if (!claimed) return outcome(Kind::kRefused, shown(reply) + "; expected a size and a newline");
    return take_size(asked, *claimed, newest_size);
  }
  if ((reply.status == 409 || reply.status == 422) && size_ > 0) {
    return outcome(Kind::kContradicts,
                   shown(reply) + "; what it cosigned at size " + std::to_string(size_) +
                       " is not the beginning of this log at size " + std::to_string(asked.size()));
  }
  return outcome(Kind::kRefused, shown(reply) + advice(reply.status));
}

WitnessOutcome WitnessProgress::take_line(const VerifiedCheckpoint& asked,
                                          const WitnessReply& reply) {
  const auto text = parse_note_unverified(asked.note());
  if (!text.has_value()) return outcome(Kind::kRefused, text.error().message);
  const auto lines = parse_note_unverified(text->text + "\n" + reply.body);
  if (!lines.has_value() || lines->text != text->text) {
    return outcome(Kind::kRefused, "answered 200 without signature lines");
  }
  const std::array known{key_};
  const auto verified = verify_cosignatures(*lines, known);
  if (!verified.has_value()) return outcome(Kind::kRefused, verified.error().message);
  if (verified->empty()) {
    return outcome(Kind::kRefused, "answered 200 without a line by its key " + key_.name);
  }
  // Only this key's newest line: what else it sends is nobody's that we know.
  for (const NoteSignature& line : lines->signatures) {
    if (line.name != key_.name || line.key_id != key_.key_id) continue;
    ByteReader reader(line.signature);
    const auto seconds = reader.be64("time");
    if (!seconds.has_value() || *seconds != verified->front().seconds) continue;
    size_ = asked.size();
    WitnessOutcome cosigned;
    cosigned.kind = Kind::kCosigned;
    cosigned.line = format_signature_line(line.name, line.key_id, line.signature);
    cosigned.seconds = *seconds;
    return cosigned;
  }
  return outcome(Kind::kRefused, "answered 200 without a line by its key " + key_.name);
}

WitnessOutcome WitnessProgress::take_size(const VerifiedCheckpoint& asked, std::uint64_t claimed,
                                          std::uint64_t newest_size) {
  if (claimed == size_) {
    return outcome(Kind::kRefused,
                   "answered 409 with size " + std::to_string(claimed) + ", which was asked from");
  }
  if (claimed > newest_size) {
    return outcome(Kind::kAhead, "has cosigned this log at size " + std::to_string(claimed) +
                                     ", which has published no more than " +
                                     std::to_string(newest_size));
  }
  size_ = claimed;
  if (claimed > asked.size()) {
    return outcome(Kind::kLater, "has cosigned size " + std::to_string(claimed) + " already");
  }
  return outcome(Kind::kAskAgain, "has cosigned size " + std::to_string(claimed));
}

std::chrono::milliseconds witness_pause(std::uint64_t failures) {
  constexpr std::uint64_t kDoublings = 6;
  const std::uint64_t doublings = std::min(std::max<std::uint64_t>(failures, 1) - 1, kDoublings);
  return std::min<std::chrono::milliseconds>(1s * (std::int64_t{1} << doublings), 60s);
}

std::optional<VerifiedCheckpoint> foreign_checkpoint(const WitnessReply& reply,
                                                     std::span<const NoteVerifier> log_keys,
                                                     const VerifiedCheckpoint& newest,
                                                     const NodeSource& nodes) {
  if (reply.status != 200) return std::nullopt;
  auto shown_by_it = verify_checkpoint(reply.body, log_keys, newest.origin());
  if (!shown_by_it.has_value()) return std::nullopt;
  if (shown_by_it->size() <= newest.size()) {
    const auto own = make_root(shown_by_it->size(), nodes);
    if (!own.has_value() || *own == shown_by_it->root()) return std::nullopt;
  }
  return std::move(shown_by_it).value();
}

}  // namespace avouch::tlog
