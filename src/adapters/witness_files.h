#pragma once

// What a witness remembers, in a directory on a POSIX file system (src/tlog/FORMAT.md):
//
//   DIR/lock      one process at a time (flock)
//   DIR/journal   what was cosigned, batch by batch; replaced by a shorter one now and then
//
// Everything is in memory too: the last note of each log. What comes while a batch is on its way to
// stable storage makes the next batch, so that one fsync serves many logs.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tlog/witness.h"

namespace avouch::adapters {

// A new state: nothing is remembered. The directory is made if it is missing; its parent must
// exist. kRejected, and nothing changed, where there is a state already.
Result<void> make_witness_files(const std::filesystem::path& directory);
bool has_witness_files(const std::filesystem::path& directory);

struct WitnessFilesOptions {
  std::filesystem::path directory;
  std::size_t compact_bytes = 4 * 1024 * 1024;  // written beyond what is remembered
  // Called once, on the thread that met it, where what is on disk is no longer known (an fsync
  // error): the process must end. Every later replace() is kFatal.
  std::function<void(const Error&)> on_fatal = [](const Error&) {};
};

struct OpenedWitnessFiles {
  std::unique_ptr<tlog::WitnessMemory> memory;
  std::vector<std::string> notes;  // what was unusual, for the log
};

// kRetryable if another process has it. kFatal, with what to do: there is no state, or it is
// damaged: a witness that forgets may cosign a fork, so neither is taken for an empty one.
Result<OpenedWitnessFiles> open_witness_files(WitnessFilesOptions options);

}  // namespace avouch::adapters
