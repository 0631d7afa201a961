#pragma once

// Records of verdicts over HTTP, for whoever may read the node's evidence (docs/interfaces.md,
// "Records of verdicts").

#include <memory>
#include <string>
#include <string_view>

#include "base/http.h"
#include "control/reception.h"
#include "control/verdict_archive.h"
#include "kube/auth.h"

namespace avouch::control {

// Bytes of an object in one answer.
inline constexpr std::size_t kRecordPiece = 1024 * 1024;

// GET /v1/records/sha256:TOKEN?node=NAME and /v1/records/sha256:TOKEN/sha256:OBJECT?node=NAME
// &offset=N. Only what a record of that node names is given out, and only to whoever may read it.
class RecordHandler final : public HttpHandler {
 public:
  // References outlive the handler.
  RecordHandler(RecordReader& archive, Reception& reception, kube::AccessReviewer& access)
      : archive_(archive), reception_(reception), access_(access) {}

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

 private:
  HttpResponse serve(const HttpRequest& request, const Result<Caller>& caller);
  HttpResponse object(const appraisal::StoredRecord& record, std::string_view digest_text,
                      std::string_view query);

  RecordReader& archive_;
  Reception& reception_;
  kube::AccessReviewer& access_;
};

}  // namespace avouch::control
