#pragma once

// A log decoded for people and programs: kubectl avouch eventlog.

#include <optional>
#include <string>
#include <vector>

#include "attest/reason.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "tpm/types.h"

namespace avouch::appraisal {

// One event of a boot log, or one entry of a runtime log.
struct DumpedEvent {
  std::uint64_t number = 0;  // boot log: from 0, the header; runtime log: from 1
  std::uint32_t pcr = 0;
  std::string type;     // "EV_SEPARATOR"; of a runtime log the template's name
  std::string binding;  // boot log with PCRs: what the digest is of ("data", "none", ...); "": not
                        // proven
  std::vector<attest::ReasonField> digests;  // by bank; of a runtime log by the file's algorithm
  std::vector<attest::ReasonField> fields;   // decoded
  bool diverges = false;                     // a problem names it
  std::vector<std::string> reasons;          // codes of a verdict's reasons that name it
};

struct LogDump {
  enum class Kind { kBootLog, kRuntimeLog };
  Kind kind = Kind::kBootLog;
  std::vector<DumpedEvent> events;
  std::vector<attest::Reason> problems;       // where PCRs were given: how they differ from the log
  std::vector<attest::ReasonField> replayed;  // boot log: "PCR 7 (sha256)" and its value
  // Where PCRs were given:
  tpm::PcrSelection compared;
  std::vector<std::string> notes;               // sentences: what was compared, and what it proves
  std::optional<std::uint64_t> proven_entries;  // runtime log: its first ones
};

inline constexpr std::size_t kMaxDumpedEntries = 1'000'000;

// Either kind of log, told apart by its first bytes. `pcrs`, where there are some, are compared
// with what the log replays to; nothing says that they are a TPM's. Values none of which can be
// compared are a problem: SelectionInsufficient. A reason: it is no log.
attest::Checked<LogDump> dump_log(ByteView log, const std::optional<tpm::PcrValues>& pcrs);

codec::Json to_json(const LogDump& dump);
inline constexpr std::size_t kWholeText = std::string::npos;
inline constexpr std::size_t kTerminalText = 120;
// A table; events that diverge or that reasons name are marked, and notes and problems stand below.
// What an event says is cut after `max_text` characters.
std::string to_table(const LogDump& dump, std::size_t max_text);
// The JSON form as YAML.
std::string to_yaml(const codec::Json& json);

}  // namespace avouch::appraisal
