#pragma once

// What each command does; main.cc only reads the command line.

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "inspect/release.h"
#include "kube/transport.h"

namespace avouch::cli {

enum class Format { kText, kJson };

struct Common {
  inspect::ReleaseName release;
  Format format = Format::kText;
  std::string verifier_keys_file, log_vkey_file,
      origin;  // an auditor's own copies; "" asks the release
};

// Exit status: 0 done and everything that was checked holds, 1 something does not hold.
enum class Exit { kGood = 0, kDoesNotHold = 1 };

Result<Exit> status(kube::Transport& transport, Clock& clock, const Common& common);
Result<Exit> explain_node(kube::Transport& transport, Clock& clock, const Common& common,
                          const std::string& name);
Result<Exit> explain_pod(kube::Transport& transport, Clock& clock, const Common& common,
                         const std::string& ns, const std::string& name);
Result<Exit> verify_node(kube::Transport& transport, Clock& clock, const Common& common,
                         const std::string& name);
Result<Exit> verify_pod(kube::Transport& transport, Clock& clock, const Common& common,
                        const std::string& ns, const std::string& name);
Result<Exit> log_list(kube::Transport& transport, Clock& clock, const Common& common,
                      const std::string& query, int limit);
Result<Exit> log_show(kube::Transport& transport, Clock& clock, const Common& common,
                      std::uint64_t index);

}  // namespace avouch::cli
