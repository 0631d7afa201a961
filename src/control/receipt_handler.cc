#include "control/receipt_handler.h"

#include <charconv>
#include <optional>
#include <utility>

#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/cose.h"
#include "control/concise_problem.h"
#include "tlog/hashed_rekord.h"
#include "tlog/receipt.h"
#include "tlog/signed_statement.h"

namespace avouch::control {
namespace {

using codec::Cbor;

constexpr std::string_view kEntries = "/entries/";
constexpr std::string_view kKeys = "/.well-known/scitt-keys";
constexpr std::string_view kCborType = "application/cbor";
// RFC 9052, 7: key type EC2, algorithm, curve P-256.
constexpr std::int64_t kKty = 1, kKid = 2, kAlg = 3, kCurve = -1, kX = -2, kY = -3;
constexpr std::int64_t kEc2 = 2, kP256 = 1;

// Anybody may ask: what a database or a disk said of a passing fault is in the program's log.
HttpResponse receipt_failed(const Error& error) {
  if (error.kind == ErrorKind::kRetryable) {
    return concise_try_later("Overloaded", "the log cannot be read now; try again later");
  }
  return concise_problem(500, "LogFailed", error.message);
}

HttpResponse good(std::string_view type, ByteView body, std::string_view caching) {
  HttpResponse response;
  response.status = 200;
  response.content_type = type;
  response.headers.add("Cache-Control", std::string(caching));
  response.headers.add("Access-Control-Allow-Origin", "*");
  response.body = as_text(body);
  return response;
}

std::optional<HttpResponse> other_method(const HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") return std::nullopt;
  HttpResponse response =
      concise_problem(405, "MethodNotAllowed",
                      "receipts are read with GET; POST /entries registers a statement, where the "
                      "log has a policy for that");
  response.headers.add("Allow", "GET, HEAD");
  return response;
}

// Decimal, without sign and leading zeros.
std::optional<std::uint64_t> parse_index(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || std::to_string(value) != text) return std::nullopt;
  return value;
}

Result<Cbor> cose_key(const crypto::PublicKey& key) {
  AVOUCH_TRY(const auto point, key.ec_point());
  return Cbor::map({{Cbor::integer(kKty), Cbor::integer(kEc2)},
                    {Cbor::integer(kKid), Cbor::bytes(codec::key_id(key))},
                    {Cbor::integer(kAlg), Cbor::integer(codec::kCoseEs256)},
                    {Cbor::integer(kCurve), Cbor::integer(kP256)},
                    {Cbor::integer(kX), Cbor::bytes(point.first)},
                    {Cbor::integer(kY), Cbor::bytes(point.second)}});
}

}  // namespace

class ReceiptHandler::Place {
 public:
  // Null where all are taken.
  static std::shared_ptr<Place> take(std::shared_ptr<std::atomic<std::size_t>> taken) {
    if (taken->fetch_add(1) >= kAtOnce) {
      taken->fetch_sub(1);
      return nullptr;
    }
    return std::shared_ptr<Place>(new Place(std::move(taken)));
  }
  ~Place() { taken_->fetch_sub(1); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  explicit Place(std::shared_ptr<std::atomic<std::size_t>> taken) : taken_(std::move(taken)) {}
  std::shared_ptr<std::atomic<std::size_t>> taken_;
};

ReceiptHandler::ReceiptHandler(ReceiptParts parts, WorkPool& pool)
    : parts_(std::move(parts)),
      pool_(pool),
      under_way_(std::make_shared<std::atomic<std::size_t>>(0)) {}

// Before a body is read: a statement that is sent where none is taken is told so, not that it is
// too large.
Result<BodyPlan> ReceiptHandler::plan(const HttpRequest& head) {
  return BodyPlan{.limit = 0, .sink = nullptr, .refusal = other_method(head)};
}

void ReceiptHandler::handle(HttpRequest request, std::shared_ptr<BodySink>, Reply reply) {
  if (auto refusal = other_method(request)) return reply(*std::move(refusal));
  const std::string_view path = request.path;
  if (path.starts_with(kKeys)) return reply(keys(path.substr(kKeys.size())));
  if (!path.starts_with(kEntries))
    return reply(concise_problem(404, "NotFound", "no such resource"));
  const auto index = parse_index(path.substr(kEntries.size()));
  if (!index) {
    return reply(
        concise_problem(404, "NotFound", "expected /entries/N, N the entry's index in decimal"));
  }
  std::shared_ptr<Place> place = Place::take(under_way_);
  if (place == nullptr) {
    return reply(
        concise_try_later("Overloaded", "too many receipts are being signed; try again later"));
  }
  const auto taken = pool_.post(
      [this, index = *index, reply, place = std::move(place)] { reply(receipt(index)); });
  if (taken == WorkPool::Taken::kFull) {
    reply(concise_try_later("Overloaded", "too many requests wait; try again later"));
  }
}

HttpResponse ReceiptHandler::keys(std::string_view path) const {
  const crypto::PublicKey key = parts_.signer.public_key();
  const auto encoded = cose_key(key);
  if (!encoded.has_value()) return receipt_failed(encoded.error());
  if (path.empty()) {
    return good(kCborType, codec::to_cbor(Cbor::array({*encoded})), "no-cache");
  }
  if (path.front() == '/' && path.substr(1) == codec::to_base64url(codec::key_id(key))) {
    return good(kCborType, codec::to_cbor(*encoded), "no-cache");
  }
  return concise_problem(404, "NotFound", "no key of this log has that key ID (base64url)");
}

HttpResponse ReceiptHandler::receipt(std::uint64_t index) const {
  const tlog::VerifiedCheckpoint at = parts_.log.checkpoint();
  if (index >= at.size()) {
    if (index < parts_.log.status().sequenced) {
      return concise_try_later("NotPublished",
                               "the entry is sequenced; its checkpoint is about to be "
                               "published");
    }
    return concise_problem(404, "NotFound",
                           "the log has " + std::to_string(at.size()) + " published entries");
  }
  const auto stored = parts_.log.get(index);
  if (!stored.has_value()) return receipt_failed(stored.error());
  if (tlog::begins_as_hashed_rekord(stored->entry)) {
    return concise_problem(404, "NotFound",
                           "the entry is a hashedrekord; receipts are of signed statements alone, "
                           "and its inclusion is proven from the tiles");
  }
  const auto statement = tlog::parse_signed_statement_unverified(stored->entry);
  if (!statement.has_value()) return receipt_failed(statement.error());
  auto path = parts_.log.inclusion_proof(index, at);
  if (!path.has_value()) return receipt_failed(path.error());
  if (path->empty()) {
    return concise_try_later("NotPublished", "a log of one entry gives no receipts");
  }
  const auto made = tlog::make_receipt(
      parts_.signer, {.issuer = parts_.origin,
                      .subject = statement->subject,
                      .inclusion = {.size = at.size(), .index = index, .path = *std::move(path)},
                      .root = at.root()});
  if (!made.has_value()) return receipt_failed(made.error());
  return good(kReceiptType, *made, "no-cache");
}

}  // namespace avouch::control
