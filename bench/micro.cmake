add_executable(micro micro.cpp)
target_link_libraries(micro PRIVATE everup_core everup_badges everup_reports everup_scheduler everup_db everup_api benchmark::benchmark
  benchmark::benchmark_main)
