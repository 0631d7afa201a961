# Language level, warnings, hardening and sanitizers, for every target of ours.

option(AVOUCH_TESTS "Build the tests" ON)
option(AVOUCH_BENCH "Build the benchmarks" ON)
option(AVOUCH_FUZZ "Build libFuzzer targets instead of corpus replays (clang only)" OFF)
option(AVOUCH_UNITY "Compile forty files at a time; a whole build is faster, a small one slower" OFF)
set(AVOUCH_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=, or empty")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Names in anonymous namespaces are then to be unique in a library and in a test program.
set(CMAKE_UNITY_BUILD ${AVOUCH_UNITY})
set(CMAKE_UNITY_BUILD_BATCH_SIZE 40)

find_program(AVOUCH_CCACHE ccache)
if(AVOUCH_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${AVOUCH_CCACHE}")
endif()

# Some forty programs link the same static libraries: lld takes a tenth of the time.
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=lld AVOUCH_LLD)

add_library(avouch_options INTERFACE)
target_include_directories(avouch_options INTERFACE "${PROJECT_SOURCE_DIR}/src")
target_compile_definitions(avouch_options INTERFACE
  AVOUCH_VERSION="${PROJECT_VERSION}" SPDLOG_FMT_EXTERNAL _GLIBCXX_ASSERTIONS)
target_compile_options(avouch_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast
  -Wnon-virtual-dtor -Wno-missing-field-initializers -Werror -fstack-protector-strong -fcf-protection)
target_link_options(avouch_options INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,--as-needed
  $<$<BOOL:${AVOUCH_LLD}>:-fuse-ld=lld>)

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees uninitialized members in moved-from std::variant (GCC bug 105562 and its like);
  # clang and the sanitizers, which are in the test command, do not.
  target_compile_options(avouch_options INTERFACE -Wno-maybe-uninitialized)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(avouch_options INTERFACE -Werror=thread-safety)
endif()
if(CMAKE_BUILD_TYPE MATCHES "Release|RelWithDebInfo" AND NOT AVOUCH_SANITIZE)
  target_compile_definitions(avouch_options INTERFACE _FORTIFY_SOURCE=2)
endif()
if(NOT AVOUCH_SANITIZE)
  # A program takes of the libraries what it calls, whichever files were compiled as one, and (by lld) needs no package
  # for the rest: its image has only what it needs.
  target_compile_options(avouch_options INTERFACE -ffunction-sections -fdata-sections)
  target_link_options(avouch_options INTERFACE -Wl,--gc-sections)
endif()
if(AVOUCH_SANITIZE)
  target_compile_options(avouch_options INTERFACE
    -fsanitize=${AVOUCH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(avouch_options INTERFACE -fsanitize=${AVOUCH_SANITIZE})
endif()
if(AVOUCH_SANITIZE MATCHES "undefined")
  # cpprestsdk's stream buffers have hidden type information, so that a call through their base
  # looks like one to an object of another type.
  target_compile_options(avouch_options INTERFACE -fno-sanitize=vptr)
  # Of templates of others, checks of each access are half of the objects and of the time that they take. What ours
  # hand over is checked where they do, and by the address sanitizer and the library's own assertions in there.
  target_compile_options(avouch_options INTERFACE "-fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/tests/ubsan.ignore")
endif()
if(AVOUCH_FUZZ)
  # Coverage of the libraries, which is what guides the fuzzer through them.
  target_compile_options(avouch_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
