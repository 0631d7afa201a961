#include "kube/lease.h"

#include <algorithm>
#include <utility>

#include "base/time_text.h"

namespace avouch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kMaxLeaseSeconds = 3600;

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
  require(options.lease_duration >= seconds(1) &&
              options.lease_duration <= seconds(kMaxLeaseSeconds) &&
              options.lease_duration % seconds(1) == milliseconds(0),
          "leaseDuration must be whole seconds from 1s to 1h");
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
  return holder_;
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
  const std::string holder(lease.text({"spec", "holderIdentity"}));
  const std::string version(lease.text({"metadata", "resourceVersion"}));
  const std::int64_t transitions =
      std::max<std::int64_t>(0, integer_at(lease, {"spec", "leaseTransitions"}, 0));
  see(version, holder);
  if (!holder.empty() && holder != options_.identity && !has_expired(lease)) {
    return Attempt::kNotLeading;
  }
  const bool renewal = was_leading && holder == options_.identity;
  const std::int64_t term = renewal ? transitions : transitions + 1;
  claim(lease, term, !renewal);
  AVOUCH_TRY(const Json updated, client.update(resource, lease));
  lead(begun, updated, term);
  return Attempt::kLeading;
}

void LeaderElector::say(std::string text) {
  const std::lock_guard guard(mutex_);
  said_ = std::move(text);
}

bool LeaderElector::has_expired(const Json& lease) const {
  const std::int64_t theirs = std::clamp<std::int64_t>(
      integer_at(lease, {"spec", "leaseDurationSeconds"}, whole_seconds(options_.lease_duration)),
      1, kMaxLeaseSeconds);
  return clock_.steady_now() >= seen_since_ + seconds(theirs);
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

void LeaderElector::see(const std::string& version, const std::string& holder) {
  if (version != seen_version_) {
    seen_version_ = version;
    seen_since_ = clock_.steady_now();
  }
  const std::lock_guard guard(mutex_);
  holder_ = holder;
}

void LeaderElector::lead(SteadyTime begun, const Json& stored, std::int64_t term) {
  see(std::string(stored.text({"metadata", "resourceVersion"})), options_.identity);
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
