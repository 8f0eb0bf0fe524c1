# CPU per look: plain HTTP, and HTTPS against a bare OpenSSL client.
add_executable(bench_http_probe http_probe_bench.cpp)
target_link_libraries(bench_http_probe PRIVATE everup_checker everup_net everup_core everup_flags)
add_executable(bench_https https_baseline.cpp)
target_link_libraries(bench_https PRIVATE everup_checker everup_net everup_core everup_flags PkgConfig::OPENSSL)
