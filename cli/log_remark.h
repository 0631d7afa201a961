#pragma once

// `kubectl avouch log endorse|dispute|measure|supersede|erase`: what somebody says about entries
// goes into the log.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "tlog/remark.h"

namespace avouch::cli {

struct LogRemarkOptions {
  tlog::RemarkKind kind = tlog::RemarkKind::kEndorsement;
  std::vector<std::uint64_t> entries;  // of this log
  std::vector<std::string> proofs;     // files: tlog-proofs of entries of other logs
  std::string text;
  std::vector<std::string> material;         // TYPE:FILE
  std::vector<std::string> values;           // NAME=ALGORITHM:HEX
  std::optional<std::uint64_t> replacement;  // of this log
  std::string account;                       // NAMESPACE/NAME
};

// What is wrong with an item of `material` or `values`; "" where nothing is.
std::string material_problem(const std::string& text);
std::string value_problem(const std::string& text);

// Verifies each entry of this log before, and the entry that it became after. What does not hold is
// shown as a tree.
Result<Exit> log_remark(const Context& context, const LogRemarkOptions& options);

}  // namespace avouch::cli
