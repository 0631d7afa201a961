#include "adapters/kubectl_trouble.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "codec/json.h"

namespace avouch::adapters {
namespace {

constexpr std::size_t kMaxWords = 300;
constexpr std::array<std::string_view, 3> kServersOwn = {
    "Audit-Id", "X-Kubernetes-Pf-Flowschema-Uid", "X-Kubernetes-Pf-Prioritylevel-Uid"};
// Errors of logging in and of certificates: no later try will do better.
constexpr std::array<std::string_view, 4> kOfTrust = {
    "getting credentials", "x509:", "remote error: tls:", "no Auth Provider found"};

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, std::min(text.find_first_of("\r\n"), kMaxWords)));
}

bool is_of_trust(std::string_view words) {
  return std::any_of(kOfTrust.begin(), kOfTrust.end(), [&](std::string_view each) {
    return words.find(each) != std::string_view::npos;
  });
}

}  // namespace

std::optional<ServerTrouble> trouble_in(const HttpResponse& response) {
  using Kind = ServerTrouble::Kind;
  if (response.status != 401 && response.status != 500 && response.status != 502) return {};
  const auto body = codec::parse_json(response.body, {.bytes = 1024 * 1024, .depth = 32});
  const bool is_status = body.has_value() && body->text({"kind"}) == "Status";
  if (response.status == 401) {
    if (!is_status) return {};
    return ServerTrouble{Kind::kNoLogin, first_line(body->text({"message"}))};
  }
  const bool by_server = std::any_of(kServersOwn.begin(), kServersOwn.end(), [&](auto name) {
    return response.headers.find(name).has_value();
  });
  if (by_server || body.has_value()) return {};
  const std::string words = first_line(response.body);
  return ServerTrouble{is_of_trust(words) ? Kind::kNoTrust : Kind::kSilent,
                       words.empty() ? "kubectl does not say why" : words};
}

}  // namespace avouch::adapters
