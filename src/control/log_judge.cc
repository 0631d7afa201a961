#include "control/log_judge.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

#include "base/packing.h"
#include "bootlog/log.h"
#include "control/findings_packing.h"
#include "runtimelog/codes.h"
#include "runtimelog/entry.h"
#include "runtimelog/judge.h"
#include "runtimelog/log_replay.h"

namespace avouch::control {
namespace {

using appraisal::judged;
using attest::Checked;
using attest::Reason;

constexpr std::size_t kPiece = 1024 * 1024;
constexpr std::size_t kJudgedPiece = 64 * 1024;  // of entries each of which may need a signature
constexpr std::size_t kFirstEntry = 4096;        // holds any boot_aggregate that a kernel writes
constexpr std::string_view kAwaited = "LogsAwaited";

Reason awaiting(std::string what) {
  Reason out = attest::refuse(kAwaited, std::move(what));
  out.severity = attest::Status::kNone;
  return out;
}

const attest::PolicySpec& spec_of(const std::shared_ptr<const ResolvedPolicy>& policy) {
  return policy->spec();
}

bool wants_boot_log(const LogQuestion& question) {
  return std::any_of(question.policies.begin(), question.policies.end(),
                     [](const auto& policy) { return spec_of(policy).boot_log.has_value(); });
}

bool wants_runtime_log(const LogQuestion& question) {
  return std::any_of(question.policies.begin(), question.policies.end(),
                     [](const auto& policy) { return spec_of(policy).runtime.has_value(); });
}

// The values that boot logs are judged by: all but PCR 10, which changes with every file.
crypto::Sha256 boot_pcrs(const tpm::PcrValues& all) {
  tpm::PcrValues some = all;
  std::erase_if(some, [](const auto& each) { return each.first.index == 10; });
  return attest::pcrs_digest(some);
}

// The values that a log's first entry is made of, and maybe others.
crypto::Sha256 aggregated_pcrs(const tpm::PcrValues& all) {
  tpm::PcrValues some = all;
  std::erase_if(some, [](const auto& each) { return each.first.index > 9; });
  return attest::pcrs_digest(some);
}

}  // namespace

std::string boot_name(std::uint32_t reset_count) { return std::to_string(reset_count); }

LogJudge::LogJudge(BlobStore& blobs, RuntimeLogStore& runtime_logs, std::size_t max_boot_log_bytes,
                   ColdStore& cold, Clock& clock, OnTrouble on_trouble)
    : blobs_(blobs),
      runtime_logs_(runtime_logs),
      max_boot_log_bytes_(max_boot_log_bytes),
      cold_(cold),
      clock_(clock),
      on_trouble_(std::move(on_trouble)) {}

std::shared_ptr<LogJudge::Slot> LogJudge::slot(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  auto& found = slots_[uid];
  if (found == nullptr) found = std::make_shared<Slot>();
  return found;
}

LogJudge::Node LogJudge::take_in(const std::string& uid, const Slot& slot) {
  if (!slot.known) return {};
  const auto packed = slot.node.get();
  std::optional<Error> error;
  if (!packed.has_value()) {
    error = packed.error();
  } else {
    try {
      Node out;
      Unpacker in(*packed);
      in(out.proven, out.findings, out.detailed, out.aggregated, out.boot_log, out.pcrs, out.boot);
      in.finish();
      return out;
    } catch (const std::runtime_error& what) {
      error = fatal(what.what());
    }
  }
  on_trouble_(uid, fatal("what was known of the node's logs is lost, and they are judged from "
                         "their start: " +
                         error->message));
  return {};
}

void LogJudge::put_out(const std::string& uid, const Node& node, Slot& slot) {
  Packer out;
  out(node.proven, node.findings, node.detailed, node.aggregated, node.boot_log, node.pcrs,
      node.boot);
  slot.node.put(cold_, std::move(out).finish(),
                [&](const Error& error) { on_trouble_(uid, error); });
  slot.known = true;
}

void LogJudge::forget(const std::string& node_uid) {
  const std::lock_guard lock(mutex_);
  slots_.erase(node_uid);
}

std::optional<LogFindings> LogJudge::judge(const LogQuestion& question) {
  LogFindings out;
  for (const auto& policy : question.policies) {
    out.policies[policy->name].rules_digest = policy->in_force->rules_digest;
  }
  const std::shared_ptr<Slot> kept = slot(question.node_uid);
  const std::lock_guard busy(kept->busy);
  try {
    kept->turn_ends = clock_.steady_now() + kTurn;
    Node known = take_in(question.node_uid, *kept);
    const Progress progress = judge_all(question, *kept, known, out);
    put_out(question.node_uid, known, *kept);
    if (progress == Progress::kTurnOver) return std::nullopt;
  } catch (const std::exception& error) {
    const Reason reason = attest::refuse(
        attest::code::kInternalError, std::string("the logs could not be judged: ") + error.what());
    for (auto& each : out.policies) {
      each.second.boot = judged<appraisal::BootFindings>(reason);
      each.second.runtime = judged<appraisal::RuntimeFindings>(reason);
    }
    out.awaited.reset();
    forget(question.node_uid);  // half of it may have been changed
  }
  return out;
}

LogJudge::Progress LogJudge::judge_all(const LogQuestion& question, Slot& slot, Node& node,
                                       LogFindings& out) {
  if (wants_boot_log(question) && judge_boot(question, slot, node, out) == Progress::kTurnOver) {
    return Progress::kTurnOver;
  }
  return wants_runtime_log(question) ? judge_runtime(question, slot, node, out) : Progress::kDone;
}

LogJudge::Progress LogJudge::judge_boot(const LogQuestion& question, const Slot& slot, Node& node,
                                        LogFindings& out) {
  if (!question.boot_log) return Progress::kDone;  // and so it is missing: appraise() says so
  const attest::BootLogReference& named = *question.boot_log;
  const auto refuse_all = [&](const Reason& reason) {
    for (const auto& policy : question.policies) {
      if (spec_of(policy).boot_log)
        out.policies[policy->name].boot = judged<appraisal::BootFindings>(reason);
    }
    return Progress::kDone;
  };
  if (named.size > max_boot_log_bytes_) {
    return refuse_all(
        attest::refuse(bootlog::code::kMalformed, "the boot log has " + std::to_string(named.size) +
                                                      " bytes, expected at most " +
                                                      std::to_string(max_boot_log_bytes_)));
  }
  const crypto::Sha256 pcrs = boot_pcrs(question.held.quote.pcrs());
  if (node.boot_log != named || node.pcrs != pcrs) node.boot.clear();
  node.boot_log = named;
  node.pcrs = pcrs;
  std::erase_if(node.boot, [&](const auto& each) { return !out.policies.contains(each.first); });
  std::optional<Bytes> log;
  for (const auto& policy : question.policies) {
    if (!spec_of(policy).boot_log) continue;
    const auto known = node.boot.find(policy->name);
    if (known != node.boot.end() && known->second.rules_digest == policy->in_force->rules_digest) {
      out.policies[policy->name].boot = known->second.boot;
      continue;
    }
    if (log && turn_is_over(slot)) return Progress::kTurnOver;
    if (!log) {
      auto read = blobs_.read(named.digest, max_boot_log_bytes_);
      if (!read.has_value() && read.error().kind != ErrorKind::kFatal) {
        out.awaited = awaiting("the node's boot log " + attest::digest_text(named.digest) +
                               " has not arrived yet");
        return Progress::kDone;
      }
      if (!read.has_value()) {
        return refuse_all(
            attest::refuse(attest::code::kInternalError,
                           "the stored boot log is damaged: " + read.error().message));
      }
      log = *std::move(read);
    }
    PolicyFindings& findings = node.boot[policy->name];
    findings.rules_digest = policy->in_force->rules_digest;
    findings.boot = judged(appraisal::judge_boot_log(*log, question.held.quote, *policy->in_force));
    out.policies[policy->name].boot = findings.boot;
  }
  return Progress::kDone;
}

// From where the node's log is proven to the end of what is stored.
std::optional<Checked<runtimelog::Replayed>> LogJudge::replay(const LogQuestion& question,
                                                              Slot& slot, const Node& node) {
  const attest::VerifiedQuote& quote = question.held.quote;
  std::unique_ptr<BegunReplay> begun = std::move(slot.begun);
  if (begun == nullptr || begun->quote != quote.digest()) {
    auto replay =
        runtimelog::LogReplay::begin(*node.proven, runtimelog::boot_identity(quote), quote.pcrs());
    if (!replay.has_value()) return replay.reason();
    const std::uint64_t at = replay->offset();
    begun =
        std::make_unique<BegunReplay>(BegunReplay{quote.digest(), at, std::move(replay).value()});
  }
  const std::string boot = boot_name(quote.state().clock.reset_count);
  for (;;) {
    const auto piece = runtime_logs_.read(question.node_uid, boot, begun->at, kPiece);
    if (!piece.has_value()) {
      return attest::refuse(attest::code::kInternalError,
                            "the stored runtime log cannot be read: " + piece.error().message);
    }
    if (piece->empty()) return begun->replay.finish();
    if (const auto fed = begun->replay.feed(*piece); !fed.has_value()) return fed.reason();
    begun->at += piece->size();
    if (!turn_is_over(slot)) continue;
    slot.begun = std::move(begun);
    return std::nullopt;
  }
}

std::optional<Checked<appraisal::RuntimeFindings>> LogJudge::judge_files(
    const LogQuestion& question, const Slot& slot, const std::string& policy,
    const runtimelog::Rules& rules, Node& node) {
  Shared<runtimelog::Findings>& kept = node.findings[policy];
  std::vector<Reason>& detailed = node.detailed[policy];
  runtimelog::Judging judging(*kept, rules, *node.proven, question.held.quote.pcrs());
  const std::uint64_t begins = judging.offset();
  const auto keep = [&](const runtimelog::Judged& found) {
    kept = found.findings;
    if (begins == 0) detailed.clear();
    detailed.insert(detailed.end(), found.reasons.begin(), found.reasons.end());
  };
  // What earlier turns found may be of other bytes than the quote proved.
  const auto refuse = [&](Reason reason) {
    kept = runtimelog::Findings();
    detailed.clear();
    return reason;
  };
  const std::string boot = boot_name(question.held.quote.state().clock.reset_count);
  for (std::uint64_t at = begins; at < node.proven->offset();) {
    const std::size_t want =
        static_cast<std::size_t>(std::min<std::uint64_t>(kJudgedPiece, node.proven->offset() - at));
    const auto piece = runtime_logs_.read(question.node_uid, boot, at, want);
    if (!piece.has_value() || piece->empty()) {
      return attest::refuse(attest::code::kInternalError,
                            "the stored runtime log cannot be read: " +
                                (piece.has_value() ? "it is shorter than what was proven of it"
                                                   : piece.error().message));
    }
    if (const auto fed = judging.feed(*piece); !fed.has_value()) return refuse(fed.reason());
    at += piece->size();
    // An entry may be longer than a piece.
    const bool some = judging.so_far().findings.offset() > begins;
    if (some && at < node.proven->offset() && turn_is_over(slot)) {
      keep(judging.so_far());
      return std::nullopt;
    }
  }
  const auto ended = judging.finish();
  if (!ended.has_value()) return refuse(ended.reason());
  keep(ended.value());
  return appraisal::RuntimeFindings{
      .proven = node.proven, .findings = kept, .detailed = detailed, .unproven_entries = 0};
}

// Whether some findings accept the log's first entry, and this quote's boot PCRs do not, or may
// not: what cannot be read vouches for nothing. Refused,
// it stays so for the boot: nothing takes an extend back.
bool LogJudge::refuses_first_entry(const LogQuestion& question, const Node& node) {
  std::vector<const runtimelog::Rules*> accepting;
  for (const auto& policy : question.policies) {
    const auto known = node.findings.find(policy->name);
    const auto& rules = policy->in_force->runtime;
    if (known != node.findings.end() && rules != nullptr &&
        known->second->aggregate() != runtimelog::AggregateForm::kNone) {
      accepting.push_back(rules.get());
    }
  }
  if (accepting.empty()) return false;
  const std::string boot = boot_name(question.held.quote.state().clock.reset_count);
  const auto piece = runtime_logs_.read(question.node_uid, boot, 0, kFirstEntry);
  if (!piece.has_value()) return true;  // judged anew, which says what is wrong
  const auto frame = runtimelog::frame_entry(*piece, 1, 0);
  if (!frame.has_value() || !frame->entry) return true;
  return std::any_of(accepting.begin(), accepting.end(), [&](const auto* rules) {
    return runtimelog::judge_entry(*frame->entry, *rules, question.held.quote.pcrs()).issue !=
           runtimelog::Issue::kNone;
  });
}

LogJudge::Progress LogJudge::judge_runtime(const LogQuestion& question, Slot& slot, Node& node,
                                           LogFindings& out) {
  if (!question.runtime_log) return Progress::kDone;  // missing
  const auto refuse_all = [&](const Reason& reason) {
    for (const auto& policy : question.policies) {
      if (spec_of(policy).runtime)
        out.policies[policy->name].runtime = judged<appraisal::RuntimeFindings>(reason);
    }
    return Progress::kDone;
  };
  const std::string boot = boot_name(question.held.quote.state().clock.reset_count);
  // Agents read the log after the quote, so what they name has all that the quote covers. Before it
  // is here nothing is replayed, and what then proves nothing is dropped: replaying costs no more
  // time than sending does, whatever a node sends.
  const std::uint64_t named = question.runtime_log->offset;
  // A full store may also have given it up, before or meanwhile: nothing of it speaks against a
  // node then, which is asked for it again.
  const auto is_missing = [&] {
    const std::uint64_t here = runtime_logs_.next_offset(question.node_uid, boot);
    if (here >= named) return false;
    out.awaited = awaiting("the node's runtime log is not here: " + std::to_string(here) + " of " +
                           std::to_string(named) + " bytes are");
    return true;
  };
  if (is_missing()) return Progress::kDone;
  const auto ended = replay(question, slot, node);
  if (is_missing()) return Progress::kDone;
  if (!ended) return Progress::kTurnOver;
  const Checked<runtimelog::Replayed>& replayed = *ended;
  if (!replayed.has_value() || !replayed->met) {
    const std::uint64_t proven =
        node.proven->boot() == runtimelog::boot_identity(question.held.quote)
            ? node.proven->offset()
            : 0;
    static_cast<void>(runtime_logs_.truncate(question.node_uid, boot, proven));
    return refuse_all(replayed.has_value() ? *replayed->reason : replayed.reason());
  }
  if (!(node.proven->boot() == replayed->state.boot())) {
    node.findings.clear();
    node.detailed.clear();
  }
  node.proven = replayed->state;
  // Findings that accept the first entry hold for the values that it is made of. What refuses it is
  // judged anew, which happens once a boot.
  const crypto::Sha256 aggregated = aggregated_pcrs(question.held.quote.pcrs());
  if (aggregated != std::exchange(node.aggregated, aggregated) &&
      refuses_first_entry(question, node)) {
    node.findings.clear();
    node.detailed.clear();
  }
  for (const auto& policy : question.policies) {
    const auto& rules = policy->in_force->runtime;
    if (!spec_of(policy).runtime || rules == nullptr) continue;
    auto judged_now = judge_files(question, slot, policy->name, *rules, node);
    if (!judged_now) return Progress::kTurnOver;
    Checked<appraisal::RuntimeFindings>& found = *judged_now;
    if (!found.has_value() && is_missing()) {
      for (auto& [name, findings] : out.policies) findings.runtime.reset();
      return Progress::kDone;
    }
    if (found.has_value()) found->unproven_entries = replayed->unproven_entries;
    out.policies[policy->name].runtime = judged(std::move(found));
  }
  // Of policies that are gone nothing is kept.
  const auto gone = [&](const auto& each) { return !out.policies.contains(each.first); };
  std::erase_if(node.findings, gone);
  std::erase_if(node.detailed, gone);
  return Progress::kDone;
}

}  // namespace avouch::control
