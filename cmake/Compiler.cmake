# Warnings, hardening, sanitizers, ccache and the linker: the same for all of our own code.
add_library(everup_flags INTERFACE)
target_compile_features(everup_flags INTERFACE cxx_std_20)
target_include_directories(everup_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(everup_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_compile_options(everup_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wswitch-enum
  -Wnon-virtual-dtor -Woverloaded-virtual -Werror -fno-omit-frame-pointer)
target_link_libraries(everup_flags INTERFACE Threads::Threads)

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(everup_flags INTERFACE -fstack-protector-strong -fstack-clash-protection -fcf-protection
    -D_FORTIFY_SOURCE=2)
  target_link_options(everup_flags INTERFACE -Wl,-z,relro,-z,now)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG -g1")
else()
  set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
endif()
if(EVERUP_SANITIZE)
  # What a suite itself says (property TEST_CODE) is compiled once and run once: without optimisation, and without UBSan, whose
  # checks of GoogleTest's expansions took two thirds of the time.
  set(test_code "$<BOOL:$<TARGET_PROPERTY:TEST_CODE>>")
  target_compile_options(everup_flags INTERFACE -fsanitize=${EVERUP_SANITIZE} -fno-sanitize-recover=all
    $<IF:${test_code},-O0,-O1> $<${test_code}:-fno-sanitize=undefined>)
  target_link_options(everup_flags INTERFACE -fsanitize=${EVERUP_SANITIZE})
endif()

if(CMAKE_UNITY_BUILD)
  # Several .cpp in one unit (half of the time of a cold build; the release build compiles each alone): there the main file is none of them.
  target_compile_options(everup_flags INTERFACE -Wno-subobject-linkage)
endif()

find_program(EVERUP_CCACHE ccache)
if(EVERUP_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${EVERUP_CCACHE})
endif()
find_program(EVERUP_LLD ld.lld)
if(EVERUP_LLD AND NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  target_link_options(everup_flags INTERFACE -fuse-ld=lld)
endif()
if(EVERUP_TIDY)
  set(CMAKE_CXX_CLANG_TIDY clang-tidy)
endif()
