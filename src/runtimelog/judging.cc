#include "runtimelog/judging.h"

#include <algorithm>
#include <bit>

#include "runtimelog/codes.h"

namespace avouch::runtimelog {

using attest::Checked;
using attest::Passed;
using attest::Reason;
using attest::Status;

namespace {

Findings continued(const Findings& kept, const Rules& rules, const ReplayState& proven) {
  const bool continues = kept.boot() == proven.boot() && kept.rules() == rules.input().digest &&
                         kept.offset() <= proven.offset() && kept.entries() <= proven.entries();
  return continues ? kept : Findings::start(proven.boot(), rules.input().digest);
}

Reason changed(const std::string& why) {
  return attest::refuse(code::kLogChanged,
                        "runtime log: the stored bytes are not those that the quote proved (" +
                            why + "): drop them, and have the agent send the log from its start");
}

}  // namespace

Judging::Judging(const Findings& kept, const Rules& rules, const ReplayState& proven,
                 tpm::PcrValues quoted)
    : judged_{continued(kept, rules, proven), {}, 0},
      start_(judged_.findings.offset()),
      rules_(rules),
      proven_(proven),
      quoted_(std::move(quoted)),
      reader_(judged_.findings.entries(), start_) {}

Checked<Passed> Judging::feed(ByteView piece) {
  const auto judge = [this](const Entry& entry) -> Result<void> {
    if (entry.number > proven_.entries()) return rejected("more entries than were proven");
    const bool matters = judged_.findings.counts().refused < Findings::kMaxIssues;
    const Judgement judgement =
        judge_entry(entry, rules_, quoted_, {.wanted = matters, .good = &good_});
    judged_.findings.add(entry, judgement);
    judged_.signature_checks += judgement.checks;
    const bool kept = judged_.findings.counts().refused <= Findings::kMaxIssues;
    if (judgement.issue != Issue::kNone && kept) {
      judged_.reasons.push_back(reason_of(entry, judgement));
    }
    return {};
  };
  const auto fed = reader_.feed(piece, judge);
  if (!fed.has_value()) return changed(fed.error().message);
  return Passed{};
}

Checked<Judged> Judging::finish() {
  if (const auto ended = reader_.finish(); !ended.has_value())
    return changed(ended.error().message);
  const Findings& findings = judged_.findings;
  if (findings.offset() != proven_.offset() || findings.entries() != proven_.entries()) {
    return changed(std::to_string(findings.offset()) + " bytes in " +
                   std::to_string(findings.entries()) + " entries, expected " +
                   std::to_string(proven_.offset()) + " in " + std::to_string(proven_.entries()));
  }
  if (findings.log_digest() != proven_.log_digest()) return changed("their SHA-256 differs");
  return judged_;
}

Reason explain_in_short(const IssueReference& issue) {
  return attest::refuse(
      issue_code(issue.issue),
      "runtime log, " + entry_place(issue.number, issue.offset) +
          ": refused earlier in this boot; kubectl avouch explain shows the entry");
}

Reason explain_entry(const IssueReference& issue, ByteView log, const Rules& rules,
                     const tpm::PcrValues& quoted) {
  const auto frame = frame_entry(log, issue.number, issue.offset);
  if (!frame.has_value() || !frame->entry) return explain_in_short(issue);
  const Judgement judgement = judge_entry(*frame->entry, rules, quoted);
  if (judgement.issue != issue.issue) return explain_in_short(issue);
  return reason_of(*frame->entry, judgement);
}

namespace {

void add_issues(const Findings& findings, std::span<const Reason> detailed, RuntimeResult& out) {
  const std::vector<IssueReference> issues = findings.issues();
  // `detailed` are those of the newest issues.
  const std::size_t in_short = issues.size() - std::min(issues.size(), detailed.size());
  for (std::size_t i = 0; i < in_short; ++i) out.reasons.push_back(explain_in_short(issues[i]));
  for (std::size_t i = in_short; i < issues.size(); ++i) {
    out.reasons.push_back(detailed[i - in_short]);
  }
  // Not each of many files makes another verdict of it, which would be an entry of the log.
  const std::uint64_t more = std::bit_floor(findings.counts().refused - issues.size());
  if (more > 0) {
    out.reasons.push_back(attest::refuse(
        issue_code(issues.back().issue),
        "runtime log: " + std::to_string(more) + " or more further entries are refused"));
  }
}

std::optional<Reason> whole_log_problem(const Findings& findings, const ReplayState& proven,
                                        const Rules& rules) {
  if (findings.boot() != proven.boot() || findings.offset() != proven.offset() ||
      findings.rules() != rules.input().digest) {
    return attest::refuse(code::kLogChanged,
                          "runtime log: what is known of it is of other rules or another part: "
                          "judge it again");
  }
  if (findings.entries() == 0) {
    return attest::refuse(code::kLogMissing,
                          "PCR 10 was never extended: the kernel measured nothing, not even its "
                          "boot_aggregate; boot it with IMA (CONFIG_IMA) and ima_policy=tcb");
  }
  if (!proven.is_strong() && !rules.input().allow_weak_replay) {
    return attest::refuse(code::kReplayWeak,
                          "runtime log: proven by SHA-1 alone, in the bank of SHA-1 or padded with "
                          "zeros in the others: quote PCR 10 of a bank whose hash the kernel has "
                          "built in (sha256 since Linux 5.8), or allow it in the policy");
  }
  return std::nullopt;
}

Reason not_measured(const Rules& rules, Coverage coverage) {
  const std::string why =
      rules.input().files == FileRule::kReplayOnly ? "the policy does not judge files"
      : coverage == Coverage::kUnknown
          ? "nothing proven says what the kernel measures; boot it with ima_policy=tcb, and have "
            "the policy judge the boot log"
          : "no file but such as are excluded was measured";
  Reason out = attest::refuse(code::kNotMeasured,
                              "runtime log: nothing is claimed of what ran after the boot: " + why);
  out.severity = Status::kNone;
  return out;
}

// Another verdict where the count has doubled: each of many would be an entry of the log.
Reason violations_recorded(std::uint64_t count) {
  Reason out = attest::refuse(
      code::kViolation,
      "runtime log: " + std::to_string(std::bit_floor(count)) +
          " or more entries record a file that was open for writing while it was measured, or "
          "changed afterwards: what was used of it is unknown. The policy puts up with it "
          "(violations: Record)");
  out.severity = Status::kWarning;
  return out;
}

}  // namespace

RuntimeResult conclude(const Findings& findings, const ReplayState& proven, const Rules& rules,
                       Coverage coverage, std::span<const Reason> detailed) {
  RuntimeResult out;
  add_issues(findings, detailed, out);
  if (auto problem = whole_log_problem(findings, proven, rules)) {
    out.reasons.push_back(*std::move(problem));
  }
  if (!out.reasons.empty()) {
    out.vector[attest::Claim::kExecutables] = attest::kUnacceptable;
    return out;
  }
  out.status = Status::kAffirming;
  const Counts& counts = findings.counts();
  const bool judged =
      rules.input().files == FileRule::kJudge && counts.by_reference + counts.by_signature > 0;
  if (judged && coverage == Coverage::kExecutables) {
    out.vector[attest::Claim::kExecutables] = attest::kGenuine;
  } else {
    out.reasons.push_back(not_measured(rules, coverage));
  }
  if (counts.violations > 0) {
    out.status = Status::kWarning;
    out.vector[attest::Claim::kExecutables] = attest::kUnrecognizedCode;
    out.reasons.push_back(violations_recorded(counts.violations));
  }
  return out;
}

}  // namespace avouch::runtimelog
