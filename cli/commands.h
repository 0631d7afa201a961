#pragma once

// What each command does; main.cc only reads the command line.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "inspect/release.h"
#include "inspect/verify.h"
#include "kube/transport.h"

namespace avouch::cli {

enum class Format { kText, kJson };

// Exit status of the program. Documented in its --help and in docs/auditing.md.
enum class Exit {
  kGood = 0,         // done, and everything that was checked holds
  kDoesNotHold = 1,  // something that was checked does not hold
  kUsage = 2,        // the command line is wrong
  kUnreachable = 3,  // the API server, the controller or its log gave no answer
  kRefused = 4,      // no such object, entry or file, a file that cannot be written, no permission,
                     // no usable kubeconfig, login or key; what was to be proven was erased
};
Exit exit_of(const Error& error);

struct Common {
  inspect::ReleaseName release;
  Format format = Format::kText;
  // An auditor's own copies; "" asks the release.
  std::string verifier_keys_file, log_vkey_file, origin;
  std::string shard;  // which of the release's logs: a label or an origin; "": the newest

  // Of these three; a command that asks the cluster takes all or none, which main.cc has checked.
  int anchors_given() const {
    return static_cast<int>(!verifier_keys_file.empty()) +
           static_cast<int>(!log_vkey_file.empty()) + static_cast<int>(!origin.empty());
  }
};

// What a command works with.
struct Context {
  using Progress = std::function<void(const std::string&)>;  // says what is being done

  kube::Transport& transport;
  Clock& clock;
  const Common& common;
  Progress progress;
};

struct LogQuery {
  std::string node;                     // "" or a node's name
  std::string ns, pod;                  // pod "" or a pod's name
  int limit = 20;                       // 1 to 100
  std::optional<std::uint64_t> before;  // only entries with a smaller index
};

struct LogCheck {
  std::string since_file;  // "" or a checkpoint that was kept
  std::string since;       // what is in it, by read_kept_checkpoint()
  std::string save_file;   // "" or where the newest one is kept, if all holds
};
// The note in the file of --since; "" for no file. Only its form is checked, not its signatures.
// kRejected, with option and file: it cannot be read, or is no checkpoint.
Result<std::string> read_kept_checkpoint(const std::string& file);

// Results go to standard output. An error is printed by the caller.
Result<Exit> status(const Context& context);
Result<Exit> version(const Context& context, const std::string& client_version);
// What of the boot log is shown with a node.
enum class BootLogShown { kTable, kDecoded };
// kTable: after the verdict, or on standard error why not. kDecoded: alone, as YAML or JSON; an
// error where there is none.
Result<Exit> explain_node(const Context& context, const std::string& name, BootLogShown shown);
Result<Exit> explain_pod(const Context& context, const std::string& ns, const std::string& name);
Result<Exit> verify_node(const Context& context, const std::string& name,
                         const inspect::Demands& demands);
Result<Exit> verify_pod(const Context& context, const std::string& ns, const std::string& name,
                        const inspect::Demands& demands);
Result<Exit> verify_log(const Context& context, const LogCheck& check);
Result<Exit> log_list(const Context& context, const LogQuery& query);
// The logs of the release, and that each follows the one before it. `from`: label or origin of the
// first that is looked at, where older ones were archived; "": all.
Result<Exit> log_shards(const Context& context, const std::string& from);
struct ShowOptions {
  std::uint64_t index = 0;
  bool with_references = false;  // what it refers to, and what refers to it
  inspect::ChainBounds bounds;
  std::string log_policy;  // "" or the file that names the keys of other logs
};
Result<Exit> log_show(const Context& context, const ShowOptions& options);

struct UploadOptions {
  std::string file;
  std::string account;  // NAMESPACE/NAME
};
Result<Exit> upload_list(const Context& context, const UploadOptions& options);

}  // namespace avouch::cli
