#pragma once

// POST /v1/log/endorsements, .../disputes, .../measurements, .../supersessions and .../erasures:
// what a caller says about entries becomes an entry (docs/interfaces.md, 'Log, authenticated side';
// src/tlog/FORMAT.md, 'Remark').
//
// The caller must be known to the API server and may `create` that resource of group avouch.dev (a
// name for roles alone). Each entry that is referred to is verified first: one of this log under
// its newest published checkpoint, one of another by its proof under a key that is trusted. 201
// once it is published, and for an erasure once the content is gone. The same bytes of the same
// caller are one entry, among the newest 65,536; the same erasure of the same caller always.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/http.h"
#include "control/control_observer.h"
#include "control/log_volume.h"
#include "control/receipt_handler.h"
#include "control/reception.h"
#include "control/sequenced_log.h"
#include "control/work_pool.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "kube/auth.h"
#include "tlog/log.h"
#include "tlog/log_policy.h"
#include "tlog/reference_proof.h"
#include "tlog/remark.h"

namespace avouch::control {

struct RemarkParts {
  tlog::Log& log;
  SequencedLog& entries;
  const LogVolume& volume;
  const ReceiptHandler& receipts;
  std::string origin;
  Bytes pseudonym_key;
  const crypto::PrivateKey& verifier_key;
  crypto::Random& random;
  Clock& clock;
  std::optional<tlog::LogPolicy> trusted;  // other logs; nothing: entries of this one alone
};

class RemarkHandler final : public HttpHandler {
 public:
  // References outlive the handler. What is taken waits for the log on `lane`, which is this
  // handler's own.
  RemarkHandler(RemarkParts parts, Reception& reception, kube::AccessReviewer& access,
                WorkPool& lane, ControlObserver& observer);

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

  struct Counts {
    std::uint64_t recorded = 0;  // again as well
    std::uint64_t refused = 0;   // malformed, or about what does not hold
  };
  Counts counts() const { return {recorded_, refused_}; }

 private:
  struct Sent {
    tlog::RemarkRequest request;
    std::string by;
    std::string id;  // of the entry
  };
  void check(tlog::RemarkKind kind, const std::string& body, const Result<Caller>& caller,
             const Reply& reply);
  HttpResponse enter(const Sent& sent);
  // 503 where it refers to an entry that no published checkpoint covers yet.
  std::optional<HttpResponse> refuse_unpublished(const tlog::Remark& remark) const;
  // The remark with its references as they are kept.
  Result<tlog::Remark> verify(const tlog::Remark& remark, const std::string& by) const;
  Result<tlog::VerifiedReference> verify_reference(const tlog::EntryReference& reference) const;
  // This log's own remark of that index; nothing where the entry is none. kRejected: it was erased.
  Result<std::optional<tlog::RecordedRemark>> remark_at(std::uint64_t index) const;
  // That an own entry is a remark that this caller made, and that can be superseded.
  Result<void> check_superseded(const tlog::EntryReference& reference, const std::string& by) const;
  // The answer where the content is not there any more; nothing where it can be erased.
  std::optional<HttpResponse> answer_erased(const Sent& sent, const tlog::Remark& erasure);
  HttpResponse answer(const Sent& sent, std::uint64_t index);
  HttpResponse refuse(const Error& error, std::string_view title);

  const RemarkParts parts_;
  Reception& reception_;
  kube::AccessReviewer& access_;
  WorkPool& lane_;
  ControlObserver& observer_;
  std::atomic<std::uint64_t> recorded_{0}, refused_{0};
};

}  // namespace avouch::control
