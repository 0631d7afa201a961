#include "adapters/allocator.h"

#include <malloc.h>

namespace avouch::adapters {

void give_freed_memory_back() {
  constexpr int kLargeBlock = 64 * 1024;  // named, so that glibc does not raise it by itself
  constexpr int kArenas = 2;
  mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  mallopt(M_TRIM_THRESHOLD, 2 * kLargeBlock);
  mallopt(M_ARENA_MAX, kArenas);
}

}  // namespace avouch::adapters
