#include "admission/denial_budget.h"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace avouch::admission {
namespace {

constexpr std::chrono::seconds kSweepEvery{1};
const std::string kSeveral;  // no namespace has this name

}  // namespace

void DenialBudget::fill(Bucket& bucket, double burst, double per_second, SteadyTime now) {
  const double passed = std::chrono::duration<double>(now - bucket.at).count();
  bucket.level = std::min(burst, bucket.level + per_second * std::max(0.0, passed));
  bucket.at = now;
}

void DenialBudget::fill(Account& account, SteadyTime now) const {
  fill(account.bucket, limits_.burst, limits_.per_second, now);
}

// Where the table is full, the account that all others share.
DenialBudget::Accounts::value_type& DenialBudget::account_of(const std::string& ns,
                                                             SteadyTime now) {
  if (const auto found = accounts_.find(ns); found != accounts_.end()) return *found;
  const bool full = accounts_.size() >= limits_.namespaces;
  if (full && (!swept_ || now - *swept_ >= kSweepEvery)) {
    swept_ = now;
    for (auto entry = accounts_.begin(); entry != accounts_.end();) {
      fill(entry->second, now);
      const bool idle = entry->second.count == 0 && entry->second.bucket.level >= limits_.burst;
      entry = idle ? accounts_.erase(entry) : std::next(entry);
    }
  }
  const std::string& name = accounts_.size() >= limits_.namespaces ? kSeveral : ns;
  return *accounts_.try_emplace(name, Account{{limits_.burst, now}, 0, {}}).first;
}

void DenialBudget::count(Account& account, std::uint64_t count, SystemTime since) {
  account.since = account.count == 0 ? since : std::min(account.since, since);
  account.count += count;
  untold_ += count;
}

DenialBudget::Answer DenialBudget::spend(const std::string& ns, SteadyTime now, SystemTime time) {
  const std::lock_guard lock(mutex_);
  auto& [name, account] = account_of(ns, now);
  fill(account, now);
  fill(all_, limits_.burst_of_all, limits_.per_second_of_all, now);
  if (account.bucket.level < 1 || all_.level < 1) {
    count(account, 1, time);
    ++left_out_;
    return {};
  }
  account.bucket.level -= 1;
  all_.level -= 1;
  Answer answer{true, {}};
  const auto tell = [&](Account& from, bool several) {
    answer.before = LeftOut{from.count, from.since, several};
    untold_ -= from.count;
    from.count = 0;
  };
  if (account.count > 0) {
    tell(account, name == kSeveral);
  } else if (const auto others = accounts_.find(kSeveral);
             others != accounts_.end() && others->second.count > 0) {
    tell(others->second, true);  // any record will do
  }
  return answer;
}

void DenialBudget::no_place(const std::string& ns, SystemTime time,
                            const std::optional<LeftOut>& before) {
  const std::lock_guard lock(mutex_);
  ++left_out_;
  if (before && before->several) {
    count(accounts_[kSeveral], before->count, before->since);
  }
  const auto found = accounts_.find(ns);
  Account& account = found != accounts_.end() ? found->second : accounts_[kSeveral];
  if (before && !before->several) count(account, before->count, before->since);
  count(account, 1, time);
}

void DenialBudget::no_place(std::uint64_t count_lost, SystemTime time) {
  if (count_lost == 0) return;
  const std::lock_guard lock(mutex_);
  left_out_ += count_lost;
  count(accounts_[kSeveral], count_lost, time);
}

std::uint64_t DenialBudget::left_out() const {
  const std::lock_guard lock(mutex_);
  return left_out_;
}

std::uint64_t DenialBudget::untold() const {
  const std::lock_guard lock(mutex_);
  return untold_;
}

std::size_t DenialBudget::namespaces() const {
  const std::lock_guard lock(mutex_);
  return accounts_.size();
}

}  // namespace avouch::admission
