#include "bootlog/replay.h"

#include <algorithm>

#include "base/hex.h"
#include "bootlog/event.h"
#include "bootlog/text.h"

namespace avouch::bootlog {
namespace {

using attest::Reason;
using crypto::HashAlgorithm;
using Value = std::array<std::uint8_t, 64>;

constexpr std::uint32_t kImaPcr = 10;

Value start_value(const BootLog& log, std::size_t pcr, std::size_t size) {
  Value out{};
  if (pcr >= 17 && pcr <= 22) std::fill_n(out.begin(), size, std::uint8_t{0xff});
  if (pcr == 0) out[size - 1] = log.startup_locality();
  return out;
}

void extend(HashAlgorithm algorithm, Value& value, ByteView digest) {
  const std::size_t size = digest.size();
  crypto::hash_into(algorithm, {ByteView(value).first(size), digest},
                    std::span<std::uint8_t>(value).first(size));
}

std::string bank_name(HashAlgorithm algorithm) { return std::string(crypto::hash_name(algorithm)); }

// The first event of `pcr` after the beginning that gives `quoted`, if one does.
std::optional<std::uint32_t> first_event_beyond(const BootLog& log, const tpm::PcrId& pcr,
                                                ByteView quoted) {
  const std::size_t size = crypto::digest_size(pcr.bank);
  Value value = start_value(log, pcr.index, size);
  std::uint32_t number = 0;
  for (const Event& event : log.events()) {
    if (event.pcr == pcr.index && event.type != kNoAction) {
      if (equal(ByteView(value).first(size), quoted)) return number;
      extend(pcr.bank, value, log.digest(event, pcr.bank));
    }
    ++number;
  }
  return std::nullopt;
}

Reason mismatch(const BootLog& log, const tpm::PcrId& pcr, ByteView quoted,
                const ReplayedBank& bank) {
  const std::string name = "PCR " + std::to_string(pcr.index) + " (" + bank_name(pcr.bank) + ")";
  Reason out;
  out.code = std::string(code::kReplayMismatch);
  out.fields = {{"pcr", std::to_string(pcr.index)},
                {"bank", bank_name(pcr.bank)},
                {"quoted", to_hex(quoted)},
                {"replayed", to_hex(bank.value(pcr.index))}};
  if (bank.extends[pcr.index] == 0) {
    out.message = name + " was extended, but no event of the log extends it: expected " +
                  to_hex(bank.value(pcr.index)) +
                  "; the log is incomplete, or something extended the PCR after the boot";
    return out;
  }
  if (const auto number = first_event_beyond(log, pcr, quoted)) {
    const Event& event = log.events()[*number];
    out.event = attest::EventPlace{pcr.index, *number};
    out.message = name + ": its value is that before event " + std::to_string(*number) + " (" +
                  event_type_name(event.type) +
                  "), so this event of the log and those after it were not measured by then";
    return out;
  }
  out.message = name + ": the log's " + std::to_string(bank.extends[pcr.index]) +
                " events do not give its value: an event was changed, left out, added or "
                "moved, or something extended the PCR after the boot; collect the log of this boot";
  return out;
}

}  // namespace

ByteView ReplayedBank::value(std::size_t pcr) const {
  return ByteView(values.at(pcr)).first(crypto::digest_size(algorithm));
}

std::optional<ReplayedBank> replay_bank(const BootLog& log, HashAlgorithm algorithm) {
  if (!log.has_bank(algorithm)) return std::nullopt;
  ReplayedBank out;
  out.algorithm = algorithm;
  const std::size_t size = crypto::digest_size(algorithm);
  for (std::size_t pcr = 0; pcr < tpm::kPcrCount; ++pcr) {
    out.values[pcr] = start_value(log, pcr, size);
  }
  for (const Event& event : log.events()) {
    if (event.type == kNoAction) continue;
    extend(algorithm, out.values.at(event.pcr), log.digest(event, algorithm));
    ++out.extends[event.pcr];
  }
  return out;
}

std::vector<ReplayedBank> replay(const BootLog& log) {
  std::vector<ReplayedBank> out;
  for (const LogBank& bank : log.banks()) {
    if (!bank.algorithm.has_value()) continue;
    if (auto replayed = replay_bank(log, *bank.algorithm)) out.push_back(*replayed);
  }
  return out;
}

std::vector<Reason> compare(const BootLog& log, std::span<const ReplayedBank> replayed,
                            const tpm::PcrValues& quoted, std::uint32_t excluded) {
  std::vector<Reason> out;
  std::optional<HashAlgorithm> reported;
  for (const auto& each_quoted : quoted) {
    const tpm::PcrId pcr = each_quoted.first;
    const Bytes& value = each_quoted.second;
    const auto bank = std::find_if(replayed.begin(), replayed.end(), [&](const ReplayedBank& each) {
      return each.algorithm == pcr.bank;
    });
    if (bank == replayed.end()) {
      if (reported != pcr.bank) {
        out.push_back(attest::refuse(
            code::kBankNotInLog,
            "the " + bank_name(pcr.bank) +
                " bank is active, but the log lacks digests of it: anything could have "
                "been extended there unseen; switch the bank off, or update the firmware"));
      }
      reported = pcr.bank;
      continue;
    }
    if (pcr.index >= tpm::kPcrCount || pcr.index == kImaPcr ||
        ((excluded >> pcr.index) & 1U) != 0) {
      continue;
    }
    if (!equal(bank->value(pcr.index), value)) out.push_back(mismatch(log, pcr, value, *bank));
  }
  std::stable_sort(out.begin(), out.end(), [](const Reason& a, const Reason& b) {
    const auto place = [](const Reason& r) { return r.event ? r.event->number : kNowhere; };
    return place(a) < place(b);
  });
  return out;
}

}  // namespace avouch::bootlog
