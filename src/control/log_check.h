#pragma once

// Reads the whole stored log once after a start and holds it against its checkpoint, on a thread of
// its own and slowly, while the log is in use: what lies on a disk for years is found damaged by
// whoever asks for it, or here.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "tlog/fsck.h"

namespace avouch::control {

struct LogCheckProgress {
  std::uint64_t entries = 0, of = 0;  // checked, of those under the checkpoint
  std::uint64_t damages = 0;          // objects of the log that are damaged; known at the end
  std::optional<SystemTime> finished;
};

class LogCheck {
 public:
  struct Options {
    // For each piece of work (256 entries) as many times as long nothing is done.
    int rest = 4;
    std::chrono::milliseconds retry{60'000};  // after a fault that passes
  };
  // Called once, on the check's thread, where anything is damaged; must not call stop().
  using OnDamage = std::function<void(const tlog::FsckReport& report)>;
  using OnFault = std::function<void(const std::string& why)>;  // it begins again after `retry`

  // References outlive it. `reader` must be thread-safe.
  LogCheck(Options options, tlog::TileReader& reader, Clock& clock, OnDamage on_damage,
           OnFault on_fault);
  ~LogCheck();  // stop()
  LogCheck(const LogCheck&) = delete;
  LogCheck& operator=(const LogCheck&) = delete;

  void start(tlog::VerifiedCheckpoint checkpoint);
  void stop();
  LogCheckProgress progress() const;

 private:
  void run(const tlog::VerifiedCheckpoint& checkpoint, const std::stop_token& stop);
  void checked(std::uint64_t entries);
  void wait(std::chrono::milliseconds time);

  const Options options_;
  tlog::TileReader& reader_;
  Clock& clock_;
  const OnDamage on_damage_;
  const OnFault on_fault_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by `mutex_`, as the next
  LogCheckProgress progress_;
  SteadyTime piece_begun_{};  // the thread's own
  std::jthread thread_;
};

// Whether anything is damaged that the checkpoint covers: not only content that lies beside the
// log, without which its entries stay what they are.
bool is_of_tree(const tlog::FsckReport& report);

// The first damages in words, for people.
std::string describe(const tlog::FsckReport& report);

}  // namespace avouch::control
