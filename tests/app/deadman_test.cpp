// The dead man's switch calls only while all is well, and says once what changes.
#include "app/deadman.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "tests/app/service.h"
#include "tests/support/fake_server.h"

namespace everup::app {
namespace {

TEST(Deadman, CallsOnlyWhileAllIsWell) {
  std::atomic<int> calls{0};
  std::atomic<bool> well{true};
  std::mutex mutex;
  std::vector<std::string> said;  // guarded by mutex
  const auto last = [&] {
    const std::lock_guard lock(mutex);
    return said.empty() ? std::string() : said.back();
  };
  test::FakeServer web([&](test::FakeConnection& connection) {
    if (connection.read_request().empty()) return;
    ++calls;
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  const Deadman deadman(
      "http://127.0.0.1:" + std::to_string(web.port()) + "/",
      [&] { return well ? std::string() : std::string("database: away"); },
      [&](const std::string& line) {
        const std::lock_guard lock(mutex);
        said.push_back(line);
      },
      milliseconds(10));
  ASSERT_TRUE(test::until([&] { return calls >= 2; }));
  EXPECT_EQ(last(), "") << "nothing is said while it works";
  well = false;
  ASSERT_TRUE(test::until([&] { return last() == "the dead man's switch is not called: database: away"; }));
  const int before = calls;
  well = true;
  ASSERT_TRUE(test::until([&] { return last() == "the dead man's switch is called again"; }));
  ASSERT_TRUE(test::until([&] { return calls > before; }));
  const std::lock_guard lock(mutex);
  EXPECT_EQ(said.size(), 2U) << "once for each change";
}

}  // namespace
}  // namespace everup::app
