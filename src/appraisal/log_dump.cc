#include "appraisal/log_dump.h"

#include <algorithm>
#include <utility>

#include "base/hex.h"
#include "bootlog/bind.h"
#include "bootlog/describe.h"
#include "bootlog/event.h"
#include "bootlog/log.h"
#include "bootlog/replay.h"
#include "runtimelog/codes.h"
#include "runtimelog/entry_reader.h"
#include "runtimelog/fields.h"
#include "runtimelog/log_replay.h"
#include "tpm/selection.h"

namespace avouch::appraisal {
namespace {

using attest::Checked;
using attest::Reason;

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, runtimelog::kMaxPath)) {
    if (c >= 0x20 && c < 0x7f) {
      out += c;
    } else {
      out += "\\x" + to_hex(as_bytes(std::string_view(&c, 1)));
    }
  }
  return out;
}

bool is_runtime_log(ByteView log) {
  ByteReader reader(log);
  const auto first = reader.le32("PCR");
  return first.has_value() && *first == runtimelog::kImaPcr;
}

// No boot log begins so.
bool is_big_endian_runtime_log(ByteView log) {
  ByteReader reader(log);
  const auto first = reader.be32("PCR");
  return first.has_value() && *first == runtimelog::kImaPcr;
}

constexpr std::string_view kWeak =
    "in SHA-1 alone, which proves nothing: other events with the same digests can be made";

// Those of `values` for which `takes` holds.
template <typename Takes>
tpm::PcrSelection selection_of(const tpm::PcrValues& values, const Takes& takes) {
  tpm::PcrSelection out;
  for (const auto& each : values) {
    const tpm::PcrId& pcr = each.first;
    if (!takes(pcr)) continue;
    if (out.empty() || out.back().bank != pcr.bank) out.push_back({pcr.bank, 0});
    out.back().mask |= 1U << pcr.index;
  }
  return out;
}

std::string pcrs_text(std::uint32_t mask) {
  // Of any bank, without its name.
  const std::string text = tpm::to_text(tpm::PcrSelection{{crypto::HashAlgorithm::kSha256, mask}});
  return "PCR " + text.substr(text.find(' ') + 1);
}

Reason nothing_to_compare(const std::string& expected) {
  return attest::refuse(attest::code::kSelectionInsufficient,
                        "none of the given PCR values is of this log: expected " + expected);
}

// What the values say of the log, and what they do not.
void tell_compared(const bootlog::BoundLog& log, std::span<const bootlog::ReplayedBank> replayed,
                   const tpm::PcrValues& pcrs, LogDump& out) {
  const auto has_bank = [&](crypto::HashAlgorithm bank) {
    return std::any_of(replayed.begin(), replayed.end(),
                       [&](const auto& each) { return each.algorithm == bank; });
  };
  out.compared = selection_of(pcrs, [&](const tpm::PcrId& pcr) {
    return pcr.index != runtimelog::kImaPcr && has_bank(pcr.bank);
  });
  if (out.compared.empty()) {
    if (out.problems.empty()) {
      out.problems.push_back(
          nothing_to_compare("PCR 0 to 9, 11 to 23 (PCR 10 is the runtime log's)"));
    }
    return;
  }
  std::uint32_t compared = 0, weak = 0, missing = 0;
  for (const tpm::BankSelection& bank : out.compared) compared |= bank.mask;
  for (std::uint8_t pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
    const bool extended = std::any_of(replayed.begin(), replayed.end(),
                                      [&](const auto& bank) { return bank.extends.at(pcr) > 0; });
    const bool has = ((compared >> pcr) & 1U) != 0;
    if (has && log.state(pcr) == bootlog::PcrState::kWeak) weak |= 1U << pcr;
    if (!has && extended && pcr != runtimelog::kImaPcr) missing |= 1U << pcr;
  }
  out.notes.push_back("PCRs compared (" + tpm::to_text(out.compared) + "): " +
                      (out.problems.empty() ? "all are as the log gives them"
                                            : "they are not all as the log gives them"));
  if (weak != 0) {
    const bool other = std::any_of(replayed.begin(), replayed.end(), [](const auto& bank) {
      return bank.algorithm != crypto::HashAlgorithm::kSha1;
    });
    out.notes.push_back(pcrs_text(weak) + ": compared " + std::string(kWeak) + "; " +
                        (other ? "give the values of another bank, too"
                               : "the log has no other digests: enable the TPM's SHA-256 bank"));
  }
  if (missing != 0) {
    out.notes.push_back(pcrs_text(missing) +
                        ": not compared, as no value was given; nothing is proven of its events");
  }
}

Checked<LogDump> dump_boot_log(ByteView bytes, const std::optional<tpm::PcrValues>& pcrs) {
  const auto log = bootlog::read_log(bytes);
  if (!log.has_value()) return log.reason();
  const auto replayed = bootlog::replay(log.value());
  LogDump out;
  std::optional<bootlog::BoundLog> bound;
  if (pcrs) {
    bound = bootlog::bind(log.value(), replayed, *pcrs);
    out.problems = bootlog::compare(log.value(), replayed, *pcrs);
    tell_compared(*bound, replayed, *pcrs, out);
  }
  for (const bootlog::ReplayedBank& bank : replayed) {
    for (std::uint8_t pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
      if (bank.extends.at(pcr) == 0) continue;
      out.replayed.push_back(
          {tpm::to_text(tpm::PcrId{bank.algorithm, pcr}), to_hex(bank.value(pcr))});
    }
  }
  std::uint64_t number = 0;
  for (const bootlog::Event& event : log->events()) {
    DumpedEvent each{.number = number,
                     .pcr = event.pcr,
                     .type = bootlog::event_type_name(event.type),
                     .binding = "",
                     .digests = {},
                     .fields = bootlog::describe(log.value(), event),
                     .diverges = false};
    if (bound && bound->is_proven(event)) {
      each.binding = bootlog::binding_name(bound->binding(static_cast<std::size_t>(number)));
    }
    for (const bootlog::LogBank& bank : log->banks()) {
      if (!bank.algorithm) continue;
      const ByteView digest = log->digest(event, *bank.algorithm);
      if (digest.empty()) continue;
      each.digests.push_back({std::string(crypto::hash_name(*bank.algorithm)), to_hex(digest)});
    }
    each.diverges = std::any_of(out.problems.begin(), out.problems.end(), [&](const Reason& r) {
      return r.event && r.event->number == number;
    });
    out.events.push_back(std::move(each));
    ++number;
  }
  return out;
}

DumpedEvent dumped(const runtimelog::Entry& entry) {
  DumpedEvent out{.number = entry.number,
                  .pcr = runtimelog::kImaPcr,
                  .type = printable(entry.template_name),
                  .binding = "",
                  .digests = {},
                  .fields = {},
                  .diverges = false};
  const auto fields = runtimelog::read_fields(entry);
  if (!fields.has_value()) {
    out.fields.push_back({"fields", "(" + fields.error().message + ")"});
    return out;
  }
  out.digests.push_back({printable(fields->algorithm), to_hex(fields->digest)});
  out.fields.push_back({"path", printable(fields->path)});
  if (entry.is_violation()) out.fields.push_back({"violation", "true"});
  if (!fields->signature.empty()) {
    out.fields.push_back({"signature", std::to_string(fields->signature.size()) + " bytes"});
  }
  return out;
}

std::string entries_text(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " entry" : " entries");
}

void tell_proven(const runtimelog::Replayed& replayed, LogDump& out) {
  const std::uint64_t proven = replayed.state.entries();
  const std::uint64_t newer = replayed.unproven_entries;
  const std::string given = "PCR compared (" + tpm::to_text(out.compared) + "): ";
  if (!replayed.met) {
    out.problems.push_back(*replayed.reason);
  } else if (proven == 0 && newer > 0) {
    out.problems.push_back(
        attest::refuse(runtimelog::code::kLogNotReplayed,
                       "PCR 10 is that of a log without entries, and this one has some: it is of "
                       "another boot, or the values were read before the first entry"));
    out.events.front().diverges = true;
  }
  if (!out.problems.empty()) {
    out.proven_entries = 0;
    out.notes.push_back(given + "no entry is proven");
    return;
  }
  const std::string first =
      newer == 0 ? "all " + entries_text(proven) : "the first " + entries_text(proven);
  out.proven_entries = replayed.state.is_strong() ? proven : 0;
  out.notes.push_back(given + first +
                      (replayed.state.is_strong() ? " are proven" : " fit " + std::string(kWeak)));
  if (newer > 0) {
    out.notes.push_back("the " + entries_text(newer) +
                        " after them: newer than the value of PCR 10, which says nothing of them");
  }
}

Checked<LogDump> dump_runtime_log(ByteView bytes, const std::optional<tpm::PcrValues>& pcrs) {
  LogDump out;
  out.kind = LogDump::Kind::kRuntimeLog;
  runtimelog::EntryReader reader(0, 0);
  auto read = reader.feed(bytes, [&](const runtimelog::Entry& entry) -> Result<void> {
    if (out.events.size() == kMaxDumpedEntries) {
      return rejected("more than " + std::to_string(kMaxDumpedEntries) + " entries");
    }
    out.events.push_back(dumped(entry));
    return {};
  });
  if (read.has_value()) read = reader.finish();
  if (!read.has_value())
    return attest::refuse(runtimelog::code::kLogMalformed, read.error().message);
  if (!pcrs) return out;
  out.compared =
      selection_of(*pcrs, [](const tpm::PcrId& pcr) { return pcr.index == runtimelog::kImaPcr; });
  auto replay = runtimelog::LogReplay::begin({}, {}, *pcrs);
  if (!replay.has_value()) {
    out.problems.push_back(nothing_to_compare("PCR 10, which the runtime log extends"));
    return out;
  }
  if (const auto fed = replay->feed(bytes); !fed.has_value()) return fed.reason();
  const auto replayed = replay->finish();
  if (!replayed.has_value()) return replayed.reason();
  tell_proven(replayed.value(), out);
  return out;
}

}  // namespace

Checked<LogDump> dump_log(ByteView log, const std::optional<tpm::PcrValues>& pcrs) {
  if (log.empty()) return attest::refuse(bootlog::code::kMalformed, "the file is empty");
  if (is_big_endian_runtime_log(log)) {
    return attest::refuse(runtimelog::code::kLogMalformed,
                          "a runtime log in big-endian numbers: expected little-endian ones, as "
                          "the kernel writes them with ima_canonical_fmt");
  }
  return is_runtime_log(log) ? dump_runtime_log(log, pcrs) : dump_boot_log(log, pcrs);
}

}  // namespace avouch::appraisal
