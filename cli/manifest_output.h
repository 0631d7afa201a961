#pragma once

// What the commands that make ReferenceManifests share.

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/reference.h"
#include "provision/draft.h"

namespace avouch::cli {

inline constexpr std::size_t kMaxPemBytes = 1024 * 1024;

Result<std::string> read_text(const std::string& file, std::size_t max_bytes);

// Nothing of "". `option` is named where it is no time.
Result<std::optional<SystemTime>> read_time(const char* option, const std::string& text);

// To the file, or to standard output where it is "".
Result<void> put(const std::string& output, const std::string& text, IfThere if_there);

// The options of `options` that say what to make; that its files can be written is checked.
Result<provision::ManifestOptions> options_of(const MakeOptions& options);

// Writes what the draft says; its remarks go to standard error too.
Result<Exit> finish(provision::Draft draft, const provision::ManifestOptions& to,
                    const MakeOptions& options);

}  // namespace avouch::cli
