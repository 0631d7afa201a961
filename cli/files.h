#pragma once

// Files that the user named. Whatever is wrong with one is kRejected and says which and why:
// another try does not mend it.

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::cli {

Result<Bytes> read_input(const std::string& file, std::size_t max_bytes);
inline constexpr std::size_t kMaxProofFile = 1024 * 1024;  // of a tlog-proof, or the like of it

// A small one: keys, a checkpoint, a policy.
Result<std::string> read_user_file(const std::string& file);

// What becomes of a regular file that has the name of an output; anything else is never replaced.
enum class IfThere {
  kRefuse,
  kReplace,  // the user gave --force, or the output is one that is kept up to date
};
inline constexpr const char* kForceHelp = "Replace a file that is there already";

// Whether `file` can be written in the end, asked before any work is done: its folder is there and
// may be written to, and nothing is in its place that is not to be replaced. "" is no file, and
// fine.
Result<void> check_output(const std::string& file, IfThere if_there);

// With kRefuse also a file that came there since the check is left alone.
Result<void> write_output(const std::string& file, ByteView content, IfThere if_there);

}  // namespace avouch::cli
