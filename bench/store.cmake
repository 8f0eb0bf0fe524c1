# What the api's stores cost with 100 000 monitors of one account.
add_executable(store_bench store_bench.cpp)
target_link_libraries(store_bench PRIVATE everup_db everup_seal everup_core everup_flags PkgConfig::PQXX)
