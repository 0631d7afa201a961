#pragma once

// The command line of `kubectl avouch log endorse|dispute|measure|supersede|erase`.

#include <functional>
#include <string>

#include "cli/commands.h"
#include "cli/log_remark.h"

namespace CLI {
class App;
}

namespace avouch::cli {

using RemarkCommand = std::function<Result<Exit>(const Context&)>;

// Adds them to `log`. `leaf` makes a subcommand that runs what it is given. What the line says of
// an index or an account is checked by `is_index` and `is_account`: "" where it is one.
struct RemarkCommandLine {
  std::function<CLI::App*(const std::string& name, const std::string& what, RemarkCommand)> leaf;
  std::function<std::string(const std::string&)> is_index, is_account;
};
void add_remarks(const RemarkCommandLine& line, LogRemarkOptions& options);

}  // namespace avouch::cli
