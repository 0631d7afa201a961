#include "inspect/list_upload.h"

#include "base/hex.h"
#include "codec/json.h"
#include "inspect/answer_detail.h"

namespace avouch::inspect {
namespace {

constexpr std::chrono::seconds kAskTimeout{20};
constexpr std::chrono::minutes kSendTimeout{10};

std::string code_of(const HttpResponse& response) {
  const auto body = codec::parse_json(response.body);
  return body.has_value() ? std::string(body->text({"code"})) : std::string();
}

Error refused(const HttpRequest& request, const HttpResponse& response) {
  return rejected(request.method + " " + request.path + ": " + std::to_string(response.status) +
                  ": " + detail_of(response));
}

class Upload {
 public:
  Upload(kube::Transport& transport, const std::function<void()>& pause)
      : transport_(transport), pause_(pause) {}

  // Again while the controller puts it off.
  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds timeout) {
    for (;;) {
      AVOUCH_TRY(HttpResponse response, transport_.send(request, timeout, {}));
      if (response.status != 503 && response.status != 429) return response;
      if (++attempts_ == kMaxAttempts) {
        return retryable(refused(request, response).message);
      }
      pause_();
    }
  }

 private:
  kube::Transport& transport_;
  const std::function<void()>& pause_;
  int attempts_ = 0;
};

}  // namespace

Result<Uploaded> upload_list(kube::Transport& transport, const ReleaseName& release,
                             const std::string& token, ByteView list,
                             const std::function<void()>& pause) {
  Upload upload(transport, pause);
  HttpRequest request;
  request.method = "GET";
  request.path = "/api/v1/namespaces/" + release.ns + "/services/https:" + release.name +
                 "-controller:443/proxy/v1/lists/sha256:" + to_hex(crypto::sha256(list));
  request.headers.add("Avouch-Token", token);
  // Asked first: the controller takes no body from whom it does not know yet.
  AVOUCH_TRY(const HttpResponse known, upload.send(request, kAskTimeout));
  if (known.status == 204) return Uploaded::kWasThere;
  if (known.status != 404 || code_of(known) != "NoSuchList") return refused(request, known);
  request.method = "PUT";
  request.headers.add("Content-Type", "application/octet-stream");
  request.body = as_text(list);
  AVOUCH_TRY(const HttpResponse sent, upload.send(request, kSendTimeout));
  if (sent.status != 200 && sent.status != 201) return refused(request, sent);
  return sent.status == 201 ? Uploaded::kSent : Uploaded::kWasThere;
}

}  // namespace avouch::inspect
