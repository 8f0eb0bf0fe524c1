# The fault bench: every file of the folder belongs to it, and registers its cases itself.
file(GLOB fault_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/faults/*.cpp)
add_executable(faults ${fault_sources} lateness.cpp process.cpp target_nginx.cpp ../tests/support/hostile.cpp)
target_compile_definitions(faults PRIVATE EVERUP_BINARY="$<TARGET_FILE:everup>" EVERUP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_link_libraries(faults PRIVATE everup_db everup_net everup_core everup_flags PkgConfig::FMT PkgConfig::CURL
  PkgConfig::PQXX PkgConfig::PQ PkgConfig::BROTLIENC PkgConfig::OPENSSL)
add_library(clock_offset MODULE clock_offset.cpp)
target_link_libraries(clock_offset PRIVATE everup_flags)
set_target_properties(clock_offset PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
target_compile_definitions(faults PRIVATE EVERUP_CLOCK_OFFSET="$<TARGET_FILE:clock_offset>")
add_dependencies(faults everup clock_offset)
