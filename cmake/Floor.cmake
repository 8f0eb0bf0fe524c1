# everup_floor(NAME SOURCES … USES lower floors and packages …): one static library, everup_NAME.
function(everup_floor name)
  cmake_parse_arguments(FLOOR "" "" "SOURCES;USES;PRIVATE_USES" ${ARGN})
  add_library(everup_${name} STATIC ${FLOOR_SOURCES})
  target_link_libraries(everup_${name} PUBLIC everup_flags ${FLOOR_USES} PRIVATE ${FLOOR_PRIVATE_USES})
endfunction()

# everup_tests(NAME SOURCES … USES …): one test binary, test_NAME, found by ctest; LABELS threads marks what runs under TSan too.
function(everup_tests name)
  cmake_parse_arguments(SUITE "" "" "SOURCES;USES;LABELS" ${ARGN})
  add_executable(test_${name} ${SUITE_SOURCES} ${PROJECT_SOURCE_DIR}/tests/support/known_leaks.cpp)
  target_link_libraries(test_${name} PRIVATE ${SUITE_USES} everup_flags PkgConfig::GMOCK PkgConfig::GTEST gtest_main)
  set_target_properties(test_${name} PROPERTIES TEST_CODE ON)
  add_test(NAME ${name} COMMAND test_${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 600 LABELS "${SUITE_LABELS}")
endfunction()
