# What cold storage costs: bytes a check, packing rate, read times.
add_executable(ledger ledger.cpp)
target_link_libraries(ledger PRIVATE everup_db everup_seal everup_core everup_flags PkgConfig::PQXX)
