#pragma once

// The log over HTTP: the public read side in tlog-tiles form, and the authenticated side for the
// webhook and for readers. docs/interfaces.md, 'Log'.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http.h"
#include "base/rate_limits.h"
#include "control/closed_shards.h"
#include "control/log_index.h"
#include "control/log_volume.h"
#include "control/reception.h"
#include "control/renewal_index.h"
#include "control/sequenced_log.h"
#include "control/work_pool.h"
#include "crypto/keys.h"
#include "crypto/random.h"
#include "kube/auth.h"
#include "tlog/cosigned_notes.h"
#include "tlog/log.h"
#include "tlog/store.h"

namespace avouch::control {

// How much a webhook may add to the log, in bytes: at once, and in the long run. Each of its
// entries counts by its payload and kAppendOverhead. The defaults are what a webhook that answers
// reviews without a pause can send on a small machine (BENCHMARKS.md), and more than its spool
// holds.
struct AppendLimits {
  std::size_t burst = 128UL * 1024 * 1024;
  std::size_t per_second = 2UL * 1024 * 1024;
};
// What the log adds to a payload, in round numbers: statement, hash, id and salt.
inline constexpr std::size_t kAppendOverhead = 512;

struct LogParts {
  tlog::Log& log;
  tlog::TileReader& tiles;
  SequencedLog& entries;
  LogIndex& index;
  const LogVolume& volume;
  RenewalIndex& renewals;
  std::string origin;
  Bytes pseudonym_key;
  const crypto::PrivateKey& verifier_key;
  crypto::Random& random;
  Clock& clock;
  AppendLimits appends = {};
  ClosedShards* closed = nullptr;  // logs of the same chain that are read too; null: none
};

// GET (and HEAD) below the log's prefix, as /log/..., and /log/witnessed/..., where the same tiles
// lie below the newest checkpoint that a quorum of witnesses has cosigned.
class TileHandler final : public HttpHandler {
 public:
  // `notes`: the cosignatures that have come; null where no witness is asked. `pool`: reads there,
  // where reading may take long; null: on the thread of the request. `log`: whose retention says
  // what is denied; null: nothing. All outlive it.
  explicit TileHandler(tlog::TileReader& tiles, const tlog::CosignedNotes* notes = nullptr,
                       WorkPool* pool = nullptr, const tlog::Log* log = nullptr,
                       std::string prefix = "/log/")
      : tiles_(tiles), notes_(notes), pool_(pool), log_(log), prefix_(std::move(prefix)) {}
  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

 private:
  void serve(std::string_view path, const Reply& reply);

  tlog::TileReader& tiles_;
  const tlog::CosignedNotes* const notes_;
  WorkPool* const pool_;
  const tlog::Log* const log_;
  const std::string prefix_;
};

// Requests under /v1/log/.
class LogHandler final : public HttpHandler {
 public:
  // References outlive the handler. `appends` serves what is sent to the log, and that alone, so
  // that no reader keeps the webhook waiting; `readers` all else.
  LogHandler(LogParts parts, Reception& appends, Reception& readers, kube::AccessReviewer& access);

  Result<BodyPlan> plan(const HttpRequest& head) override;
  void handle(HttpRequest request, std::shared_ptr<BodySink> sink, Reply reply) override;

  // Denials that were not recorded because the volume is short of space.
  std::uint64_t left_out() const { return left_out_; }
  // Requests of webhooks that had spent what they may add to the log.
  std::uint64_t over_budget() const { return over_budget_; }

 private:
  void serve(const HttpRequest& request, const Result<Caller>& caller, const Reply& reply);
  void append(const Caller& caller, const HttpRequest& request, const Reply& reply);
  // `shard`: the closed log that is asked; null: the one that is written.
  using Shard = std::shared_ptr<const ClosedShard>;
  HttpResponse read(const Caller& caller, std::string_view path, std::string_view query);
  HttpResponse entry(const Caller& caller, std::string_view number, const Shard& shard);
  HttpResponse list(const Caller& caller, std::string_view query, const Shard& shard);
  HttpResponse renewal(const Caller& caller, std::string_view query);
  // 403 or 503 unless the caller may.
  std::optional<HttpResponse> refuse(const Caller& caller, const kube::AccessQuestion& question,
                                     std::string_view purpose);
  // The entry as the caller may see it.
  Result<codec::Json> show(const Caller& caller, std::uint64_t index, const Shard& shard);

  const LogParts parts_;
  Reception& appends_;
  Reception& readers_;
  kube::AccessReviewer& access_;
  std::atomic<std::uint64_t> left_out_{0}, over_budget_{0};
  const std::shared_ptr<RateLimits> budgets_;  // an append may end when the handler has
  // Who looks through old entries, by turn_of().
  struct Further {
    std::mutex mutex;
    std::set<std::string> turns;
  };
  class LookThrough;
  Further further_;
};

}  // namespace avouch::control
