#pragma once

// kubectl avouch reference: makes, compares, signs and checks ReferenceManifests, without a
// cluster. Exit status: kGood; kDoesNotHold (diff: they differ; verify: a signature is missing);
// kUsage for a command line or an input that cannot be used, which an error of `run` is too.

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"

namespace CLI {
class App;
}

namespace avouch::cli {

// Adds the command to `app`; where it is given, it is put into `run`, which must outlive the parse.
void add_reference(CLI::App& app, std::function<Result<Exit>()>& run);

struct MakeOptions {
  std::vector<std::string> inputs;  // a case, folders, or packages
  std::string output;               // "" : standard output
  std::string name, provider, not_before, not_after;
  std::vector<std::string> signers;  // files with PEM certificates
  std::string hash = "sha256";
  bool split = false;
  std::string list_file, list_namespace;
};
Result<Exit> reference_from_evidence(const MakeOptions& options);
Result<Exit> reference_from_rootfs(const MakeOptions& options);
Result<Exit> reference_from_debs(const MakeOptions& options);

struct SignOptions {
  std::string file, key_file, output;
};
Result<Exit> reference_sign(const SignOptions& options);

struct CheckOptions {
  std::vector<std::string> files;  // one, or two to compare
  std::vector<std::string> key_files;
  std::string lists_folder, at;
};
Result<Exit> reference_verify(const CheckOptions& options);
Result<Exit> reference_diff(const CheckOptions& options);

}  // namespace avouch::cli
