#pragma once

// What every cold store does. Instantiate with a type that makes one:
//   struct Maker { static std::unique_ptr<control::ColdStore> make(); };
// in the one file of a test program that also holds the tests.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "control/cold_store.h"

namespace avouch::testing {

template <typename Maker>
class ColdStoreContract : public ::testing::Test {
 protected:
  static Bytes value(std::size_t size, std::uint8_t seed) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) {
      out[i] = static_cast<std::uint8_t>(seed + i * 7U + (i >> 8U));
    }
    return out;
  }
  Maker maker;
  std::unique_ptr<control::ColdStore> store = maker.make();
};
TYPED_TEST_SUITE_P(ColdStoreContract);

TYPED_TEST_P(ColdStoreContract, GivesBackWhatWasPutOfEverySize) {
  std::vector<std::pair<control::ColdStore::Place, Bytes>> kept;
  for (std::size_t size = 0; size < 70'000; size = size < 300 ? size + 1 : size * 9 / 8) {
    const Bytes bytes = this->value(size, static_cast<std::uint8_t>(size));
    const auto place = this->store->put(bytes);
    ASSERT_TRUE(place.has_value()) << size << ": " << place.error().message;
    kept.emplace_back(*place, bytes);
  }
  for (const auto& [place, bytes] : kept) {
    const auto got = this->store->get(place);
    ASSERT_TRUE(got.has_value()) << bytes.size();
    EXPECT_EQ(*got, bytes);
  }
}

TYPED_TEST_P(ColdStoreContract, WhatIsDroppedMakesRoomAndTouchesNothingElse) {
  const Bytes first = this->value(3000, 1), second = this->value(3000, 2);
  const auto one = this->store->put(first);
  const auto two = this->store->put(second);
  ASSERT_TRUE(one.has_value() && two.has_value());
  this->store->drop(*one);
  for (std::uint8_t i = 0; i < 50; ++i) {
    const Bytes next = this->value(2900U + i, i);
    const auto place = this->store->put(next);
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(this->store->get(*place).value(), next);
    EXPECT_EQ(this->store->get(*two).value(), second);
    this->store->drop(*place);
  }
}

TYPED_TEST_P(ColdStoreContract, ServesThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (std::uint8_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 200; ++i) {
        const Bytes bytes = this->value(200U + i * 13U, static_cast<std::uint8_t>(t * 50U + i));
        const auto place = this->store->put(bytes);
        if (!place.has_value()) {
          ++wrong;
          continue;
        }
        const auto got = this->store->get(*place);
        if (!got.has_value() || *got != bytes) ++wrong;
        this->store->drop(*place);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

REGISTER_TYPED_TEST_SUITE_P(ColdStoreContract, GivesBackWhatWasPutOfEverySize,
                            WhatIsDroppedMakesRoomAndTouchesNothingElse, ServesThreadsAtOnce);

}  // namespace avouch::testing
