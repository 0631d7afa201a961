#include "log/monitor_wiring.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/files.h"
#include "adapters/http_server.h"
#include "adapters/http_tiles.h"
#include "adapters/log_disk.h"
#include "adapters/rest_disputes.h"
#include "adapters/rest_witness.h"
#include "adapters/system_clock.h"
#include "adapters/token_source.h"
#include "base/hex.h"
#include "crypto/hash.h"
#include "log/monitor_log.h"
#include "observe/health.h"
#include "observe/logging.h"
#include "observe/metrics.h"
#include "tlog/log_policy.h"
#include "tlog/shard_name.h"

namespace avouch::logprogram {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxLogs = 128;  // each has a thread, and up to one bundle in memory

// From the end of one look to the end of the next, beside the pause: a chain's logs are looked at
// one after another.
constexpr std::chrono::milliseconds kLooksTake = 30min;

struct Followed {
  std::string origin, url;
  std::vector<tlog::NoteVerifier> keys;
};

// The logs of one policy: keys of the same name are keys of one log, whose origin is that name.
Result<std::vector<Followed>> logs_of(const tlog::LogPolicy& policy, const std::string& file) {
  std::vector<Followed> out;
  for (const tlog::KnownLog& known : policy.logs()) {
    auto found = std::find_if(out.begin(), out.end(),
                              [&](const Followed& each) { return each.origin == known.key.name; });
    if (found == out.end()) {
      found = out.insert(out.end(), {known.key.name, known.url, {}});
    }
    if (!known.url.empty() && known.url != found->url) {
      if (!found->url.empty()) {
        return rejected(file + ": log " + found->origin + " has two URLs; expected one");
      }
      found->url = known.url;
    }
    found->keys.push_back(known.key);
  }
  if (out.empty()) return rejected(file + ": names no log; expected lines such as `log VKEY URL`");
  for (const Followed& each : out) {
    if (each.url.empty()) {
      return rejected(file + ": log " + each.origin +
                      " has no URL; expected the prefix of its tiles, `log VKEY URL`");
    }
  }
  return out;
}

Result<tlog::LogPolicy> read_policy(const std::string& file) {
  AVOUCH_TRY(const std::optional<Bytes> text, adapters::read_file(file, tlog::kMaxLogPolicyBytes));
  if (!text) return rejected(file + ": there is no such file");
  auto policy = tlog::LogPolicy::parse(as_text(*text));
  if (!policy.has_value()) return with_context(std::move(policy).error(), file);
  return policy;
}

// Where the log that follows one of a chain is served: ours stand side by side, the one without a
// label at the prefix, each other one at PREFIX/LABEL. Nothing where the URL is not of that form.
std::optional<std::string> url_of_next(const Followed& log, const tlog::ChainStep& step) {
  std::string prefix = log.url;
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!step.from.empty()) {
    if (!prefix.ends_with("/" + step.from)) return std::nullopt;
    prefix.resize(prefix.size() - step.from.size() - 1);
  }
  return prefix + "/" + step.to;
}

bool have_one_in_common(const std::vector<tlog::NoteVerifier>& some,
                        const std::vector<tlog::NoteVerifier>& others) {
  return std::any_of(some.begin(), some.end(), [&](const tlog::NoteVerifier& key) {
    return std::any_of(others.begin(), others.end(), [&](const tlog::NoteVerifier& other) {
      return tlog::format_vkey(key) == tlog::format_vkey(other);
    });
  });
}

class Monitor {
 public:
  Monitor(const config::MonitorConfig& config, Clock& clock, observe::Metrics& metrics)
      : config_(config), clock_(clock), metrics_(metrics) {}

  Result<void> open() {
    std::error_code error;
    std::filesystem::create_directories(config_.state_dir, error);
    if (error) return rejected(config_.state_dir + ": " + error.message());
    AVOUCH_TRY(lock_, adapters::lock_file(std::filesystem::path(config_.state_dir) / "lock",
                                          "the monitor's state"));
    AVOUCH_TRY(const std::string authorities, adapters::witness_authorities(config_.authorities));
    AVOUCH_CHECK(open_disputes());
    std::set<std::string> named;
    for (const std::string& file : config_.policies) {
      AVOUCH_TRY(const tlog::LogPolicy policy, read_policy(file));
      AVOUCH_TRY(const std::vector<Followed> followed, logs_of(policy, file));
      for (const Followed& each : followed) {
        if (!named.insert(each.origin).second) {
          return rejected(file + ": log " + each.origin + " is in another policy too");
        }
        if (named.size() > kMaxLogs) {
          return rejected(file + ": more than " + std::to_string(kMaxLogs) +
                          " logs in all: let another monitor follow them");
        }
        AVOUCH_CHECK(add(each, policy, authorities));
      }
    }
    if (!named.empty()) part_ = kMaxLogs / named.size();
    return {};
  }

  // `added` is told of each log that follows one of those, on the thread that found it.
  void start(std::function<void(MonitorLog&)> added) {
    added_ = std::move(added);
    for (MonitorLog* log : logs()) {
      threads_.emplace_back([this, log](const std::stop_token& stop) { run(*log, stop); });
    }
  }

  void stop() {
    for (std::jthread& thread : threads_) thread.request_stop();
    stopping_.request_stop();
    threads_.clear();
  }

  std::vector<MonitorLog*> logs() const {
    const std::lock_guard lock(mutex_);
    std::vector<MonitorLog*> out;
    for (const auto& log : logs_) out.push_back(log.get());
    return out;
  }

 private:
  Result<void> open_disputes() {
    const config::MonitorConfig::Disputes& to = config_.disputes;
    if (to.url.empty()) return {};
    AVOUCH_TRY(std::string authorities,
               adapters::witness_authorities(to.authorities.empty() ? config_.authorities
                                                                    : to.authorities));
    AVOUCH_TRY(disputes_, adapters::open_rest_disputes({.url = to.url,
                                                        .origin = to.origin,
                                                        .ca_pem = std::move(authorities),
                                                        .token_file = to.token_file,
                                                        .stop = stopping_.get_token()}));
    // Better known now than when it is needed; the logs are followed all the same.
    const auto token = adapters::TokenSource("", to.token_file, clock_).token();
    if (!token.has_value()) {
      observe::Logger("monitor").warn("no dispute can be sent", {{"error", token.error().message}});
    }
    return {};
  }

  // A log, and those that follow it.
  void run(MonitorLog& first, const std::stop_token& stop) {
    std::vector<MonitorLog*> chain{&first};
    while (!stop.stop_requested()) {
      const auto begun = std::chrono::steady_clock::now();
      for (std::size_t i = 0; i < chain.size() && !stop.stop_requested(); ++i) {
        if (const auto looked = chain[i]->look(); !looked.has_value()) end_with(looked.error());
        if (i + 1 < chain.size()) hold_against(*chain[i], *chain[i + 1]);
        if (i + 1 < chain.size() || !chain[i]->ended()) continue;
        if (MonitorLog* next = follow_next(*chain[i], chain.size())) chain.push_back(next);
      }
      // Of one that is large there is more to be read at once.
      const bool is_reading = std::any_of(chain.begin(), chain.end(),
                                          [](const MonitorLog* log) { return log->is_reading(); });
      if (is_reading) continue;
      // A look that takes long, at a large log that is damaged, is not repeated without a pause.
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::steady_clock::now() - begun);
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, std::max(config_.interval, took), [] { return false; });
    }
  }

  [[noreturn]] static void end_with(const Error& error) {
    observe::Logger("monitor").error("fatal: the process ends", {{"error", error.message}});
    std::cerr.flush();
    std::_Exit(1);
  }

  // The log that follows one that is closed, of a chain of which so many are; null where it is
  // followed already, or cannot be. What a log says of the one that follows is its own word, and
  // may be of a log that has nothing to do with it: where it is not one of the same chain and by
  // the same key, that is this log's problem alone.
  MonitorLog* follow_next(MonitorLog& log, std::size_t followed) {
    const MonitorLog::Ended& ended = *log.ended();
    const Source of = source_of(log.origin());
    if (of.followed.origin.empty()) return nullptr;
    const auto cannot = [&](const std::string& why) -> MonitorLog* {
      log.cannot_go_on("log " + ended.next + ", which follows it, is not followed: " + why);
      return nullptr;
    };
    const auto step = tlog::step_in_chain(log.origin(), ended.next);
    if (!step) return cannot("it is no later log of the same chain (ORIGIN, ORIGIN/LABEL)");
    auto keys = tlog::keys_for(ended.next, of.followed.keys);
    if (!keys.has_value()) return cannot(keys.error().message);
    if (MonitorLog* known = find(ended.next)) {
      if (!have_one_in_common(*keys, source_of(ended.next).followed.keys)) {
        return cannot("what policies name has other keys than this log");
      }
      join(log, *known);
      return nullptr;
    }
    // A chain that grows without end leaves the others their places.
    if (followed >= part_) {
      return cannot("more than " + std::to_string(part_) + " logs of one chain (" +
                    std::to_string(kMaxLogs) +
                    " for all that policies name): name a newer one of "
                    "it in the policy");
    }
    if (logs().size() >= kMaxLogs) {
      return cannot("more than " + std::to_string(kMaxLogs) + " logs in all");
    }
    const auto url = url_of_next(of.followed, *step);
    if (!url) return cannot("name it in a policy, with its URL: where it is served is not known");
    if (!reserve(ended.next)) return nullptr;
    const Followed next{ended.next, *url, *std::move(keys)};
    const auto added = add(next, of.policy, of.authorities, ended.last);
    {
      const std::lock_guard lock(mutex_);
      being_added_.erase(ended.next);
    }
    if (!added.has_value()) {
      if (added.error().kind == ErrorKind::kFatal) end_with(added.error());
      return cannot(added.error().message);
    }
    if (added_) added_(**added);
    return *added;
  }

  MonitorLog* find(const std::string& origin) const {
    const auto all = logs();
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const MonitorLog* each) { return each->origin() == origin; });
    return found == all.end() ? nullptr : *found;
  }
  // False where another one that names the same log has come first: then it is found next time.
  bool reserve(const std::string& origin) {
    const std::lock_guard lock(mutex_);
    const bool is_there = std::any_of(logs_.begin(), logs_.end(),
                                      [&](const auto& each) { return each->origin() == origin; });
    return !is_there && being_added_.insert(origin).second;
  }

  // That one log says that another one follows it, which has a thread of its own. Told of once;
  // that log says itself which it follows.
  void join(MonitorLog& log, MonitorLog& next) {
    {
      const std::lock_guard lock(mutex_);
      if (joined_.emplace(log.origin(), next.origin()).second) next.follows(log.ended()->last);
    }
    hold_against(log, next);
  }
  static void hold_against(MonitorLog& log, const MonitorLog& next) {
    const auto after = next.after();
    if (!after || *after == log.origin()) return;
    log.cannot_go_on("log " + next.origin() + ", which it says follows it, follows " + *after);
  }

  // What a log was opened with.
  struct Source {
    Followed followed;
    tlog::LogPolicy policy;
    std::string authorities;
  };
  Source source_of(const std::string& origin) const {
    const std::lock_guard lock(mutex_);
    const auto found = sources_.find(origin);
    return found == sources_.end() ? Source{} : found->second;
  }

  Result<MonitorLog*> add(const Followed& log, const tlog::LogPolicy& policy,
                          const std::string& authorities,
                          std::optional<tlog::VerifiedCheckpoint> predecessor = {}) {
    MonitorLogParts parts;
    parts.predecessor = std::move(predecessor);
    parts.follow.origin = log.origin;
    parts.follow.keys = log.keys;
    parts.follow.policy = policy;
    parts.follow.stop = stopping_.get_token();
    parts.follow.growth_within =
        std::chrono::duration_cast<std::chrono::seconds>(config_.growth_within);
    parts.follow.quorum_within =
        std::chrono::duration_cast<std::chrono::seconds>(config_.quorum_within);
    parts.shown_within = std::chrono::duration_cast<std::chrono::seconds>(config_.shown_within);
    parts.look_within = 2 * config_.interval + kLooksTake;
    AVOUCH_TRY(parts.tiles,
               adapters::open_http_tiles(
                   {.url = log.url, .ca_pem = authorities, .stop = stopping_.get_token()}));
    for (const tlog::KnownWitness& witness : policy.witnesses()) {
      if (witness.url.empty()) continue;
      WitnessView view{witness.name, witness.key, nullptr};
      AVOUCH_TRY(view.reader,
                 adapters::open_http_tiles(
                     {.url = witness.url, .ca_pem = authorities, .stop = stopping_.get_token()}));
      parts.views.push_back(std::move(view));
    }
    parts.disputes = disputes_.get();
    parts.dispute_again = config_.interval;
    parts.folder =
        std::filesystem::path(config_.state_dir) / to_hex(crypto::sha256(as_bytes(log.origin)));
    AVOUCH_TRY(auto opened, MonitorLog::open(std::move(parts), clock_, metrics_));
    const std::lock_guard lock(mutex_);
    sources_.emplace(log.origin, Source{log, policy, authorities});
    logs_.push_back(std::move(opened));
    return logs_.back().get();
  }

  const config::MonitorConfig& config_;
  Clock& clock_;
  observe::Metrics& metrics_;
  adapters::FileHandle lock_;  // of the state
  std::function<void(MonitorLog&)> added_;
  std::size_t part_ = kMaxLogs;            // of one chain; fixed once the policies are read
  std::map<std::string, Source> sources_;  // guarded by mutex_, as the next and logs_
  std::set<std::pair<std::string, std::string>> joined_;  // which one, to which that follows
  std::set<std::string> being_added_;
  std::unique_ptr<tlog::DisputeTaker> disputes_;  // null: none are sent
  std::vector<std::unique_ptr<MonitorLog>> logs_;
  std::stop_source stopping_;  // ends a step that is under way
  mutable std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<std::jthread> threads_;
};

}  // namespace

Result<void> run_monitor(const config::MonitorConfig& config,
                         const adapters::Termination& termination) {
  AVOUCH_TRY(const observe::LogLevel level, observe::parse_log_level(config.log_level));
  observe::init_logging(level);
  const observe::Logger log("monitor");
  adapters::SystemClock clock;
  observe::Metrics metrics;
  observe::HealthHandler health(metrics);
  Monitor monitor(config, clock, metrics);
  AVOUCH_CHECK(monitor.open());
  health.add_liveness("process", [] { return std::optional<std::string>(); });
  const auto watch = [&health](MonitorLog& one) {
    health.add_readiness(one.origin(), [&one] { return one.problem(); });
  };
  for (MonitorLog* each : monitor.logs()) watch(*each);
  metrics.before_collect([&] {
    for (MonitorLog* each : monitor.logs()) each->set_ages(clock.now());
  });
  AVOUCH_TRY(const auto server,
             adapters::HttpServer::start(adapters::health_options(config.health), health));
  log.info("following", {{"version", AVOUCH_VERSION},
                         {"logs", monitor.logs().size()},
                         {"health", server->address()}});
  monitor.start(watch);
  termination.wait();
  log.info("stopping");
  health.fail_readiness("the program is stopping");
  monitor.stop();
  server->stop(0ms);
  return {};
}

}  // namespace avouch::logprogram
