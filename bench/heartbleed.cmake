# Heartbleed: every verdict right, how soon, and at what CPU.
add_executable(bench_heartbleed bench_heartbleed.cpp)
target_link_libraries(bench_heartbleed PRIVATE everup_checker everup_net everup_core everup_flags)
