#pragma once

// A store and an anchor that fail at chosen steps, around any others.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tlog/store.h"

namespace avouch::testing {

// Says what happens at each step that changes something. Thread-safe.
class Faults {
 public:
  enum class Outcome { kFailed, kFailedButPersisted };

  // The step of this number, counted from now, fails so; none after it.
  void fail_step(std::size_t step, Outcome outcome, ErrorKind kind) {
    const std::lock_guard lock(mutex_);
    step_ = step;
    outcome_ = outcome;
    kind_ = kind;
    steps_ = 0;
  }
  // Every step fails from now on, until heal().
  void fail_all(ErrorKind kind) {
    const std::lock_guard lock(mutex_);
    all_ = kind;
  }
  void fail_all_but_commits(ErrorKind kind) {
    const std::lock_guard lock(mutex_);
    all_ = kind;
    commits_work_ = true;
  }
  // Every step whose name begins so fails from now on, until heal().
  void fail_each(const std::string& name, ErrorKind kind) {
    const std::lock_guard lock(mutex_);
    name_ = name;
    all_ = kind;
  }
  void heal() {
    const std::lock_guard lock(mutex_);
    all_.reset();
    name_.clear();
    step_.reset();
    dead_ = commits_work_ = false;
  }
  // A commit that fails as kRetryable has no effect, as the seam demands.
  void keep_promise_of_commit() {
    const std::lock_guard lock(mutex_);
    commit_is_atomic_ = true;
  }
  std::size_t failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  std::size_t steps() const {
    const std::lock_guard lock(mutex_);
    return steps_;
  }

  // Runs `change` unless this step is to fail without it. After a kFatal one nothing works any
  // more, as in a process that ends, until heal().
  Result<void> run(const std::string& what, const std::function<Result<void>()>& change) {
    const std::lock_guard lock(mutex_);
    const std::size_t step = steps_;
    if (!dead_) ++steps_;
    const bool spared = (commits_work_ && what == "commit") || !what.starts_with(name_);
    if (dead_ || (all_ && !spared)) {
      return Error{dead_ ? ErrorKind::kFatal : *all_, what + ": injected fault"};
    }
    if (step_ != step) return change();
    ++failures_;
    const bool without = outcome_ == Outcome::kFailed || (commit_is_atomic_ && what == "commit");
    if (!without) AVOUCH_CHECK(change());
    dead_ = kind_ == ErrorKind::kFatal;
    return Error{kind_, what + ": injected fault"};
  }

 private:
  mutable std::mutex mutex_;
  std::size_t steps_ = 0, failures_ = 0;
  bool commit_is_atomic_ = false, commits_work_ = false;
  std::optional<std::size_t> step_;
  std::optional<ErrorKind> all_;  // of those whose name begins so
  std::string name_;
  Outcome outcome_ = Outcome::kFailed;
  ErrorKind kind_ = ErrorKind::kFatal;
  bool dead_ = false;
};

class FaultyLogStore final : public tlog::Store {
 public:
  FaultyLogStore(std::unique_ptr<tlog::Store> inner, Faults& faults)
      : inner_(std::move(inner)), faults_(faults) {}

  Result<std::optional<Bytes>> fetch(std::string_view path) override { return inner_->fetch(path); }
  Result<std::vector<tlog::Record>> recover(std::uint64_t from) override {
    return inner_->recover(from);
  }
  Result<void> commit(std::span<const tlog::Record> batch) override {
    return faults_.run("commit", [&] { return inner_->commit(batch); });
  }
  // Each object is a step.
  Result<void> put(std::span<const tlog::Object> objects) override {
    for (const tlog::Object& object : objects) {
      AVOUCH_CHECK(
          faults_.run("put " + object.path, [&] { return inner_->put(std::span(&object, 1)); }));
    }
    return {};
  }
  Result<void> set_aside(std::string_view path) override {
    return faults_.run("set aside", [&] { return inner_->set_aside(path); });
  }
  Result<void> publish(std::string_view checkpoint, std::uint64_t size) override {
    return faults_.run("publish", [&] { return inner_->publish(checkpoint, size); });
  }

 private:
  std::unique_ptr<tlog::Store> inner_;
  Faults& faults_;
};

class FaultyAnchor final : public tlog::Anchor {
 public:
  FaultyAnchor(std::unique_ptr<tlog::Anchor> inner, Faults& faults)
      : inner_(std::move(inner)), faults_(faults) {}

  std::string name() const override { return inner_->name(); }
  Result<std::optional<std::string>> read() override { return inner_->read(); }
  Result<void> replace(const std::optional<std::string>& expected, std::string_view next) override {
    return faults_.run("anchor", [&] { return inner_->replace(expected, next); });
  }

 private:
  std::unique_ptr<tlog::Anchor> inner_;
  Faults& faults_;
};

}  // namespace avouch::testing
