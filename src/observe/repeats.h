#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace avouch::observe {

// Keeps a fault that lasts from filling the log: a part's line in the same words as its last is
// written once in ten seconds. Of parts there are a few, named by the program. Thread-safe.
class Repeats {
 public:
  // Whether the line is to be written now.
  bool is_due(std::string_view part, std::string_view message);

 private:
  struct Said {
    std::string message;
    std::chrono::steady_clock::time_point at;
  };
  std::mutex mutex_;
  std::map<std::string, Said, std::less<>> said_;  // by part
};

}  // namespace avouch::observe
