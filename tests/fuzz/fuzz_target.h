#pragma once

// What is fuzzed, NAME as in tests/fuzz/NAME.cc and tests/fuzz/corpus/NAME:
//
//   AVOUCH_FUZZ_TARGET("NAME") { ... data, size ...; return 0; }
//
// in a namespace of the file's own. By libFuzzer each is a program (AVOUCH_FUZZ); else one program
// has all of them, and replays their corpora.

#include <cstddef>
#include <cstdint>

#ifdef AVOUCH_LIBFUZZER

#define AVOUCH_FUZZ_TARGET(name) \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)

#else

namespace avouch::fuzzing {

using Target = int (*)(const std::uint8_t* data, std::size_t size);

// Before main(). Always true.
bool add_target(const char* name, Target target);

}  // namespace avouch::fuzzing

#define AVOUCH_FUZZ_TARGET(name)                                                                \
  static int run_target(const std::uint8_t* data, std::size_t size);                            \
  [[maybe_unused]] static const bool is_target = avouch::fuzzing::add_target(name, run_target); \
  static int run_target(const std::uint8_t* data, std::size_t size)

#endif
