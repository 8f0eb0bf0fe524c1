add_executable(load load.cpp lateness.cpp process.cpp target_nginx.cpp)
target_link_libraries(load PRIVATE everup_net everup_core PkgConfig::FMT PkgConfig::CURL)
add_executable(keepalive keepalive.cpp process.cpp)
target_link_libraries(keepalive PRIVATE everup_flags PkgConfig::FMT)
