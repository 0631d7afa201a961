#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace avouch::cli {

// Tells a person at a terminal what is being done, on standard error, once it has taken a second;
// silent where standard error is no terminal. Thread-safe.
class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void step(const std::string& what);

 private:
  void watch();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string current_;
  std::string shown_;
  bool ended_ = false;
  std::thread watcher_;  // none where standard error is no terminal
};

}  // namespace avouch::cli
