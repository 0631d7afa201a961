#include "kube/lease.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/time_text.h"
#include "codec/utf8.h"

namespace avouch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kMostTransitions = std::numeric_limits<std::int32_t>::max();  // the API's
constexpr std::size_t kShownHolderBytes = 320;  // a pod's name and UID are less

std::int64_t whole_seconds(milliseconds duration) {
  return std::chrono::ceil<seconds>(duration).count();
}

std::int64_t integer_at(const Json& object, std::initializer_list<std::string_view> path,
                        std::int64_t otherwise) {
  const Json* found = object.find_path(path);
  return found == nullptr || found->as_int() == nullptr ? otherwise : *found->as_int();
}

}  // namespace

Result<void> check_lease_options(const LeaseOptions& options) {
  std::string wrong;
  const auto require = [&](bool holds, const char* rule) {
    if (!holds) wrong += std::string(wrong.empty() ? "" : "; ") + rule;
  };
  require(!options.ns.empty() && !options.name.empty(), "namespace and name must be given");
  require(!options.identity.empty(), "identity must be given and be this process's own");
  require(options.lease_duration >= seconds(1) && options.lease_duration <= kLongestLease &&
              options.lease_duration % seconds(1) == milliseconds(0),
          "leaseDuration must be whole seconds from 1s to 2m");
  require(options.renew_deadline < options.lease_duration,
          "renewDeadline must be shorter than leaseDuration");
  require(options.retry_period < options.renew_deadline,
          "retryPeriod must be shorter than renewDeadline");
  require(options.retry_period > milliseconds(0), "retryPeriod must be longer than 0");
  if (!wrong.empty()) return rejected("leader election: " + wrong);
  return {};
}

LeaderElector::LeaderElector(const Client& client, Clock& clock, LeaseOptions options)
    : client_(client.with_timeout(
          std::max(milliseconds(100), std::min(options.renew_deadline / 2, milliseconds(5'000))))),
      clock_(clock),
      options_(std::move(options)) {}

LeaderElector::~LeaderElector() { stop(); }

void LeaderElector::on_elected(std::function<void()> handler) { on_elected_ = std::move(handler); }
void LeaderElector::on_lost(std::function<void()> handler) { on_lost_ = std::move(handler); }
void LeaderElector::on_problem(std::function<void(const std::string&)> handler) {
  on_problem_ = std::move(handler);
}
void LeaderElector::on_other(std::function<void(const std::string&)> handler) {
  on_other_ = std::move(handler);
}

void LeaderElector::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void LeaderElector::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  {
    const std::lock_guard guard(mutex_);
    wake_.notify_all();
  }
  thread_.join();
}

void LeaderElector::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const SteadyTime next = clock_.steady_now() + step(stop);
    std::unique_lock lock(mutex_);
    clock_.wait_until(lock, wake_, next, [&] { return stop.stop_requested(); });
  }
  release();
}

bool LeaderElector::is_leader() const { return leading_until().has_value(); }

std::optional<SteadyTime> LeaderElector::leading_until() const {
  const SteadyTime now = clock_.steady_now();
  const std::lock_guard guard(mutex_);
  return until_ && now < *until_ ? until_ : std::nullopt;
}

std::int64_t LeaderElector::term() const {
  const std::lock_guard guard(mutex_);
  return term_;
}

std::string LeaderElector::holder() const {
  const std::lock_guard guard(mutex_);
  return seen_ ? seen_->holder : "";
}

std::string LeaderElector::who_leads() const {
  const std::string lease = "Lease " + options_.ns + "/" + options_.name;
  const SystemTime now = clock_.now();
  const std::lock_guard guard(mutex_);
  if (!seen_) return "it is not known who leads: " + lease + " was not read yet";
  if (seen_->holder.empty()) return "nobody leads: " + lease + " has no holder";
  if (seen_->holder == options_.identity) return "this process held " + lease + " last";
  const std::string name = codec::in_quotes(seen_->holder, kShownHolderBytes);
  const std::string lasts = std::to_string(seen_->lasts.count()) + " s";
  if (seen_->version.empty()) {
    return lease + ", which " + name + " held, is gone: it is made anew after " + lasts +
           ", or sooner by that process";
  }
  const auto since = from_rfc3339(seen_->since);
  if (since.has_value() && *since > now + kClocksApart) {
    return name + " is written on " + lease + " as who leads since " + seen_->since +
           ", and it is " + to_rfc3339(now) +
           " here: a clock is wrong, or no controller wrote it (kubectl -n " + options_.ns +
           " get lease " + options_.name +
           " -o yaml --show-managed-fields says who did); it is taken over once it has not "
           "changed for " +
           lasts;
  }
  return name + " leads" + (seen_->since.empty() ? "" : " since " + seen_->since) + " by " + lease +
         ", which is taken over once it has not changed for " + lasts;
}

milliseconds LeaderElector::step(std::stop_token stop) {
  // Without a break since the last renewal: otherwise it is another leadership, with its own term.
  const bool was_leading = is_leader();
  if (!was_leading) announce(false);
  const SteadyTime begun = clock_.steady_now();
  const auto attempt = try_acquire(begun, was_leading, client_.with_stop(std::move(stop)));
  if (!attempt.has_value() && on_problem_) on_problem_(attempt.error().message);
  announce(is_leader());
  if (const auto until = leading_until()) {
    const SteadyTime now = clock_.steady_now();
    return std::max(milliseconds(1), std::min(options_.retry_period, *until - now));
  }
  return options_.retry_period;
}

// Tells the handlers about a change since they were told last.
void LeaderElector::announce(bool leading) {
  if (leading == announced_) return;
  announced_ = leading;
  if (!leading) {
    const std::lock_guard guard(mutex_);
    until_.reset();
  }
  const auto& handler = leading ? on_elected_ : on_lost_;
  if (handler) handler();
}

ApiResult<LeaderElector::Attempt> LeaderElector::try_acquire(SteadyTime begun, bool was_leading,
                                                             const Client& client) {
  const ResourcePath resource = leases(options_.ns);
  auto current = client.get(resource, options_.name);
  if (!current.has_value()) {
    if (!current.error().is_not_found()) return std::move(current).error();
    if (seen_ && is_others(*seen_)) {
      Seen gone = *seen_;
      gone.version.clear();
      see(std::move(gone));
      if (!has_expired()) return Attempt::kNotLeading;
    }
    Json fresh;
    fresh["apiVersion"] = "coordination.k8s.io/v1";
    fresh["kind"] = "Lease";
    fresh["metadata"]["name"] = options_.name;
    fresh["metadata"]["namespace"] = options_.ns;
    claim(fresh, 1, true);
    AVOUCH_TRY(const Json created, client.create(resource, fresh));
    lead(begun, created, 1);
    return Attempt::kLeading;
  }
  Json lease = std::move(current).value();
  const std::int64_t transitions = std::clamp<std::int64_t>(
      integer_at(lease, {"spec", "leaseTransitions"}, 0), 0, kMostTransitions);
  see(seen_in(lease));
  if (is_others(*seen_) && !has_expired()) return Attempt::kNotLeading;
  const bool renewal = was_leading && seen_->holder == options_.identity;
  const std::int64_t term = std::min(renewal ? transitions : transitions + 1, kMostTransitions);
  claim(lease, term, !renewal);
  AVOUCH_TRY(const Json updated, client.update(resource, lease));
  lead(begun, updated, term);
  return Attempt::kLeading;
}

void LeaderElector::say(std::string text) {
  const std::lock_guard guard(mutex_);
  said_ = std::move(text);
}

LeaderElector::Seen LeaderElector::seen_in(const Json& lease) const {
  const std::int64_t ours = whole_seconds(options_.lease_duration);
  const auto since = from_rfc3339(lease.text({"spec", "acquireTime"}));
  return {.version = std::string(lease.text({"metadata", "resourceVersion"})),
          .holder = std::string(lease.text({"spec", "holderIdentity"})),
          .since = since.has_value() ? to_rfc3339(*since) : "",
          .lasts = seconds(std::clamp(integer_at(lease, {"spec", "leaseDurationSeconds"}, ours),
                                      ours, std::int64_t{kLongestLease.count()}))};
}

bool LeaderElector::is_others(const Seen& seen) const {
  return !seen.holder.empty() && seen.holder != options_.identity;
}

bool LeaderElector::has_expired() const {
  return clock_.steady_now() >= seen_since_ + seen_->lasts;
}

void LeaderElector::claim(Json& lease, std::int64_t term, bool anew) const {
  const std::string now = to_rfc3339_micro(clock_.now());
  Json& spec = lease["spec"];
  spec["holderIdentity"] = options_.identity;
  spec["leaseDurationSeconds"] = whole_seconds(options_.lease_duration);
  spec["leaseTransitions"] = term;
  spec["renewTime"] = now;
  if (anew) spec["acquireTime"] = now;
  if (options_.annotation.empty()) return;
  const std::lock_guard guard(mutex_);
  if (said_) {
    lease["metadata"]["annotations"][options_.annotation] = *said_;
  } else if (anew && lease.find_path({"metadata", "annotations", options_.annotation}) != nullptr) {
    lease["metadata"]["annotations"].as_object()->erase(options_.annotation);
  }
}

void LeaderElector::see(Seen now) {
  if (!seen_ || now.version != seen_->version) seen_since_ = clock_.steady_now();
  const bool others = is_others(now);
  const bool news = !seen_ || now.holder != seen_->holder || now.since != seen_->since ||
                    now.version.empty() != seen_->version.empty();
  {
    const std::lock_guard guard(mutex_);
    seen_ = std::move(now);
    if (others) until_.reset();
  }
  if (news && others && on_other_) on_other_(who_leads());
}

void LeaderElector::lead(SteadyTime begun, const Json& stored, std::int64_t term) {
  Seen own = seen_in(stored);
  own.holder = options_.identity;
  see(std::move(own));
  const std::lock_guard guard(mutex_);
  until_ = begun + options_.renew_deadline;
  term_ = term;
}

void LeaderElector::release() {
  const bool was_leading = is_leader();
  announce(false);
  if (!was_leading) return;
  const ResourcePath resource = leases(options_.ns);
  auto lease = client_.get(resource, options_.name);
  if (!lease.has_value() || lease->text({"spec", "holderIdentity"}) != options_.identity) return;
  Json& spec = (*lease)["spec"];
  spec["holderIdentity"] = "";
  spec["leaseDurationSeconds"] = 1;
  spec["renewTime"] = to_rfc3339_micro(clock_.now());
  const auto released = client_.update(resource, *lease);
  if (!released.has_value() && on_problem_) on_problem_(released.error().message);
}

}  // namespace avouch::kube
