#pragma once

// A kube::Transport with fixed answers by path; anything else is 404, or what otherwise() says.
// Thread-safe once filled.

#include <functional>
#include <map>
#include <string>

#include "kube/transport.h"

namespace avouch::testing {

class AnsweringTransport final : public kube::Transport {
 public:
  using Answer = std::function<HttpResponse(const HttpRequest&)>;

  void answer(std::string path, std::string_view body) {
    on(std::move(path), [body = std::string(body)](const HttpRequest&) {
      return HttpResponse{.status = 200, .content_type = "application/json", .body = body};
    });
  }
  void on(std::string path, Answer answer) { answers_[std::move(path)] = std::move(answer); }

  void otherwise(Answer answer) { otherwise_ = std::move(answer); }

  Result<HttpResponse> send(const HttpRequest& request, std::chrono::milliseconds,
                            std::stop_token) override {
    const auto found = answers_.find(request.path);
    if (found != answers_.end()) return found->second(request);
    if (otherwise_) return otherwise_(request);
    return HttpResponse{.status = 404,
                        .content_type = "application/json",
                        .body = R"({"kind":"Status","reason":"NotFound","code":404})"};
  }
  Result<HttpResponse> stream(const HttpRequest&, const kube::StreamLimits&, const OnLine&,
                              std::stop_token) override {
    return rejected("no streams here");
  }

 private:
  std::map<std::string, Answer> answers_;
  Answer otherwise_;
};

}  // namespace avouch::testing
