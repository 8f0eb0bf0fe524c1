// The stores of people: what one account sees of another, links that work once, an audit log that nobody rewrites.
#include <thread>

#include "db/member_store.h"
#include "db/people_operator.h"
#include "tests/db/store_fixture.h"

namespace everup::db {
namespace {
using test::must;

class PeopleTest : public StoreTest {
 protected:
  PersonStore persons{*s.api_pool, *s.ids, s.vault, s.clock};
  MemberStore members{*s.api_pool, *s.ids, s.vault, s.clock};
  PeopleOperator operators{*s.owner_pool, *s.ids, s.vault, s.clock};
  Person person(const std::string& email) { return *must(persons.find_person(email, AccountId{}, "n")); }
};

TEST_F(PeopleTest, SessionsBelongToTheirAccount) {
  const Person a = person("a@example.com"), b = person("B@example.com");
  const NewSession session = must(persons.open_session(a.account, a.user, {"n", "agent"}));
  const auto who = must(persons.find_session(session.token));
  ASSERT_TRUE(who.has_value());
  EXPECT_EQ(who->user, a.user);
  EXPECT_EQ(who->role, MemberRole::kOwner);
  EXPECT_EQ(who->account_name, "Alpha");
  EXPECT_TRUE(person("a@example.com").known_network);
  EXPECT_FALSE(b.known_network);
  EXPECT_TRUE(must(persons.sessions(b.account, a.user)).empty());
  EXPECT_EQ(persons.end_session(b.account, a.user, session.id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(persons.open_session(b.account, a.user, {"n", ""}).error().code, ErrorCode::kNotFound) << "no member there";
  s.clock.at = s.clock.at + milliseconds(120'000);
  EXPECT_TRUE(must(persons.find_session(session.token)).has_value());
  EXPECT_EQ(must(persons.sessions(a.account, a.user)).at(0).seen_at, s.clock.at);
  EXPECT_TRUE(must(persons.end_session(a.account, a.user, session.id)) == Done{});
  EXPECT_FALSE(must(persons.find_session(session.token)).has_value());
  EXPECT_EQ(persons.change_password(session.id, "$x").error().code, ErrorCode::kNotFound) << "it has ended";
}

TEST_F(PeopleTest, TheOldestSessionsGiveWay) {
  const Person a = person("a@example.com");
  const NewSession first = must(persons.open_session(a.account, a.user, {"n", ""}));
  for (int i = 0; i < PersonStore::kSessionsMax; ++i) must(persons.open_session(a.account, a.user, {"n", ""}));
  EXPECT_EQ(must(persons.sessions(a.account, a.user)).size(), static_cast<std::size_t>(PersonStore::kSessionsMax));
  EXPECT_FALSE(must(persons.find_session(first.token)).has_value());
}

TEST_F(PeopleTest, OfTwoAtOnceOneUsesTheSetupLink) {
  EXPECT_EQ(operators.new_setup_token().error().code, ErrorCode::kConflict);
  s.database.sql("DELETE FROM accounts");
  s.database.sql("DELETE FROM users");
  const std::string former = must(operators.new_setup_token()), token = must(operators.new_setup_token());
  EXPECT_FALSE(must(persons.setup_open(former)));
  EXPECT_TRUE(must(persons.setup_open(token)));
  std::vector<int> won(2);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      won[i] = persons.use_setup(token, std::string(1, static_cast<char>('x' + i)) + "@example.com", "$x").ok() ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(won[0] + won[1], 1);
  EXPECT_EQ(s.database.sql("SELECT count(*) FROM accounts")[0][0].as<int>(), 1);
}

TEST_F(PeopleTest, MembersByTheOperator) {
  const UserId ann = must(operators.add_member(s.a, "Ann@example.org", MemberRole::kEditor, "$ann"));
  EXPECT_EQ(operators.add_member(s.a, "ann@example.org", MemberRole::kViewer, "").error().code, ErrorCode::kConflict);
  EXPECT_EQ(operators.add_member(s.b, "ann@example.org", MemberRole::kViewer, "$eve").error().code,
            ErrorCode::kConflict)
      << "her password stays hers";
  EXPECT_EQ(must(operators.add_member(s.b, "ann@example.org", MemberRole::kViewer, "")), ann);
  EXPECT_EQ(must(persons.find_person("ann@example.org", s.b, "n"))->role, MemberRole::kViewer);
  EXPECT_EQ(must(persons.find_person("ann@example.org", s.a, "n"))->role, MemberRole::kEditor);
  EXPECT_EQ(operators.remove_member(s.a, "a@example.com").error().code, ErrorCode::kConflict) << "the last owner";
  must(operators.remove_member(s.a, "ann@example.org"));
  EXPECT_FALSE(must(persons.find_person("ann@example.org", s.a, "n")).has_value());
  const auto log = must(members.audit_log(s.a, AuditId{}, 10));
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[0].action, "user remove");
  EXPECT_EQ(log[0].before, R"({"role": "editor", "email": "ann@example.org"})");
  EXPECT_EQ(log[1].actor, "operator");
}

TEST_F(PeopleTest, TheAuditLogIsAppendOnly) {
  AuditRow row;
  row.at = s.clock.at;
  row.actor = row.action = row.object = "x";
  row.after = R"({"a":1})";
  must(members.note(s.a, row));
  EXPECT_TRUE(must(members.audit_log(s.b, AuditId{}, 10)).empty()) << "another account";
  for (const char* sql : {"DELETE FROM audit_log", "UPDATE audit_log SET actor = 'y'", "SELECT * FROM setup_tokens",
                          "SELECT * FROM recovery_codes", "UPDATE users SET password_hash = 'x'"}) {
    const Status status = s.api_pool->as_account(s.a, milliseconds(30'000), [&](pqxx::transaction_base& tx) -> Status {
      tx.exec(sql);
      return ok();
    });
    ASSERT_FALSE(status.ok()) << sql;
    EXPECT_EQ(status.error().code, ErrorCode::kRefused) << sql;
  }
}

TEST_F(PeopleTest, AFactorIsSealedAndItsStepsCountOnce) {
  const Person a = person("a@example.com");
  const NewSession session = must(persons.open_session(a.account, a.user, {"n", ""}));
  const auto who = *must(persons.find_session(session.token));
  EXPECT_TRUE(must(persons.offer_factor(who, "a secret of twenty b")));
  EXPECT_EQ(
      s.database.sql("SELECT position('secret'::bytea in totp_secret) FROM users WHERE totp_secret IS NOT NULL")[0][0]
          .as<int>(),
      0);
  EXPECT_EQ(person("a@example.com").factor, "a secret of twenty b");
  EXPECT_FALSE(person("a@example.com").factor_on);
  EXPECT_TRUE(must(persons.confirm_factor(session.id, 100, {"one", "two"})));
  EXPECT_FALSE(must(persons.confirm_factor(session.id, 101, {"three"}))) << "it is on";
  EXPECT_FALSE(must(persons.offer_factor(who, "another")));
  EXPECT_FALSE(must(persons.use_step(a.user, 100)));
  EXPECT_TRUE(must(persons.use_step(a.user, 101)));
  EXPECT_FALSE(must(persons.use_step(a.user, 101)));
  EXPECT_TRUE(must(persons.use_recovery_code(a.user, "one")));
  EXPECT_FALSE(must(persons.use_recovery_code(a.user, "one")));
  EXPECT_FALSE(must(persons.use_recovery_code(a.user, "three")));
  EXPECT_TRUE(must(persons.drop_factor(session.id)));
  EXPECT_FALSE(must(persons.use_recovery_code(a.user, "two")));
}

}  // namespace
}  // namespace everup::db
