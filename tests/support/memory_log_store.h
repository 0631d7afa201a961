#pragma once

// A log's store and anchor in memory, with a disk that outlives them and faults at chosen steps.

#include <functional>
#include <map>
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
  enum class Outcome { kDone, kFailed, kFailedButPersisted };

  // The step of this number (from 0) fails so, with this kind of error; none after it.
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
  void heal() {
    const std::lock_guard lock(mutex_);
    all_.reset();
    step_.reset();
  }
  std::size_t steps() const {
    const std::lock_guard lock(mutex_);
    return steps_;
  }

  // Runs `change` unless this step is to fail without it.
  Result<void> run(const std::string& what, const std::function<void()>& change) {
    const std::lock_guard lock(mutex_);
    const std::size_t step = steps_++;
    if (dead_ || all_) return Error{dead_ ? ErrorKind::kFatal : *all_, what + ": injected fault"};
    if (step_ != step) {
      change();
      return {};
    }
    if (outcome_ == Outcome::kFailedButPersisted) change();
    dead_ = kind_ == ErrorKind::kFatal;  // as a process after an fsync error
    return Error{kind_, what + ": injected fault"};
  }

  void revive() {
    const std::lock_guard lock(mutex_);
    dead_ = false;
  }

 private:
  mutable std::mutex mutex_;
  std::size_t steps_ = 0;
  std::optional<std::size_t> step_;
  std::optional<ErrorKind> all_;
  Outcome outcome_ = Outcome::kDone;
  ErrorKind kind_ = ErrorKind::kFatal;
  bool dead_ = false;
};

// What survives. Copying it is making a backup.
struct MemoryDisk {
  std::map<std::string, Bytes, std::less<>> objects;
  std::vector<tlog::Record> committed;
};

class MemoryLogStore final : public tlog::Store {
 public:
  MemoryLogStore(MemoryDisk& disk, Faults& faults) : disk_(disk), faults_(faults) {}

  Result<std::optional<Bytes>> fetch(std::string_view path) override {
    const std::lock_guard lock(mutex_);
    const auto found = disk_.objects.find(path);
    if (found == disk_.objects.end()) return std::optional<Bytes>();
    return std::optional(found->second);
  }

  Result<std::vector<tlog::Record>> recover(std::uint64_t from) override {
    const std::lock_guard lock(mutex_);
    std::vector<tlog::Record> records;
    for (const tlog::Record& record : disk_.committed) {
      if (record.index >= from) records.push_back(record);
    }
    return records;
  }

  Result<void> commit(std::span<const tlog::Record> batch) override {
    if (batch.empty()) return {};
    return faults_.run("commit", [&] {
      const std::lock_guard lock(mutex_);
      disk_.committed.insert(disk_.committed.end(), batch.begin(), batch.end());
    });
  }

  Result<void> put(std::span<const tlog::Object> objects) override {
    for (const tlog::Object& object : objects) {
      const auto present = fetch(object.path).value();
      if (present && !object.replaceable && *present != object.bytes) {
        return fatal(object.path + ": holds other bytes");
      }
      AVOUCH_CHECK(faults_.run("put " + object.path, [&] {
        const std::lock_guard lock(mutex_);
        disk_.objects[object.path] = object.bytes;
      }));
    }
    return {};
  }

  Result<void> publish(std::string_view checkpoint, std::uint64_t size) override {
    return faults_.run("publish", [&] {
      const std::lock_guard lock(mutex_);
      disk_.objects["checkpoint"] = to_bytes(checkpoint);
      std::erase_if(disk_.committed, [&](const auto& record) { return record.index < size; });
    });
  }

 private:
  std::mutex mutex_;
  MemoryDisk& disk_;
  Faults& faults_;
};

class MemoryAnchor final : public tlog::Anchor {
 public:
  MemoryAnchor(std::optional<std::string>& value, Faults& faults)
      : value_(value), faults_(faults) {}

  std::string name() const override { return "anchor in memory"; }
  Result<std::optional<std::string>> read() override { return value_; }
  Result<void> replace(const std::optional<std::string>& expected, std::string_view next) override {
    if (value_ != expected && value_ != next) return fatal("anchor: another writer");
    return faults_.run("anchor", [&] { value_ = std::string(next); });
  }

 private:
  std::optional<std::string>& value_;
  Faults& faults_;
};

}  // namespace avouch::testing
