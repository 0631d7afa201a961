#pragma once

// How many denials are recorded one by one. Whoever may create pods in one namespace can have as
// many of them denied as the API server takes, and each record stays in the log for good. Beyond
// the budget the answer is the same, and the denial is counted: the namespace's next record says
// how many came before it. Allows have no part in this.

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"

namespace avouch::admission {

struct DenialLimits {
  // Of one namespace: at once, and in the long run.
  double burst = 200, per_second = 1;
  // Of all together.
  double burst_of_all = 2'000, per_second_of_all = 10;
  std::size_t namespaces = 4'096;  // are told apart; others share one budget
};

// Denials that have no record of their own.
struct LeftOut {
  std::uint64_t count = 0;
  SystemTime since{};    // when the first of them was decided
  bool several = false;  // they are of namespaces that were not told apart
  bool operator==(const LeftOut&) const = default;
};

// Thread-safe; quick.
class DenialBudget {
 public:
  explicit DenialBudget(DenialLimits limits) : limits_(limits), all_{limits.burst_of_all, {}} {}

  struct Answer {
    bool record = false;
    std::optional<LeftOut> before;  // to be told in the record: nobody else is told of these
  };
  // A denial of a pod of `ns`, decided at `time`.
  Answer spend(const std::string& ns, SteadyTime now, SystemTime time);

  // Records that found no place: what they were to tell, and themselves, are counted again.
  void no_place(const std::string& ns, SystemTime time, const std::optional<LeftOut>& before);
  // The same of records of which nothing is known but their number.
  void no_place(std::uint64_t count, SystemTime time);

  std::uint64_t left_out() const;  // ever
  std::uint64_t untold() const;    // and not yet told in a record
  std::size_t namespaces() const;  // in the table

 private:
  struct Bucket {
    double level = 0;
    SteadyTime at{};
  };
  struct Account {
    Bucket bucket;
    std::uint64_t count = 0;
    SystemTime since{};
  };
  using Accounts = std::map<std::string, Account>;

  static void fill(Bucket& bucket, double burst, double per_second, SteadyTime now);
  void fill(Account& account, SteadyTime now) const;
  Accounts::value_type& account_of(const std::string& ns, SteadyTime now);
  void count(Account& account, std::uint64_t count, SystemTime since);

  const DenialLimits limits_;
  mutable std::mutex mutex_;  // guards all below
  Bucket all_;
  Accounts accounts_;
  std::optional<SteadyTime> swept_;
  std::uint64_t left_out_ = 0, untold_ = 0;
};

}  // namespace avouch::admission
