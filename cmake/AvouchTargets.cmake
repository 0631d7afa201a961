# One library a folder, one test program a folder: the helpers that make them.

# After how many seconds a test program hangs. A slow machine with builds beside the tests is not a hang.
if(AVOUCH_SANITIZE)
  set(AVOUCH_TEST_TIMEOUT 1200)
else()
  set(AVOUCH_TEST_TIMEOUT 600)
endif()

# avouch_library(NAME [PUBLIC lib...] [PRIVATE lib...])
# The library avouch_NAME from every .cc of the calling folder.
function(avouch_library name)
  cmake_parse_arguments(ARG "" "" "PUBLIC;PRIVATE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  if(NOT sources)
    add_library(avouch_${name} INTERFACE)
    target_link_libraries(avouch_${name} INTERFACE avouch_options ${ARG_PUBLIC} ${ARG_PRIVATE})
  else()
    add_library(avouch_${name} STATIC ${sources})
    target_link_libraries(avouch_${name} PUBLIC avouch_options ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  endif()
endfunction()

# avouch_program(TARGET OUTPUT lib...)
# The program OUTPUT from every .cc of the calling folder.
function(avouch_program target output)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  add_executable(${target} ${sources})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${output}
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE ${ARGN})
endfunction()

# avouch_test(TARGET LABEL FOLDER lib...)
# One GoogleTest program from every *_test.cc of FOLDER; one ctest entry.
function(avouch_test target label folder)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*_test.cc")
  if(NOT sources)
    return()
  endif()
  add_executable(${target} ${sources})
  add_dependencies(avouch_tests ${target})
  # Tests are compiled for a short build, what they test is not.
  target_compile_options(${target} PRIVATE -O0 -U_FORTIFY_SOURCE)
  target_link_libraries(${target} PRIVATE avouch_test_support ${ARGN} GTest::gmock GTest::gtest_main)
  add_test(NAME ${target} COMMAND ${target})
  set_tests_properties(${target} PROPERTIES LABELS ${label} TIMEOUT ${AVOUCH_TEST_TIMEOUT})
  if(label STREQUAL "integration")
    # One set of servers at a time, beside tests that need none; first, as they mostly wait.
    set_tests_properties(${target} PROPERTIES TIMEOUT 1200 RESOURCE_LOCK servers COST 1000)
  endif()
  if(AVOUCH_SANITIZE MATCHES "thread")
    set_tests_properties(${target} PROPERTIES ENVIRONMENT
      "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
  endif()
endfunction()
