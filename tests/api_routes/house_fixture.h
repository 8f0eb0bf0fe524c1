// An Api on an ephemeral port over a fresh database with two accounts; keys of every scope for the first, one for the
// other.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "api/api.h"
#include "db/tool_test_store.h"
#include "tests/api/client.h"

namespace everup::api {

struct Household;  // database, stores, clock

class ApiTest : public testing::Test {
 protected:
  ApiTest();
  ~ApiTest() override;
  void start(ApiOptions options = {});
  void stop();
  void sql(const std::string& text) const;
  std::string sql_value(const std::string& text) const;
  bool break_database();  // no session can be had any more
  test::Reply call(const std::string& method, const std::string& target, const std::string& key,
                   const std::string& body = "", const std::string& fields = "") const;
  // POST /monitors with this target; its id.
  std::string make(const std::string& key, const std::string& target = "http://192.0.2.1/");
  // An open outage of that monitor, as the fan-out stores it; its id.
  std::string make_incident(const std::string& monitor, int version = 2);
  std::uint16_t port() const { return port_; }
  db::ToolTestStore& tool_tests() const;
  std::unique_ptr<db::Session> owner_session() const;

  std::string owner_read, owner_write, owner_admin, other_admin;
  std::string owner_account;

 private:
  std::unique_ptr<Household> house_;
  std::unique_ptr<Api> api_;
  std::uint16_t port_ = 0;
};

// The value of a string field in JSON text, or its raw number; "" when it is not there. The first one of that name.
std::string pick(const std::string& json, const std::string& name);

}  // namespace everup::api
