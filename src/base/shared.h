#pragma once

// A value that is set as a whole and never changed in place, so that copies share it. Never null.

#include <memory>
#include <utility>

namespace avouch {

template <typename T>
class Shared {
 public:
  Shared() : value_(nothing()) {}
  Shared(T value) : value_(std::make_shared<const T>(std::move(value))) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }

  bool is_same_object(const Shared& other) const { return value_ == other.value_; }

  // By value, not by identity.
  bool operator==(const Shared& other) const {
    return value_ == other.value_ || *value_ == *other.value_;
  }

 private:
  static const std::shared_ptr<const T>& nothing() {
    static const auto value = std::make_shared<const T>();
    return value;
  }
  std::shared_ptr<const T> value_;
};

}  // namespace avouch
