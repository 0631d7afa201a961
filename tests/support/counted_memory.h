#pragma once

// What a test program has allocated and not freed: of every library in it, as malloc and its kin
// are replaced. Include it in one file of a program. Sanitizers replace them themselves: under the
// address sanitizer only what operator new gives is counted, so that blocks that it keeps for a
// while are not; under the thread sanitizer nothing is: what is bounded is judged in the other
// builds.

#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>

#include "tests/support/sanitized.h"

#if defined(__SANITIZE_THREAD__)
#define AVOUCH_OPERATORS_TAKEN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AVOUCH_OPERATORS_TAKEN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define AVOUCH_MALLOC_TAKEN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AVOUCH_MALLOC_TAKEN
#endif
#endif

namespace avouch::testing {

inline std::atomic<std::size_t> live_bytes{0};
inline std::atomic<std::size_t> peak_bytes{0};
// Of one thread: less than nothing where it frees what another one allocated.
inline thread_local std::ptrdiff_t own_bytes = 0, own_peak = 0;

inline void* counted(void* block) noexcept {
  if (block == nullptr) return nullptr;
  const std::size_t size = malloc_usable_size(block);
  const std::size_t live = live_bytes += size;
  if (live > peak_bytes) peak_bytes = live;
  own_bytes += static_cast<std::ptrdiff_t>(size);
  if (own_bytes > own_peak) own_peak = own_bytes;
  return block;
}
inline void forget(std::size_t size) noexcept {
  live_bytes -= size;
  own_bytes -= static_cast<std::ptrdiff_t>(size);
}
inline void uncount(void* block) noexcept {
  if (block != nullptr) forget(malloc_usable_size(block));
}

// What `run` has at most at a time, beyond what there is before it. Of this thread alone: what
// other threads of the program do meanwhile (pools of libraries) is no cost of it.
template <typename Run>
std::size_t peak_of(Run&& run) {
  const std::ptrdiff_t before = own_bytes;
  own_peak = before;
  run();
  return static_cast<std::size_t>(own_peak - before);
}

// The bound of an input of `size` bytes: 64 KiB and so many times its size. It is appraised once
// before: tables that a library makes once, whatever the input, are no cost of this one.
template <typename Appraise>
void expect_bounded(const std::string& name, std::size_t size, Appraise&& appraise,
                    std::size_t times = 4) {
  appraise();
  EXPECT_LE(peak_of(appraise), 64 * 1024 + times * size) << name << ", " << size << " bytes";
}

}  // namespace avouch::testing

#if defined(AVOUCH_MALLOC_TAKEN) && !defined(AVOUCH_OPERATORS_TAKEN)
void* operator new(std::size_t size) {
  void* const block = avouch::testing::counted(std::malloc(size == 0 ? 1 : size));
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
// std::stable_sort asks for its buffer by this one.
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return avouch::testing::counted(std::malloc(size == 0 ? 1 : size));
}
void operator delete(void* block) noexcept {
  avouch::testing::uncount(block);
  std::free(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept { operator delete(block); }
void operator delete(void* block, const std::nothrow_t& /*tag*/) noexcept {
  operator delete(block);
}
#elif !defined(AVOUCH_OPERATORS_TAKEN)
// As the GNU C library documents it, "Replacing malloc". Its own stay in reach by these names.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-inconsistent-declaration-parameter-name)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);

void* malloc(std::size_t size) noexcept { return avouch::testing::counted(__libc_malloc(size)); }
void* calloc(std::size_t count, std::size_t size) noexcept {
  return avouch::testing::counted(__libc_calloc(count, size));
}
void* realloc(void* block, std::size_t size) noexcept {
  const std::size_t before = block == nullptr ? 0 : malloc_usable_size(block);
  void* const grown = __libc_realloc(block, size);
  if (grown == nullptr && size != 0) return nullptr;  // the block is as it was
  // Where it moved there were both for a moment.
  if (grown == block || grown == nullptr) avouch::testing::forget(before);
  avouch::testing::counted(grown);
  if (grown != block && grown != nullptr) avouch::testing::forget(before);
  return grown;
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return avouch::testing::counted(__libc_memalign(alignment, size));
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return memalign(alignment, size);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
  *block = memalign(alignment, size);
  return *block == nullptr ? 12 : 0;  // ENOMEM
}
void free(void* block) noexcept {
  avouch::testing::uncount(block);
  __libc_free(block);
}
}
// NOLINTEND(bugprone-reserved-identifier,readability-inconsistent-declaration-parameter-name)
#endif
