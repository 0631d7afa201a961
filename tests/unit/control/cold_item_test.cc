#include "control/cold_item.h"

#include <gtest/gtest.h>

#include "tests/support/cold_store_contract.h"
#include "tests/support/memory_cold_store.h"

namespace avouch {
namespace testing {

struct MemoryColdStoreMaker {
  static std::unique_ptr<control::ColdStore> make() { return std::make_unique<MemoryColdStore>(); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, ColdStoreContract, MemoryColdStoreMaker);

}  // namespace testing
namespace control {
namespace {

Bytes some(std::uint8_t seed) {
  Bytes out(300);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(seed + i);
  return out;
}

TEST(ColdItem, IsOutOfMemoryOnceAndGoneWithItsOwner) {
  testing::MemoryColdStore store;
  {
    ColdItem item;
    EXPECT_FALSE(item.get().has_value()) << "nothing was put";
    item.put(store, some(1), {});
    item.put(store, some(1), {});
    EXPECT_EQ(store.puts, 1U) << "it is there already";
    item.put(store, some(2), {});
    EXPECT_EQ(store.size(), 1U) << "what was there before is given up";
    EXPECT_EQ(item.get().value(), some(2));
    ColdItem moved = std::move(item);
    EXPECT_EQ(moved.get().value(), some(2));
    EXPECT_EQ(store.size(), 1U);
  }
  EXPECT_EQ(store.size(), 0U);
}

TEST(ColdItem, GivesNothingButWhatWasPut) {
  testing::MemoryColdStore store;
  ColdItem item;
  item.put(store, some(1), {});
  for (std::size_t i = 0; i < 300 * 8; ++i) {
    store.damage = [i](Bytes& bytes) {
      bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] ^ (1U << i % 8));
    };
    EXPECT_EQ(item.get().error().kind, ErrorKind::kFatal) << i;
  }
  for (std::size_t size = 0; size <= 310; ++size) {
    store.damage = [size](Bytes& bytes) { bytes.resize(size); };
    EXPECT_EQ(item.get().has_value(), size == 300) << size;
  }
  store.damage = [](Bytes& bytes) { bytes = some(2); };  // another's
  EXPECT_FALSE(item.get().has_value());
  store.damage = {};
  store.get_error = retryable("Input/output error");
  EXPECT_EQ(item.get().error().kind, ErrorKind::kRetryable);
}

TEST(ColdItem, StaysOnTheHeapWhereTheStoreIsFullAndSaysSo) {
  testing::MemoryColdStore store;
  ColdItem item;
  item.put(store, some(1), {});
  store.put_error = retryable("No space left on device");
  std::string heard;
  item.put(store, some(2), [&](const Error& error) { heard = error.message; });
  EXPECT_EQ(heard, "No space left on device");
  EXPECT_EQ(store.size(), 0U);
  EXPECT_EQ(item.get().value(), some(2));
  store.put_error.reset();
  item.put(store, some(2), {});
  EXPECT_EQ(store.size(), 1U) << "and goes out when there is room again";
  EXPECT_EQ(item.get().value(), some(2));
}

}  // namespace
}  // namespace control
}  // namespace avouch
