#include "cli/progress.h"

#include <unistd.h>

#include <iostream>

#include "inspect/proof.h"

namespace avouch::cli {
namespace {

constexpr std::chrono::seconds kPatience{1};

}  // namespace

Progress::Progress() {
  if (isatty(STDERR_FILENO) == 1) watcher_ = std::thread([this] { watch(); });
}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
  if (watcher_.joinable()) watcher_.join();
}

void Progress::step(const std::string& what) {
  const std::lock_guard lock(mutex_);
  current_ = what;
}

void Progress::watch() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kPatience, [this] { return ended_; })) {
    if (current_ == shown_) continue;
    shown_ = current_;
    std::cerr << "... " << inspect::printable(shown_) << std::endl;
  }
}

}  // namespace avouch::cli
