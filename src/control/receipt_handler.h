#pragma once

// Receipts of the log's entries, as SCITT's API serves them (draft-ietf-scitt-scrapi): public, as
// the tiles are, since entries hold commitments only.
//
//   GET /entries/N                      the entry's receipt under the newest published checkpoint
//   GET /.well-known/scitt-keys         the keys by which receipts are signed: a COSE Key Set
//   GET /.well-known/scitt-keys/KID     one of them; KID in base64url
//
// What is refused is said in CBOR (RFC 9290), with the title (-1) and detail (-2) of others' JSON.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/http.h"
#include "control/work_pool.h"
#include "crypto/keys.h"
#include "tlog/log.h"

namespace avouch::control {

inline constexpr std::string_view kReceiptType = "application/scitt-receipt+cose";

struct ReceiptParts {
  const tlog::Log& log;
  std::string origin;
  const crypto::PrivateKey& signer;  // EC P-256
};

class ReceiptHandler final : public HttpHandler {
 public:
  // References outlive the handler. Signing runs on `pool`, of which at most `kAtOnce` tasks are
  // this handler's: whoever may ask for receipts does not keep others from being served.
  static constexpr std::size_t kAtOnce = 16;
  ReceiptHandler(ReceiptParts parts, WorkPool& pool);

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

  // The answer to GET /entries/N, made on the caller's thread.
  HttpResponse receipt(std::uint64_t index) const;

 private:
  class Place;  // one of kAtOnce, as long as it lives
  HttpResponse keys(std::string_view path) const;

  const ReceiptParts parts_;
  WorkPool& pool_;
  const std::shared_ptr<std::atomic<std::size_t>> under_way_;
};

}  // namespace avouch::control
