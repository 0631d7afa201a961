// Runtime logs. Input: u8 piece size, u8 at which entry the quote is taken, u8 bank and kernel,
// then the log. Whatever it is: cut into pieces and quoted in between it gives what it gives at
// once, what is accepted was proven byte for byte, and states have one encoding.

#include <cstdint>
#include <cstdlib>
#include <optional>

#include "fuzz/fuzz_target.h"
#include "runtimelog/judging.h"
#include "runtimelog/log_replay.h"
#include "runtimelog/replay.h"

namespace avouch::fuzzing::runtimelog_target {
namespace {

namespace runtimelog = avouch::runtimelog;
namespace crypto = avouch::crypto;
using avouch::Bytes;
using avouch::ByteView;
using runtimelog::Findings;
using runtimelog::ReplayState;

void require(bool holds) {
  if (!holds) std::abort();
}

const runtimelog::BootIdentity kBoot{1};

struct Subject {
  runtimelog::Rules rules = [] {
    runtimelog::RuleInput input;
    // Accepts half of all digests, so that every branch is in reach.
    input.references = {
        [](crypto::HashAlgorithm, ByteView digest) { return (digest[0] & 1) == 0; }};
    input.exclude = {"/var/log/.*"};
    input.allow_legacy = true;
    input.allow_weak_replay = true;
    return runtimelog::Rules::make(std::move(input)).value();
  }();
};

// The PCR values after `entries` entries, as a kernel of that kind would have extended them.
std::optional<avouch::tpm::PcrValues> quote_after(ByteView log, std::uint64_t entries,
                                                  crypto::HashAlgorithm bank, bool padded) {
  Bytes pcr(crypto::digest_size(bank), 0);
  runtimelog::EntryReader reader(0, 0);
  const auto extend = [&](const runtimelog::Entry& entry) -> avouch::Result<void> {
    if (entry.number > entries) return {};
    // The legacy template's data is not what is hashed: such logs meet nothing here.
    Bytes value = crypto::hash(padded ? crypto::HashAlgorithm::kSha1 : bank, entry.data);
    value.resize(pcr.size(), 0);
    if (entry.is_violation()) value.assign(pcr.size(), 0xff);
    crypto::hash_into(bank, {pcr, value}, pcr);
    return {};
  };
  if (!reader.feed(log, extend).has_value()) return std::nullopt;
  return avouch::tpm::PcrValues{{{bank, 10}, pcr}};
}

struct Outcome {
  bool refused = false;
  bool met = false;
  ReplayState state;
  std::optional<Findings> findings;
};

template <typename Into>
bool feed(Into& into, ByteView bytes, std::size_t piece) {
  while (!bytes.empty()) {
    const std::size_t size = std::min(piece, bytes.size());
    if (!into.feed(bytes.first(size)).has_value()) return false;
    bytes = bytes.subspan(size);
  }
  return true;
}

Outcome appraise(const Subject& subject, const ReplayState& kept, const Findings& judged_before,
                 ByteView log, const avouch::tpm::PcrValues& quoted, std::size_t piece) {
  Outcome out;
  auto replay = runtimelog::LogReplay::begin(kept, kBoot, quoted).value();
  out.refused = !feed(replay, log.subspan(replay.offset()), piece);
  if (out.refused) return out;
  const auto replayed = replay.finish();
  out.refused = !replayed.has_value();
  if (out.refused) return out;
  out.met = replayed.value().met;
  out.state = replayed.value().state;
  if (!out.met) return out;
  require(out.state.log_digest() == crypto::sha256(log.first(out.state.offset())));
  require(ReplayState::decode(out.state.encode()).value() == out.state);
  runtimelog::Judging judging(judged_before, subject.rules, out.state, quoted);
  const std::uint64_t from = judging.offset();
  require(feed(judging, log.subspan(from, out.state.offset() - from), piece));
  auto judged = judging.finish();
  require(judged.has_value());
  out.findings = judged.value().findings;
  require(Findings::decode(out.findings->encode()).value() == *out.findings);
  (void)runtimelog::conclude(*out.findings, out.state, subject.rules,
                             runtimelog::Coverage::kUnknown, judged.value().reasons);
  for (const auto& issue : out.findings->issues()) {
    const auto reason =
        runtimelog::explain_entry(issue, log.subspan(issue.offset), subject.rules, quoted);
    require(reason.code == runtimelog::issue_code(issue.issue) && reason.message.size() < 8192);
  }
  return out;
}

}  // namespace

AVOUCH_FUZZ_TARGET("runtimelog_fuzz") {
  if (size < 3) return 0;
  static const Subject subject;
  const ByteView log(data + 3, size - 3);
  const auto bank = static_cast<crypto::HashAlgorithm>(data[2] & 3);
  const bool padded = (data[2] & 4) != 0 && bank != crypto::HashAlgorithm::kSha1;
  const auto early = quote_after(log, data[1] / 2, bank, padded);
  const auto late = quote_after(log, data[1], bank, padded);
  const avouch::tpm::PcrValues none{{{bank, 10}, Bytes(crypto::digest_size(bank), 7)}};
  const avouch::tpm::PcrValues& quoted = late ? *late : none;
  const std::size_t piece = data[0] == 0 ? SIZE_MAX : data[0];

  const Outcome whole = appraise(subject, {}, {}, log, quoted, SIZE_MAX);
  const Outcome pieces = appraise(subject, {}, {}, log, quoted, piece);
  require(whole.refused == pieces.refused && whole.met == pieces.met &&
          whole.state == pieces.state && whole.findings == pieces.findings);
  require(!whole.refused || !whole.met);
  if (!early || !whole.met) return 0;
  const Outcome first = appraise(subject, {}, {}, log, *early, piece);
  if (!first.met) return 0;
  const Outcome second = appraise(subject, first.state, *first.findings, log, quoted, piece);
  require(second.met && second.state == whole.state && second.findings == whole.findings);
  return 0;
}

}  // namespace avouch::fuzzing::runtimelog_target
