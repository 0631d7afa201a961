#pragma once

// The two steps over a log that is in memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "runtimelog/codes.h"
#include "runtimelog/judging.h"
#include "runtimelog/log_replay.h"
#include "tests/support/ima_log.h"

namespace avouch::runtimelog {

using testing::ima_buffer;
using testing::ima_entry;
using testing::ima_file;
using testing::ima_legacy;
using testing::ima_signed_file;
using testing::ima_violation;
using testing::ImaEntry;
using testing::ImaMachine;

inline std::set<std::string> only(std::string_view one) { return {std::string(one)}; }

inline const BootIdentity kBoot = boot_identity(Bytes{1, 2, 3}, 7);

inline attest::Checked<Replayed> replay_from(const ReplayState& kept, ByteView log,
                                             const tpm::PcrValues& quoted,
                                             std::size_t piece = SIZE_MAX,
                                             const BootIdentity& boot = kBoot) {
  auto replay = LogReplay::begin(kept, boot, quoted);
  if (!replay.has_value()) return replay.reason();
  log = log.subspan(std::min<std::size_t>(replay->offset(), log.size()));
  while (!log.empty()) {
    const std::size_t size = std::min(piece, log.size());
    if (const auto fed = replay->feed(log.first(size)); !fed.has_value()) return fed.reason();
    log = log.subspan(size);
  }
  return replay->finish();
}
inline attest::Checked<Replayed> replay_all(ByteView log, const tpm::PcrValues& quoted) {
  return replay_from({}, log, quoted);
}

inline attest::Checked<Judged> judge_from(const Findings& kept, const Rules& rules,
                                          const ReplayState& proven, ByteView log,
                                          const tpm::PcrValues& quoted,
                                          std::size_t piece = SIZE_MAX) {
  Judging judging(kept, rules, proven, quoted);
  log = log.first(std::min<std::size_t>(proven.offset(), log.size()));
  log = log.subspan(std::min<std::size_t>(judging.offset(), log.size()));
  while (!log.empty()) {
    const std::size_t size = std::min(piece, log.size());
    if (const auto fed = judging.feed(log.first(size)); !fed.has_value()) return fed.reason();
    log = log.subspan(size);
  }
  return judging.finish();
}

struct Appraised {
  std::string refusal;  // code of a log that is no evidence
  RuntimeResult result;
  Findings findings;
  ReplayState proven;

  std::set<std::string> codes() const {
    std::set<std::string> out;
    if (!refusal.empty()) out.insert(refusal);
    for (const auto& reason : result.reasons) out.insert(reason.code);
    return out;
  }
  bool affirming() const { return refusal.empty() && result.status == attest::Status::kAffirming; }
};

inline Appraised appraise(ByteView log, const tpm::PcrValues& quoted, const Rules& rules,
                          Coverage coverage = Coverage::kExecutables) {
  Appraised out;
  const auto replayed = replay_all(log, quoted);
  if (!replayed.has_value() || !replayed.value().met) {
    out.refusal = replayed.has_value() ? replayed.value().reason->code : replayed.reason().code;
    return out;
  }
  out.proven = replayed.value().state;
  const auto judged = judge_from({}, rules, out.proven, log, quoted);
  if (!judged.has_value()) {
    out.refusal = judged.reason().code;
    return out;
  }
  out.findings = judged.value().findings;
  out.result = conclude(out.findings, out.proven, rules, coverage, judged.value().reasons);
  return out;
}

// A set of digests of contents.
inline DigestLookup contents(const std::vector<std::string>& texts) {
  std::set<Bytes> digests;
  for (const auto& text : texts) {
    digests.insert(testing::openssl_digest(crypto::HashAlgorithm::kSha256, as_bytes(text)));
  }
  return [digests](crypto::HashAlgorithm algorithm, ByteView digest) {
    return algorithm == crypto::HashAlgorithm::kSha256 &&
           digests.count(Bytes(digest.begin(), digest.end())) == 1;
  };
}
inline RuleInput good_input() {
  RuleInput out;
  out.digest = crypto::sha256("rules");
  out.references = {contents({"good", "also good"})};
  return out;
}
inline Rules rules_of(RuleInput input) {
  return testing::must_value(Rules::make(std::move(input)));
}
inline Rules good_rules() { return rules_of(good_input()); }

inline ImaMachine good_machine() {
  ImaMachine out;
  out.measure(out.boot_aggregate());
  out.measure(ima_file("/usr/bin/good", "good"));
  out.measure(ima_file("/usr/lib/also.so", "also good"));
  return out;
}

}  // namespace avouch::runtimelog
