#pragma once

// Asks the API server itself where the snapshot is known to be behind (admission's
// namespace_to_read()), on a thread of its own: whoever answers reviews never waits for it.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "admission/facts.h"
#include "base/clock.h"
#include "base/result.h"

namespace avouch::webhook {

// Seam: what is asked of the API server. Called by one thread; each blocks, at most for `timeout`.
class LiveReads {
 public:
  virtual ~LiveReads() = default;
  // As they are now; nothing where they are too large to be read. An error too where there is no
  // such namespace.
  virtual Result<std::optional<attest::Labels>> namespace_labels(
      const std::string& name, std::chrono::milliseconds timeout) = 0;
  // A value where a snapshot that is taken from now on has every policy that there is, as it is.
  virtual Result<void> policies_current(std::chrono::milliseconds timeout) = 0;
};

// Thread-safe. Whatever waits when a round of reads begins shares it, so that no flood of questions
// asks the server more than it answers one after the other.
class LiveReader {
 public:
  static constexpr std::size_t kMaxWaiting = 256;
  static constexpr std::size_t kMaxBytes = 3UL * 1024 * 1024;  // of all that wait
  static constexpr std::chrono::milliseconds kTimeout{1'000};  // of one read

  struct Question {
    std::string ns;
    std::size_t bytes = 0;  // what it keeps while it waits
    SteadyTime give_up{};   // nothing is asked for it later; its answer is an error then
    // Called once, on the reader's thread, or by ask() itself where there is no room.
    std::function<void(const Result<admission::LiveFacts>&)> answer;
  };

  // The references must outlive it.
  LiveReader(LiveReads& reads, Clock& clock);
  ~LiveReader();  // answers all that waits by an error
  LiveReader(const LiveReader&) = delete;
  LiveReader& operator=(const LiveReader&) = delete;

  // What the answer says was read after this call began.
  void ask(Question question);

 private:
  void run(const std::stop_token& stop);
  void round(std::vector<Question> questions);
  std::chrono::milliseconds time_for(const std::vector<Question>& questions);

  LiveReads& reads_;
  Clock& clock_;
  std::mutex mutex_;  // guards all below but the thread
  std::condition_variable_any wake_;
  std::vector<Question> waiting_;
  std::size_t bytes_ = 0;  // of those that wait or are being answered
  std::jthread thread_;
};

}  // namespace avouch::webhook
