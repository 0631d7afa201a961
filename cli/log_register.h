#pragma once

// `kubectl avouch log register`: a signed statement of another party goes into the log.

#include <string>

#include "cli/commands.h"
#include "cli/files.h"

namespace avouch::cli {

struct LogRegisterOptions {
  std::string statement;  // file
  std::string account;    // NAMESPACE/NAME
  std::string file;       // where the transparent statement goes
  IfThere if_there = IfThere::kRefuse;
};

// Verifies the receipt before it writes: what does not hold is shown as a tree, and no file is
// made.
Result<Exit> log_register(const Context& context, const LogRegisterOptions& options);

}  // namespace avouch::cli
