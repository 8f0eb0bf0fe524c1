// Tests asked for at /tools and by POST /smtp_tests, /tls_tests: admitted, kept for a day, found by their id. Any
// thread; every node of an installation counts the same strangers. The keeper removes what is older.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.h"
#include "core/result.h"
#include "core/target.h"
#include "core/time.h"
#include "db/pool.h"

namespace everup::db {

struct ToolTest {
  std::string id;
  Kind kind = Kind::kSmtp;  // kSmtp or kTls: which tool
  std::string target, host;
  std::string client;  // a stranger's network ("192.0.2.0/24"); empty: who asked had a key
  WallTime created_at;
};

// What a test left behind, each as it is sent.
struct ToolRecord {
  std::string report, events, page;
};
struct StoredTest {
  ToolTest test;
  std::optional<ToolRecord> record;  // absent: it runs on some node, or was lost with it
};

// SHAPES 21, and what keeps a public tester from being aimed at somebody (faults 2.1).
struct ToolLimits {
  int per_client = 5;
  milliseconds client_window{600'000};
  int per_host = 20;
  milliseconds host_window{86'400'000};
};
enum class ToolAdmission : std::uint8_t { kTaken, kClientLimit, kHostLimit };

class ToolTestStore {
 public:
  static constexpr milliseconds kKeptFor{86'400'000};
  static constexpr std::size_t kTextBytesMax = 2 * 1024 * 1024;  // each of a record's
  ToolTestStore(Pool& api_pool, const Clock& clock) : pool_(api_pool), clock_(clock) {}

  // Stores a test that begins. Only strangers are counted and limited.
  Result<ToolAdmission> begin(const ToolTest& test, const ToolLimits& limits = {});
  Status end(const std::string& id, const ToolRecord& record);
  // Nothing: unknown, older than a day, or of the other tool.
  Result<std::optional<StoredTest>> find(Kind kind, const std::string& id);

 private:
  Pool& pool_;
  const Clock& clock_;
};

}  // namespace everup::db
