#pragma once

// Commands that ask no server: appraisal of stored evidence, and decoding of logs.

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.h"
#include "cli/commands.h"

namespace avouch::cli {

// Exit status of `appraise`. Of `eventlog`: kAffirming, kContraindicated (it does not replay to the
// given PCRs) and kUnusable.
enum class Appraised {
  kAffirming = 0,
  kUnusable = 2,  // policy, references or case cannot be read: nothing was judged
  kWarning = 3,
  kContraindicated = 4,
};

struct AppraiseOptions {
  std::string policy_file;
  std::string references_folder;  // "" for none
  std::string trust_bundle_file;  // "" : the policy's ConfigMaps are in references_folder
  std::string case_folder;
  std::string at;         // "" : now; RFC 3339
  std::string node_name;  // "" : as the case says
};

struct EventlogOptions {
  std::string file;       // binary_bios_measurements or binary_runtime_measurements
  std::string pcrs_file;  // "" : nothing to compare with
  std::string output;     // "text", "json" or "yaml"
};

// How much of a text a table shows: all of it, but on a terminal.
std::size_t shown_text();

// Prints the log, decoded, and how the PCRs differ from it.
Result<Appraised> eventlog(const EventlogOptions& options);

// Prints the verdict. An error is "unusable", and printed by the caller.
Result<Appraised> appraise(const AppraiseOptions& options, Format format, Clock& clock);

}  // namespace avouch::cli
