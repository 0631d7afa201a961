#pragma once

// A log's store and anchor in memory, with a disk that outlives them.

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tlog/store.h"

namespace avouch::testing {

// What survives. Copying it is making a backup.
struct MemoryDisk {
  std::map<std::string, Bytes, std::less<>> objects;
  std::vector<tlog::Record> committed;
};

class MemoryLogStore final : public tlog::Store {
 public:
  explicit MemoryLogStore(MemoryDisk& disk) : disk_(disk) {}

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
    const std::lock_guard lock(mutex_);
    disk_.committed.insert(disk_.committed.end(), batch.begin(), batch.end());
    return {};
  }

  Result<void> put(std::span<const tlog::Object> objects) override {
    const std::lock_guard lock(mutex_);
    for (const tlog::Object& object : objects) {
      const auto present = disk_.objects.find(object.path);
      if (present != disk_.objects.end() && !object.replaceable &&
          present->second != object.bytes) {
        return fatal(object.path + ": holds other bytes");
      }
      disk_.objects[object.path] = object.bytes;
    }
    return {};
  }

  Result<void> set_aside(std::string_view path) override {
    const std::lock_guard lock(mutex_);
    const auto found = disk_.objects.find(path);
    if (found == disk_.objects.end()) return {};
    disk_.objects["damaged/" + std::string(path)] = found->second;
    disk_.objects.erase(found);
    return {};
  }

  Result<void> publish(std::string_view checkpoint, std::uint64_t size) override {
    const std::lock_guard lock(mutex_);
    disk_.objects["checkpoint"] = to_bytes(checkpoint);
    std::erase_if(disk_.committed, [&](const auto& record) { return record.index < size; });
    return {};
  }

 private:
  std::mutex mutex_;
  MemoryDisk& disk_;
};

class MemoryAnchor final : public tlog::Anchor {
 public:
  explicit MemoryAnchor(std::optional<std::string>& value) : value_(value) {}

  std::string name() const override { return "anchor in memory"; }
  Result<std::optional<std::string>> read() override { return value_; }
  Result<void> replace(const std::optional<std::string>& expected, std::string_view next) override {
    if (value_ != expected && value_ != next) return fatal("anchor: another writer");
    value_ = std::string(next);
    return {};
  }

 private:
  std::optional<std::string>& value_;
};

}  // namespace avouch::testing
