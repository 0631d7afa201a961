#pragma once

// Digest lists that operators put into the controller's store: docs/interfaces.md, 'Digest lists'.

#include <functional>
#include <memory>

#include "base/http.h"
#include "control/blob_store.h"
#include "control/control_observer.h"
#include "control/reception.h"
#include "control/work_pool.h"
#include "kube/auth.h"

namespace avouch::control {

// Serves /v1/lists/sha256:HEX: GET says whether that list is here, PUT puts it here. Both are for
// who may `update` ReferenceManifests, as a SubjectAccessReview says. What a list means is decided
// by the manifests that name its digest; who may put one here can only fill this store.
class ListHandler final : public HttpHandler {
 public:
  // References outlive the handler. `arrived` is called after a list has come.
  ListHandler(std::size_t max_bytes, Reception& reception, kube::AccessReviewer& access,
              BlobStore& lists, WorkPool& pool, ControlObserver& observer,
              std::function<void()> arrived);

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

 private:
  void serve(const HttpRequest& request, const Result<Caller>& caller,
             const std::shared_ptr<BodySink>& sink, const Reply& reply);

  const std::size_t max_bytes_;
  Reception& reception_;
  kube::AccessReviewer& access_;
  BlobStore& lists_;
  WorkPool& pool_;
  ControlObserver& observer_;
  const std::function<void()> arrived_;
};

// Whose share of the store lists count towards.
inline constexpr const char* kListOwner = "lists";

}  // namespace avouch::control
