#pragma once

// Files that the user named. Whatever is wrong with one is kRejected and says which and why:
// another try does not mend it.

#include <cstddef>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace avouch::cli {

Result<Bytes> read_input(const std::string& file, std::size_t max_bytes);

// A small one: keys, a checkpoint, a policy.
Result<std::string> read_user_file(const std::string& file);

// Whether `file` can be written in the end, asked before any work is done: its folder is there and
// may be written to, and nothing but a regular file is in its place (which is replaced). "" is no
// file, and fine.
Result<void> check_output(const std::string& file);

Result<void> write_output(const std::string& file, ByteView content);

}  // namespace avouch::cli
