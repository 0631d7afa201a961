#include "cli/account_token.h"

#include <chrono>

#include "kube/auth.h"

namespace avouch::cli {

Result<std::string> token_of_account(const kube::Client& api, const std::string& account) {
  const std::size_t slash = account.find('/');
  kube::TokenRequest request;
  request.account = {.ns = account.substr(0, slash), .name = account.substr(slash + 1)};
  request.audiences = {std::string(kControllerAudience)};
  request.expiration = std::chrono::minutes(15);
  const auto token = kube::request_token(api, request);
  if (!token.has_value()) {
    if (!token.error().is_forbidden()) return static_cast<Error>(token.error());
    return rejected(token.error().message +
                    "; you need the right to create serviceaccounts/token of " + account +
                    ", by a Role in namespace " + request.account.ns);
  }
  return token->token;
}

}  // namespace avouch::cli
