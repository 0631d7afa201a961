#pragma once

// A golden node's evidence in files.

#include <filesystem>
#include <vector>

#include "base/clock.h"
#include "provision/from_evidence.h"

namespace avouch::adapters {

// `path` is a folder: a stored case (one with meta.json), or one of the kernel's files as they are
// copied from a machine: binary_bios_measurements (or eventlog.bin) and binary_runtime_measurements
// (or ima.bin); or one such file itself, told by its beginning. A case's logs must be proven by its
// quote. kRejected: none of these, and what draft_from_case and draft_from_logs refuse.
Result<provision::Draft> draft_from_path(const std::filesystem::path& path,
                                         std::span<const crypto::Certificate> signers,
                                         SystemTime now);

}  // namespace avouch::adapters
