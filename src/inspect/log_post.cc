#include "inspect/log_post.h"

#include <cstdint>

#include "codec/cbor.h"
#include "inspect/answer_detail.h"

namespace avouch::inspect {
namespace {

constexpr std::chrono::seconds kPostTimeout{30};
constexpr int kAttempts = 10;
constexpr codec::CborLimits kProblemLimits{16 * 1024, 4, 16};

}  // namespace

std::string refusal_of(const HttpResponse& response) {
  const auto problem = codec::parse_cbor(as_bytes(response.body), kProblemLimits);
  if (problem.has_value() && problem->as_map() != nullptr) {
    std::string out;
    for (const std::int64_t member : {-1, -2}) {
      const codec::Cbor* value = problem->find(member);
      if (value == nullptr || value->as_text() == nullptr) continue;
      out += (out.empty() ? "" : ": ") + *value->as_text();
    }
    if (!out.empty()) return out;
  }
  return detail_of(response);
}

Result<HttpResponse> post_to_log(kube::Transport& transport, const ReleaseName& release,
                                 const std::string& token, const LogPost& post,
                                 const std::function<void()>& pause) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/api/v1/namespaces/" + release.ns + "/services/https:" + release.name +
                 "-controller:443/proxy" + post.path;
  request.headers.add("Avouch-Token", token);
  request.headers.add("Content-Type", post.content_type);
  request.body = as_text(post.body);
  for (int attempt = 1;; ++attempt) {
    AVOUCH_TRY(HttpResponse response, transport.send(request, kPostTimeout, {}));
    if (response.status == 201) return response;
    const std::string message = "POST " + post.path + ": " + std::to_string(response.status) +
                                ": " + refusal_of(response) +
                                (post.remedy ? post.remedy(response.status) : "");
    const bool put_off = response.status == 503 || response.status == 429;
    if (!put_off) return response.status >= 500 ? retryable(message) : rejected(message);
    if (attempt == kAttempts) return retryable(message);
    pause();
  }
}

}  // namespace avouch::inspect
