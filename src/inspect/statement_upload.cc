#include "inspect/statement_upload.h"

#include "inspect/log_post.h"

namespace avouch::inspect {
namespace {

std::string registration_remedy(int status) {
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
  AVOUCH_TRY(const HttpResponse response, post_to_log(transport, release, token,
                                                      {.path = "/entries",
                                                       .content_type = "application/cose",
                                                       .body = statement,
                                                       .remedy = registration_remedy},
                                                      pause));
  return Registered{.receipt = to_bytes(response.body),
                    .policy_entry = std::string(
                        response.headers.find("Avouch-Registration-Policy").value_or(""))};
}

}  // namespace avouch::inspect
