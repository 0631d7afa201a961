#pragma once

// `kubectl avouch export` and `kubectl avouch verify proof`: proofs that leave the cluster.

#include <cstdint>
#include <string>

#include "cli/commands.h"
#include "cli/files.h"

namespace avouch::cli {

struct ExportOptions {
  std::uint64_t index = 0;
  std::string format = "tlog-proof";    // or "cose", "in-toto"
  std::string key;                      // file of the private key that signs an in-toto statement
  std::string file;                     // where the proof goes; "" : standard output
  std::string preimage;                 // where the content goes; "" : nowhere
  IfThere if_there = IfThere::kRefuse;  // of both
  bool witnessed = false;               // under the newest checkpoint that a quorum has cosigned
};

struct ProofFileOptions {
  // Files; all but the first may be "".
  std::string proof, preimage, log_policy, issuer_keys, signer_keys;
  std::string receipt;  // then `proof` is the statement that the receipt is of
};

// Verifies before it writes: what does not hold is shown as a tree, and no file is made.
Result<Exit> export_entry(const Context& context, const ExportOptions& options);

// Whatever export_entry() writes. Asks no server: keys are those of `common`; of a transparent
// statement the verifier's and the origin must be given, of the others the log's, and of an in-toto
// statement also its signer's.
Result<Exit> verify_proof_file(const ProofFileOptions& options, const Common& common);

// What the command line lacks of what that file is held by, all of it; "" where it lacks nothing or
// the file cannot be read.
std::string missing_for_proof_file(const ProofFileOptions& options, const Common& common);

// That a file proves that a log contradicted itself: kGood where it does. The log's key must be
// given.
Result<Exit> verify_misbehaviour_file(const std::string& file, const Common& common);

}  // namespace avouch::cli
