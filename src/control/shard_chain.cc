#include "control/shard_chain.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "tlog/entry.h"

namespace avouch::control {
namespace {

// Of one call: the newest closes, its successor is new. Nothing makes more of it.
constexpr int kMostAtOnce = 4;

// What the entry that closes the log says, which the writer has in its own store.
Result<tlog::ShardEnd> end_of_log(const tlog::Log& log, std::uint64_t index,
                                  const std::string& origin) {
  AVOUCH_TRY(const tlog::StoredEntry stored, log.get(index));
  AVOUCH_TRY(const tlog::UnverifiedStatement statement,
             tlog::parse_statement_unverified(stored.entry));
  AVOUCH_TRY(const codec::Cbor payload,
             tlog::open_preimage(statement.preimage_digest, stored.preimage));
  return tlog::parse_shard_end(payload, origin);
}

// The label that follows `label`, by the entry that closed it.
Result<std::string> successor(const ShardRules& rules, const std::string& label,
                              const tlog::ShardEnd& end) {
  auto next = tlog::label_of(rules.chain, end.next);
  if (next && *tlog::begin_of(*next) > *tlog::begin_of(label)) return *std::move(next);
  return fatal("log " + tlog::shard_origin(rules.chain, label) + ": was closed in favour of \"" +
               end.next + "\", expected a later log of " + rules.chain +
               ": is this the release's own log?");
}

Result<std::optional<tlog::Predecessor>> predecessor_of(ShardLogs& logs, const ShardRules& rules,
                                                        const std::string& label,
                                                        const std::vector<std::string>& known) {
  const auto place = std::find(known.begin(), known.end(), label);
  if (place == known.end() || place == known.begin()) return std::optional<tlog::Predecessor>();
  const std::string& before = *std::prev(place);
  const std::string origin = tlog::shard_origin(rules.chain, label);
  const std::string advice =
      ". A log was lost, or put back from a backup: bring back the newest copy of both; see "
      "\"Backup\" in docs/operations.md";
  auto ended = logs.ended(before);
  if (!ended.has_value()) {
    if (ended.error().kind != ErrorKind::kRejected) return ended.error();
    return fatal("log " + origin + ": is new, and the one before it cannot be joined to it: " +
                 ended.error().message + advice);
  }
  if (ended->end.next != origin) {
    return fatal("log " + origin + ": is new, and the one before it, " +
                 ended->as_predecessor.origin + ", is followed by " + ended->end.next + advice);
  }
  return std::optional(std::move(ended->as_predecessor));
}

Result<void> close_log(tlog::Log& log, const ShardRules& rules, const std::string& label,
                       const std::string& next, const crypto::PrivateKey& verifier_key,
                       crypto::Random& random, SystemTime now) {
  const tlog::ShardEnd end{now, tlog::shard_origin(rules.chain, next)};
  AVOUCH_TRY(tlog::NewEntry entry,
             tlog::make_entry(verifier_key,
                              {.issuer = tlog::shard_origin(rules.chain, label),
                               .subject = tlog::log_pseudonym(rules.pseudonym_key),
                               .kind = std::string(tlog::kShardKind),
                               .payload = tlog::shard_end_payload(end)},
                              random));
  AVOUCH_CHECK(log.append_and_wait({std::move(entry.statement), std::move(entry.preimage), ""}));
  return {};
}

}  // namespace

bool is_being_pruned(const tlog::Log& log) {
  const std::shared_ptr<const tlog::Retention> retention = log.retention();
  return retention->content_gone < retention->pruning.content_from && !log.status().read_only;
}

bool is_over(const std::string& label, tlog::ShardPeriod period, SystemTime now) {
  return tlog::label_after(label, period, now).has_value();
}

Result<ShardOpened> open_newest_shard(ShardLogs& logs, const ShardRules& rules,
                                      const crypto::PrivateKey& verifier_key,
                                      crypto::Random& random, SystemTime now) {
  AVOUCH_TRY(std::vector<std::string> known, logs.labels());
  if (known.empty()) known.push_back(tlog::label_at(rules.period, now));
  std::string label = known.back();
  for (int i = 0; i < kMostAtOnce; ++i) {
    AVOUCH_TRY(tlog::Log* const log, logs.open(label));
    tlog::LogStatus status = log->status();
    if (status.read_only) return ShardOpened{label, log};
    if (status.sequenced == 0) {
      AVOUCH_TRY(const auto before, predecessor_of(logs, rules, label, known));
      AVOUCH_CHECK(logs.begin(before));
    } else if (!status.closed_by) {
      AVOUCH_CHECK(logs.begin(std::nullopt));  // which says what is missing
    }
    if (!status.closed_by) {
      const auto next = tlog::label_after(label, rules.period, now);
      if (!next) return ShardOpened{label, log};
      AVOUCH_CHECK(close_log(*log, rules, label, *next, verifier_key, random, now));
      status = log->status();
      if (!status.closed_by) return fatal("log: took the entry that closes it, and is open");
    }
    AVOUCH_TRY(const tlog::ShardEnd end,
               end_of_log(*log, *status.closed_by, tlog::shard_origin(rules.chain, label)));
    AVOUCH_TRY(std::string next, successor(rules, label, end));
    AVOUCH_CHECK(logs.settle());
    // Nobody writes to it once the next one is there.
    if (is_being_pruned(*log)) {
      return retryable("log " + tlog::shard_origin(rules.chain, label) +
                       ": is closed, and content that it says was pruned is being taken out of "
                       "it; the log that follows it begins then");
    }
    if (std::find(known.begin(), known.end(), label) == known.end()) known.push_back(label);
    known.push_back(next);
    label = std::move(next);
  }
  return fatal("log " + rules.chain + ": more than " + std::to_string(kMostAtOnce) +
               " of its logs follow one another at one start, expected at most two");
}

}  // namespace avouch::control
