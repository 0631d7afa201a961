#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/client.h"

namespace avouch::cli {

// Of every token that the controller takes.
inline constexpr std::string_view kControllerAudience = "avouch.dev/controller";

// A token for the controller, for 15 minutes, of the account NAMESPACE/NAME. kRejected says which
// right is missing.
Result<std::string> token_of_account(const kube::Client& api, const std::string& account);

}  // namespace avouch::cli
