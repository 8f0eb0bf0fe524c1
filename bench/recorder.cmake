add_executable(recorder_bench recorder_bench.cpp)
target_link_libraries(recorder_bench PRIVATE everup_db everup_core everup_flags PkgConfig::PQXX PkgConfig::PQ)
