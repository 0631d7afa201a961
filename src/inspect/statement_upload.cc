#include "inspect/statement_upload.h"

#include <string_view>

#include "codec/cbor.h"
#include "inspect/answer_detail.h"

namespace avouch::inspect {
namespace {

constexpr std::chrono::seconds kTimeout{30};
constexpr int kAttempts = 10;
constexpr codec::CborLimits kProblemLimits{16 * 1024, 4, 16};

// The controller speaks CBOR (RFC 9290), the API server in front of it JSON.
std::string concise_detail_of(const HttpResponse& response) {
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

std::string remedy(int status) {
  if (status == 405) {
    return "; this log registers no statements of others: its controller has no issuers in "
           "controller.log.registration";
  }
  return "";
}

}  // namespace

Result<Registered> register_statement(kube::Transport& transport, const ReleaseName& release,
                                      const std::string& token, ByteView statement,
                                      const std::function<void()>& pause) {
  HttpRequest request;
  request.method = "POST";
  request.path = "/api/v1/namespaces/" + release.ns + "/services/https:" + release.name +
                 "-controller:443/proxy/entries";
  request.headers.add("Avouch-Token", token);
  request.headers.add("Content-Type", "application/cose");
  request.body = as_text(statement);
  for (int attempt = 1;; ++attempt) {
    AVOUCH_TRY(const HttpResponse response, transport.send(request, kTimeout, {}));
    if (response.status == 201) {
      return Registered{.receipt = to_bytes(response.body),
                        .policy_entry = std::string(
                            response.headers.find("Avouch-Registration-Policy").value_or(""))};
    }
    const std::string message = "POST /entries: " + std::to_string(response.status) + ": " +
                                concise_detail_of(response) + remedy(response.status);
    const bool put_off = response.status == 503 || response.status == 429;
    if (!put_off) return response.status >= 500 ? retryable(message) : rejected(message);
    if (attempt == kAttempts) return retryable(message);
    pause();
  }
}

}  // namespace avouch::inspect
