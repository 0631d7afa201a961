#pragma once

// What runs before install, upgrade and uninstall. Idempotent; each ends within the time it is
// given and says what is left to do.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "control/names.h"
#include "kube/client.h"

namespace avouch::control {

struct HookOptions {
  ReleaseNames names;
  std::vector<std::string> exempt_namespaces;
  std::chrono::milliseconds time{240'000};
  std::chrono::milliseconds poll{500};
};
using HookProgress = std::function<void(const std::string& message)>;

// Labels the exempt namespaces. One that has the label is not written, one that does not exist is
// skipped.
Result<void> prepare(const kube::Client& client, Clock& clock, const HookOptions& options,
                     const HookProgress& progress);

// Deletes the webhook configuration, stops the controller, and removes taint, label and condition
// from every node and the label from the exempt namespaces.
Result<void> cleanup(const kube::Client& client, Clock& clock, const HookOptions& options,
                     const HookProgress& progress);

}  // namespace avouch::control
