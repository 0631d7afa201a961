#pragma once

// kubectl avouch reference: makes, compares, signs and checks ReferenceManifests, without a
// cluster but where a node of it is named. Exit status (docs/references.md): kGood; kDoesNotHold
// (diff: they differ; verify: a signature is missing); kUsage for a command line or an input that
// cannot be used, which an error of `run` is too.

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/commands.h"
#include "cli/files.h"

namespace CLI {
class App;
}

namespace avouch::cli {

// Adds the command to `app`; where it is given, it is put into `run`, or into `in_cluster` where it
// asks the API server (from-evidence --node). Both must outlive the parse.
void add_reference(CLI::App& app, std::function<Result<Exit>()>& run,
                   std::function<Result<Exit>(const Context&)>& in_cluster);

struct MakeOptions {
  std::vector<std::string> inputs;  // a case, folders, or packages
  std::string output;               // "" : standard output
  std::string name, provider, not_before, not_after;
  std::vector<std::string> signers;  // files with PEM certificates
  std::string hash = "sha256";
  bool split = false;
  std::string list_file, list_namespace;
  IfThere if_there = IfThere::kRefuse;  // of output and list_file
  std::string node;                     // of the cluster, in place of inputs; "" for none
};
Result<Exit> reference_from_evidence(const MakeOptions& options);
// Of a node's present verdict. Errors are those of the commands that ask the API server.
Result<Exit> reference_from_node(const Context& context, const MakeOptions& options);
Result<Exit> reference_from_rootfs(const MakeOptions& options);
Result<Exit> reference_from_debs(const MakeOptions& options);

struct ImportOptions {
  MakeOptions to;       // `inputs`: the file, a CoRIM or the SWID tag of a PC Client RIM
  std::string digests;  // of a CoRIM: authenticode, file or ima: what its digests are of
  std::string profile;  // of a CoRIM: one that leaves reference values as they are; "": none
  // Exactly one of these: PEM of the key (or of its certificate) that must have signed, PEM of the
  // authorities that must vouch for the signer, or nothing is asked of a signature.
  std::string key_file, ca_file;
  bool unverified = false;
  std::string support_folder;  // of a RIM's support files; "": the tag's own
  std::string at;              // when certificates must be valid; "": now
};
Result<Exit> reference_import(const ImportOptions& options);

struct SignOptions {
  std::string file, key_file, output;
  IfThere if_there = IfThere::kRefuse;  // of another output than `file` itself
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
