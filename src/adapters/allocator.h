#pragma once

// How the C library's allocator is to treat a program that hostile clients reach.

namespace avouch::adapters {

// Once, before there are other threads: large blocks that are freed go back to the system at once,
// and threads share two arenas, so that what a flood made the program hold is not held for ever.
void give_freed_memory_back();

}  // namespace avouch::adapters
