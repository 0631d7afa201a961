#pragma once

// What a test program has allocated by operator new and not freed: the same number under
// sanitizers, which keep freed blocks for a while. It replaces the global operators: include it in
// one file of a program. Under the thread sanitizer, which replaces them itself, nothing is
// counted: what is bounded by it is judged in the other builds.

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_THREAD__)
#define AVOUCH_OPERATORS_TAKEN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AVOUCH_OPERATORS_TAKEN
#endif
#endif

namespace avouch::testing {

inline std::atomic<std::size_t> live_bytes{0};
inline std::atomic<std::size_t> peak_bytes{0};

inline void* allocate_counted(std::size_t size) noexcept {
  void* const block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) return nullptr;
  const std::size_t live = live_bytes += malloc_usable_size(block);
  if (live > peak_bytes) peak_bytes = live;
  return block;
}

}  // namespace avouch::testing

#ifndef AVOUCH_OPERATORS_TAKEN
void* operator new(std::size_t size) {
  void* const block = avouch::testing::allocate_counted(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
// std::stable_sort asks for its buffer by this one.
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return avouch::testing::allocate_counted(size);
}
void operator delete(void* block) noexcept {
  if (block != nullptr) avouch::testing::live_bytes -= malloc_usable_size(block);
  std::free(block);
}
void operator delete(void* block, std::size_t /*size*/) noexcept { operator delete(block); }
void operator delete(void* block, const std::nothrow_t& /*tag*/) noexcept {
  operator delete(block);
}
#endif
