#pragma once

// A limited supply for callers that cannot be told from one another's impostors: none may hold more
// than half of what it leaves free. One alone gets a third; each further one leaves two thirds of
// what was free before, so that no caller uses the supply up, and many together only slowly.

#include <cstddef>
#include <map>
#include <string>

namespace avouch::admission {

// One owner; not thread-safe. The caller "" is trusted not to flood: it may take all there is.
class FairShares {
 public:
  // Whether `who` may take `amount`, where `used` of `total` are taken by all together.
  bool allows(const std::string& who, std::size_t amount, std::size_t used,
              std::size_t total) const;

  void take(const std::string& who, std::size_t amount);
  void give_back(const std::string& who, std::size_t amount);  // at most what it holds

  std::size_t held(const std::string& who) const;
  std::size_t holders() const { return held_.size(); }

 private:
  std::map<std::string, std::size_t> held_;  // more than 0
};

}  // namespace avouch::admission
