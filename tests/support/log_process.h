#pragma once

// One life of a log's writer, from opening to closing or dying, as the contract suite drives it.

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/faulty_log_store.h"
#include "support/log_engines.h"
#include "support/manual_clock.h"
#include "tlog/log.h"

namespace avouch::testing {

inline constexpr const char* kTestOrigin = "log.example.org/avouch";

inline const tlog::NoteSigner& test_log_signer() {
  static const tlog::NoteSigner one =
      tlog::NoteSigner::make(kTestOrigin, crypto::PrivateKey::generate(crypto::KeyType::kEd25519))
          .value();
  return one;
}

inline tlog::Submission submission(const std::string& id) {
  return {to_bytes("entry of " + id), to_bytes("preimage of " + id), id};
}

inline std::vector<tlog::Submission> submissions(const std::string& prefix, int count) {
  std::vector<tlog::Submission> all;
  for (int i = 0; i < count; ++i) all.push_back(submission(prefix + std::to_string(i)));
  return all;
}

class LogProcess {
 public:
  explicit LogProcess(LogEngine& engine) : engine_(engine) { options.origin = kTestOrigin; }
  ~LogProcess() { close(); }

  // Opens store, anchors and log. The error of whichever fails.
  Result<void> open() {
    AVOUCH_TRY(auto store, engine_.open_store());
    store_ = std::move(store);
    if (with_faults) store_ = std::make_unique<FaultyLogStore>(std::move(store_), faults);
    std::vector<tlog::Anchor*> pointers;
    for (const std::string& name : anchor_names) {
      AVOUCH_TRY(auto anchor, engine_.open_anchor(name));
      anchors_.push_back(std::make_unique<FaultyAnchor>(std::move(anchor), faults));
      pointers.push_back(anchors_.back().get());
    }
    AVOUCH_TRY(log_, tlog::Log::open(options, *store_, pointers, test_log_signer(), clock));
    return {};
  }

  void close() {
    log_.reset();
    anchors_.clear();
    store_.reset();
  }

  // Closes without publishing anything more, as a process that is killed.
  void die() {
    faults.fail_all(ErrorKind::kFatal);
    close();
    faults.heal();
  }

  tlog::Log& log() { return *log_; }
  tlog::Store& store() { return *store_; }

  Result<std::vector<tlog::Sequenced>> append(std::vector<tlog::Submission> all) {
    auto promise = std::make_shared<std::promise<Result<std::vector<tlog::Sequenced>>>>();
    auto future = promise->get_future();
    log_->append(std::move(all), [promise](Result<std::vector<tlog::Sequenced>> places) {
      promise->set_value(std::move(places));
    });
    return future.get();
  }

  // Publishes, moving the clock on while a passing fault makes the log wait.
  Result<tlog::VerifiedCheckpoint> publish() {
    auto promise = std::make_shared<std::promise<Result<tlog::VerifiedCheckpoint>>>();
    auto future = promise->get_future();
    log_->publish([promise](Result<tlog::VerifiedCheckpoint> checkpoint) {
      promise->set_value(std::move(checkpoint));
    });
    while (future.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
      clock.advance(std::chrono::seconds(1));
    }
    return future.get();
  }

  tlog::LogOptions options;
  std::vector<std::string> anchor_names{"head"};
  bool with_faults = true;  // else the store is used as it is, and die() closes it
  Faults faults;
  ManualClock clock;

 private:
  LogEngine& engine_;
  std::unique_ptr<tlog::Store> store_;
  std::vector<std::unique_ptr<tlog::Anchor>> anchors_;
  std::unique_ptr<tlog::Log> log_;
};

}  // namespace avouch::testing
