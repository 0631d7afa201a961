#pragma once

// Values as bytes and back, for what is put out of memory and taken in again by the same process:
// no format for anybody else, and none that lasts. Integers are little-endian and as wide as they
// are; texts, lists and maps begin with their size (u32).
//
// A type of several members has a function `visit(archive, value)` in namespace avouch that hands
// them over, in an order of its own, to either archive.

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/boxed.h"
#include "base/bytes.h"
#include "base/shared.h"

namespace avouch {

// For visit(): of that type, const or not.
template <typename T, typename U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

template <typename T>
concept Scalar = std::integral<T> || std::is_enum_v<T>;

class Packer {
 public:
  template <typename... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  Bytes finish() && { return std::move(out_); }

 private:
  template <Scalar T>
  void put(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::same_as<T, bool>) {
      put(static_cast<std::uint8_t>(value ? 1 : 0));
    } else {
      put_bytes(static_cast<std::make_unsigned_t<T>>(value), sizeof(T));
    }
  }
  void put_bytes(std::uint64_t rest, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i, rest >>= 8U) {
      out_.push_back(static_cast<std::uint8_t>(rest & 0xffU));
    }
  }
  void put_size(std::size_t size) {
    if (size > UINT32_MAX) throw std::length_error("a value of 4 GiB");
    put(static_cast<std::uint32_t>(size));
  }
  void put(const std::string& text) {
    put_size(text.size());
    append(out_, as_bytes(text));
  }
  void put(const Bytes& bytes) {
    put_size(bytes.size());
    append(out_, bytes);
  }
  template <Scalar T, std::size_t N>
  void put(const std::array<T, N>& values) {
    for (const T& each : values) put(each);
  }
  template <typename Rep, typename Period>
  void put(const std::chrono::duration<Rep, Period>& time) {
    put(static_cast<std::int64_t>(time.count()));
  }
  template <typename Clock, typename Duration>
  void put(const std::chrono::time_point<Clock, Duration>& time) {
    put(time.time_since_epoch());
  }
  template <typename T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <typename T>
  void put(const Boxed<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <typename T>
  void put(const Shared<T>& value) {
    put(*value);
  }
  template <typename T>
  void put(const std::shared_ptr<const T>& value) {
    put(value != nullptr);
    if (value) put(*value);
  }
  template <typename T>
  void put(const std::vector<T>& values) {
    put_size(values.size());
    for (const T& each : values) put(each);
  }
  template <typename K, typename V, typename Less>
  void put(const std::map<K, V, Less>& values) {
    put_size(values.size());
    for (const auto& [key, value] : values) {
      put(key);
      put(value);
    }
  }
  template <typename T>
  requires(!Scalar<T>) void put(const T& value) { visit(*this, value); }

  Bytes out_;
};

// Throws std::runtime_error for bytes that a Packer of these values does not give, as far as that
// shows: whether they are the very bytes is for the caller to know.
class Unpacker {
 public:
  explicit Unpacker(ByteView packed) : rest_(packed) {}

  template <typename... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  template <typename T>
  T take() {
    T out{};
    get(out);
    return out;
  }
  // Throws where something is left.
  void finish() const {
    if (!rest_.empty()) throw std::runtime_error("packed value: bytes are left");
  }

 private:
  ByteView next(std::size_t size) {
    if (size > rest_.size()) throw std::runtime_error("packed value: it breaks off");
    const ByteView out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  template <Scalar T>
  void get(T& value) {
    const ByteView bytes = next(sizeof(T));
    std::uint64_t read = 0;
    for (std::size_t i = sizeof(T); i > 0; --i) read = read << 8U | bytes[i - 1];
    if constexpr (std::same_as<T, bool>) {
      value = read != 0;
    } else {
      value = static_cast<T>(read);
    }
  }
  std::size_t get_size() { return take<std::uint32_t>(); }
  void get(std::string& text) {
    const ByteView bytes = next(get_size());
    text.assign(bytes.begin(), bytes.end());
  }
  void get(Bytes& out) {
    const ByteView bytes = next(get_size());
    out.assign(bytes.begin(), bytes.end());
  }
  template <Scalar T, std::size_t N>
  void get(std::array<T, N>& values) {
    for (T& each : values) get(each);
  }
  template <typename Rep, typename Period>
  void get(std::chrono::duration<Rep, Period>& time) {
    time = std::chrono::duration<Rep, Period>(static_cast<Rep>(take<std::int64_t>()));
  }
  template <typename Clock, typename Duration>
  void get(std::chrono::time_point<Clock, Duration>& time) {
    time = std::chrono::time_point<Clock, Duration>(take<Duration>());
  }
  template <typename T>
  void get(std::optional<T>& value) {
    value.reset();
    if (take<bool>()) value = take<T>();
  }
  template <typename T>
  void get(Boxed<T>& value) {
    value.reset();
    if (take<bool>()) value = take<T>();
  }
  template <typename T>
  void get(Shared<T>& value) {
    value = Shared<T>(take<T>());
  }
  template <typename T>
  void get(std::shared_ptr<const T>& value) {
    value = take<bool>() ? std::make_shared<const T>(take<T>()) : nullptr;
  }
  template <typename T>
  void get(std::vector<T>& values) {
    values.clear();
    for (std::size_t left = get_size(); left > 0; --left) values.push_back(take<T>());
  }
  template <typename K, typename V, typename Less>
  void get(std::map<K, V, Less>& values) {
    values.clear();
    for (std::size_t left = get_size(); left > 0; --left) {
      K key = take<K>();
      values.insert_or_assign(std::move(key), take<V>());
    }
  }
  template <typename T>
  requires(!Scalar<T>) void get(T& value) { visit(*this, value); }

  ByteView rest_;
};

}  // namespace avouch
