#pragma once

// A cold store in memory that can be made to fail, and to give back other bytes than it was given.

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "control/cold_store.h"

namespace avouch::testing {

class MemoryColdStore final : public control::ColdStore {
 public:
  Result<Place> put(ByteView bytes) override {
    const std::lock_guard lock(mutex_);
    ++puts;
    if (put_error) return Error(*put_error);
    const Place place{++next_, static_cast<std::uint32_t>(bytes.size())};
    items_[place.at] = Bytes(bytes.begin(), bytes.end());
    return place;
  }
  Result<Bytes> get(const Place& place) override {
    const std::lock_guard lock(mutex_);
    ++gets;
    if (get_error) return Error(*get_error);
    Bytes out = items_.at(place.at);
    if (damage) damage(out);
    return out;
  }
  void drop(const Place& place) noexcept override {
    const std::lock_guard lock(mutex_);
    if (items_.erase(place.at) != 1) std::terminate();  // twice, or never put
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

  std::optional<Error> put_error, get_error;
  std::function<void(Bytes&)> damage;  // what happens to what is read
  std::size_t puts = 0, gets = 0;

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Bytes> items_;
  std::uint64_t next_ = 0;
};

}  // namespace avouch::testing
