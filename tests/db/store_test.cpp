// Monitors, accounts, ledger, commands and idempotency keys on a real PostgreSQL, through the roles they use in
// service.
#include <algorithm>
#include <set>
#include <thread>

#include "tests/db/store_fixture.h"

namespace everup::db {
namespace {
using test::must;

// ---- accounts and keys
// ----------------------------------------------------------------------------------------------------------------

TEST_F(StoreTest, AnAccountIsFoundByIdAndByItsOwner) {
  EXPECT_EQ(must(s.operators.find_account("a@EXAMPLE.com")).id, s.a);
  EXPECT_EQ(must(s.operators.find_account(to_string(s.b))).owner_email, "b@example.com");
  EXPECT_EQ(must(s.operators.find_account(to_string(s.b))).name, "b@example.com");
  EXPECT_EQ(s.operators.find_account("").error().code, ErrorCode::kConflict);
  EXPECT_EQ(s.operators.find_account("nobody@example.com").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(s.operators.create_account("a@example.com", "again", "").error().code, ErrorCode::kConflict);
  EXPECT_EQ(s.operators.create_account("no address", "", "").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(must(s.operators.accounts()).size(), 2u);
  EXPECT_TRUE(must(s.operators.any_account()));
  EXPECT_EQ(must(s.accounts.account(s.a)).name, "Alpha");
}

TEST_F(StoreTest, AKeyOpensItsAccountUntilItIsRevokedOrExpires) {
  const NewKey key = must(s.accounts.create_key(s.a, "ci", Scope::kWrite, std::nullopt));
  EXPECT_TRUE(key.text.starts_with("everup_"));
  EXPECT_EQ(key.text.size(), 45u);
  const auto identity = must(s.accounts.find_key(key.text));
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->account, s.a);
  EXPECT_EQ(identity->key, key.info.id);
  EXPECT_EQ(identity->scope, Scope::kWrite);
  ASSERT_TRUE(s.accounts.revoke_key(s.a, key.info.id));
  ASSERT_TRUE(s.accounts.revoke_key(s.a, key.info.id));
  EXPECT_FALSE(must(s.accounts.find_key(key.text)));

  const NewKey brief = must(s.operators.create_key(s.b, "brief", Scope::kRead, WallTime{kNoon + 1000}));
  EXPECT_TRUE(must(s.accounts.find_key(brief.text)));
  s.clock.at = WallTime{kNoon + 1000};
  EXPECT_FALSE(must(s.accounts.find_key(brief.text)));
  EXPECT_EQ(s.operators.create_key(AccountId{5}, "x", Scope::kRead, std::nullopt).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(s.accounts.create_key(s.a, "x", Scope::kRead, WallTime{kNoon}).error().code, ErrorCode::kInvalid);
}

TEST_F(StoreTest, AMistypedKeyNeedsNoDatabase) {
  const NewKey key = must(s.accounts.create_key(s.a, "ci", Scope::kAdmin, std::nullopt));
  for (std::size_t i = 7; i < key.text.size(); ++i) {
    std::string wrong = key.text;
    wrong[i] = wrong[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(plausible_key(wrong, s.vault)) << i;
  }
  EXPECT_FALSE(plausible_key("", s.vault));
  EXPECT_TRUE(plausible_key(key.text, s.vault));
}

TEST_F(StoreTest, LastUseIsWrittenOnceAMinute) {
  const NewKey key = must(s.accounts.create_key(s.a, "ci", Scope::kRead, std::nullopt));
  const auto used = [&] { return must(s.accounts.keys(s.a)).at(0).last_used_at->ms; };
  must(s.accounts.find_key(key.text));
  EXPECT_EQ(used(), kNoon);
  s.clock.at = WallTime{kNoon + 60'000};
  must(s.accounts.find_key(key.text));
  EXPECT_EQ(used(), kNoon);
  s.clock.at = WallTime{kNoon + 60'001};
  must(s.accounts.find_key(key.text));
  EXPECT_EQ(used(), kNoon + 60'001);
}

TEST_F(StoreTest, TheDatabaseHoldsNoUsableKey) {
  const NewKey key = must(s.accounts.create_key(s.a, "ci", Scope::kRead, std::nullopt));
  EXPECT_EQ(
      s.database.sql("SELECT count(*) FROM api_keys k WHERE k::text LIKE '%" + key.text.substr(7, 10) + "%'")[0][0]
          .as<int>(),
      0);
}

// ---- ids
// ------------------------------------------------------------------------------------------------------------------------------------

TEST_F(StoreTest, IdsGrowWhateverTheClockDoesAndAfterARestart) {
  std::int64_t last = 0;
  for (const std::int64_t shift : {0, 5, -3'600'000, 10, -86'400'000}) {
    s.clock.at = WallTime{kNoon + shift};
    for (const std::int64_t id : must(s.ids->next(5000))) {
      ASSERT_GT(id, last);
      last = id;
    }
  }
  auto again = must(IdSource::open(*s.api_pool, "node-a", s.clock));
  EXPECT_EQ(again->node_number(), s.ids->node_number());
  EXPECT_GT(must(again->next()), last);
  auto other = must(IdSource::open(*s.api_pool, "node-b", s.clock));
  EXPECT_NE(other->node_number(), s.ids->node_number());
}

TEST_F(StoreTest, IdsAreUniqueAcrossThreads) {
  std::vector<std::vector<std::int64_t>> lists(4);
  std::vector<std::thread> threads;
  for (auto& list : lists) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) list.push_back(must(s.ids->next()));
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::int64_t> all;
  for (const auto& list : lists) all.insert(list.begin(), list.end());
  EXPECT_EQ(all.size(), 2000u);
}

// ---- monitors
// ---------------------------------------------------------------------------------------------------------------------------------

MonitorDraft full_draft() {
  MonitorDraft draft = draft_of("https://shop.example/health?x=1", "Shöp \"quoted\" {1,2} \\ NULL");
  draft.interval_s = 30, draft.timeout_ms = 5000;
  draft.confirm = {2, 4, 3, {5, 10, 20, 0, 0}};
  draft.http().options.method = "POST";
  draft.http().options.headers = {{"Accept", "text/html"}, {"X-Api-Key", "k1"}, {"X-Api-Key", "k2"}};
  draft.http().options.body = "a\nb";
  draft.http().options.auth = {HttpAuth::Type::kBasic, "user", "pa\"ss"};
  draft.http().options.verify_tls = false;
  draft.http().expect.status = "200-204";
  draft.http().expect.json = {{"$.a.b", "{\"c\":[1,null]}"}};
  draft.http().expect.header = {{"Server", HeaderExpect::Test::kAbsent, ""}};
  draft.http().warn.latency_ms_max = 800;
  draft.tags = {"prod", "team:web"};
  draft.timezone = "Europe/Prague";
  draft.links.show_target = true;
  return draft;
}

TEST_F(StoreTest, AMonitorIsReadAsItWasWritten) {
  const Monitor made = must(s.monitors.create(s.a, full_draft()));
  const MonitorView view = must(s.monitors.find(s.a, to_string(made.id)));
  EXPECT_EQ(view.monitor, made);
  EXPECT_EQ(view.state, State::kUnknown);
  EXPECT_FALSE(view.last_result);
  EXPECT_EQ(made.badge_token.size(), 26u);
  EXPECT_NE(made.badge_token, made.report_token);
  EXPECT_EQ(must(s.monitors.find(s.a, "slug:" + made.slug)).monitor.id, made.id);
  EXPECT_EQ(must(s.monitors.find(s.a, made.slug)).monitor.id, made.id);
  for (const char* id : {"", "mon_0000000000001", "slug:", "no such", "mon_x"}) {
    EXPECT_EQ(s.monitors.find(s.a, id).error().code, ErrorCode::kNotFound) << id;
  }
}

TEST_F(StoreTest, SecretsAreSealedAtRest) {
  const Monitor made = must(s.monitors.create(s.a, full_draft()));
  const auto row = s.database.sql("SELECT m::text, secrets FROM monitors m");
  for (const char* secret : {"pa\\\"ss", "pa\"ss", "k1", "k2"}) {
    EXPECT_EQ(row[0][0].as<std::string>().find("\"" + std::string(secret)), std::string::npos) << secret;
    EXPECT_EQ(pqxx::binarystring(row[0][1]).str().find(secret), std::string::npos);
  }
  // Moved to another monitor they do not open; with another key neither: the monitor is still readable.
  const Monitor other = must(s.monitors.create(s.a, draft_of("https://x.example/")));
  s.database.sql(
      "UPDATE monitors SET secrets = (SELECT secrets FROM monitors WHERE secrets IS NOT NULL), options = (SELECT "
      "options FROM "
      "monitors WHERE secrets IS NOT NULL) WHERE id = " +
      std::to_string(other.id.value));
  const MonitorView moved = must(s.monitors.find(s.a, to_string(other.id)));
  EXPECT_TRUE(moved.secrets_lost);
  EXPECT_EQ(moved.monitor.http().options.auth.secret, "");
  const Vault wrong_key = test_vault(9);
  MonitorStore blind(*s.api_pool, *s.ids, wrong_key, s.clock);
  EXPECT_TRUE(must(blind.find(s.a, to_string(made.id))).secrets_lost);
  must(blind.set_paused(s.a, to_string(made.id), true));  // what cannot be opened is kept
  EXPECT_EQ(must(s.monitors.find(s.a, to_string(made.id))).monitor.http().options.auth.secret, "pa\"ss");
}

TEST_F(StoreTest, SlugsAreMadeUniqueAndGivenOnesAreKept) {
  const auto slug = [&](MonitorDraft draft) { return must(s.monitors.create(s.a, draft)).slug; };
  EXPECT_EQ(slug(draft_of("https://x.example/", "My Shop")), "my-shop");
  EXPECT_EQ(slug(draft_of("https://x.example/", "My Shop")), "my-shop-2");
  MonitorDraft given = draft_of("https://x.example/");
  given.slug = "my-shop-2";
  const auto conflict = s.monitors.create(s.a, given);
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code, ErrorCode::kConflict);
  EXPECT_TRUE(conflict.error().what.starts_with("#/slug: ")) << conflict.error().what;
  EXPECT_TRUE(s.monitors.create(s.b, given));  // another account's slugs do not matter
  for (int i = 3; i <= 9; ++i)
    EXPECT_EQ(slug(draft_of("https://x.example/", "My Shop")), "my-shop-" + std::to_string(i));
  const std::string tenth = slug(draft_of("https://x.example/", "My Shop"));
  EXPECT_EQ(tenth.size(), 8u + 13u) << tenth;
  EXPECT_EQ(slug(draft_of("https://x.example/", std::string(100, 'a'))).size(), 64u);
  EXPECT_LE(slug(draft_of("https://x.example/", std::string(100, 'a'))).size(), 64u);
}

TEST_F(StoreTest, BulkKeepsTheOrderAndIsAllOrNothing) {
  std::vector<MonitorDraft> drafts;
  for (int i = 0; i < 300; ++i)
    drafts.push_back(draft_of("https://x.example/" + std::to_string(i), i % 2 == 0 ? "Same" : "N" + std::to_string(i)));
  drafts[7].slug = "same-2";
  const auto ids = must(s.monitors.create_bulk(s.a, drafts));
  ASSERT_EQ(ids.size(), drafts.size());
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(must(s.monitors.find(s.a, to_string(ids[42]))).monitor.target.path, "/42");
  drafts[17].slug = "same-2", drafts.resize(20), drafts[7].slug = "other";
  const auto refused = s.monitors.create_bulk(s.a, drafts);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().what.starts_with("#/monitors/17/slug: ")) << refused.error().what;
  EXPECT_EQ(must(s.monitors.count(s.a)), 300);
  EXPECT_EQ(s.monitors.create_bulk(s.a, {}).error().code, ErrorCode::kInvalid);
}

TEST_F(StoreTest, EveryChangeHasItsVersionAndItsChangeRow) {
  const Monitor made = must(s.monitors.create(s.a, draft_of("https://x.example/")));
  const std::string id = to_string(made.id);
  MonitorDraft draft = made;
  draft.interval_s = 120;
  s.clock.at = WallTime{kNoon + 1000};
  const Monitor changed = must(s.monitors.update(s.a, id, draft, 1));
  EXPECT_EQ(changed.revision, 2);
  EXPECT_EQ(changed.updated_at.ms, kNoon + 1000);
  EXPECT_EQ(must(s.monitors.update(s.a, id, draft, std::nullopt)).revision, 2);  // nothing to change
  const auto stale = s.monitors.update(s.a, id, made, 1);
  EXPECT_EQ(stale.error().code, ErrorCode::kConflict);
  EXPECT_NE(stale.error().what.find("revision 2"), std::string::npos);
  EXPECT_EQ(must(s.monitors.set_paused(s.a, id, true)).revision, 3);
  EXPECT_EQ(must(s.monitors.set_paused(s.a, id, true)).revision, 3);
  const Monitor rotated = must(s.monitors.rotate_tokens(s.a, id, true, false));
  EXPECT_NE(rotated.badge_token, made.badge_token);
  EXPECT_EQ(rotated.report_token, made.report_token);
  const auto versions =
      s.database.sql("SELECT revision, from_at, interval_ms, paused FROM monitor_versions ORDER BY revision");
  ASSERT_EQ(versions.size(), 4u);
  EXPECT_EQ(versions[1][1].as<std::int64_t>(), kNoon + 1000);
  EXPECT_EQ(versions[1][2].as<int>(), 120'000);
  EXPECT_TRUE(versions[2][3].as<bool>());
  EXPECT_EQ(s.database.sql("SELECT count(*) FROM monitor_changes")[0][0].as<int>(), 4);
}

TEST_F(StoreTest, ADeletedMonitorIsGoneEverywhereAtOnce) {
  const Monitor made = must(s.monitors.create(s.a, draft_of("https://x.example/")));
  const std::string id = to_string(made.id);
  EXPECT_EQ(s.monitors.remove(s.a, id, 7).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(s.monitors.remove(s.a, id));
  EXPECT_EQ(s.monitors.remove(s.a, id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(s.monitors.find(s.a, id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(s.ledger.ledger(s.a, id, WallTime{0}, s.clock.at).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(s.ledger.by_token(TokenKind::kBadge, made.badge_token, WallTime{0}, s.clock.at).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(must(s.monitors.count(s.a)), 0);
  EXPECT_EQ(s.database.sql("SELECT count(*) FROM monitor_changes")[0][0].as<int>(), 2);
  EXPECT_EQ(must(s.monitors.create(s.a, draft_of("https://x.example/"))).slug, made.slug);  // the slug is free again
}

// ---- lists
// --------------------------------------------------------------------------------------------------------------------------------------

class ListTest : public StoreTest {
 protected:
  ListTest() {
    std::vector<MonitorDraft> drafts;
    for (int i = 0; i < 23; ++i) {
      drafts.push_back(draft_of((i % 3 == 0 ? "http://" : "https://") + std::string("x.example/") + std::to_string(i),
                                "M" + std::to_string(i * 7 % 23)));
      drafts.back().tags = {i % 2 == 0 ? "even" : "odd", "all"};
      drafts.back().paused = i == 5;
    }
    ids = must(s.monitors.create_bulk(s.a, drafts));
    must(s.monitors.create(s.b, draft_of("https://x.example/", "foreign")));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      s.mark(ids[i], kNoon);
      if (i % 4 != 3) s.standing(ids[i], 1 + static_cast<int>(i % 3), kNoon - static_cast<std::int64_t>(i) * 1000);
    }
  }
  std::vector<MonitorView> all(MonitorQuery query) {
    std::vector<MonitorView> out;
    for (int pages = 0; pages < 30; ++pages) {
      MonitorPage page = must(s.monitors.list(s.a, query));
      EXPECT_LE(page.monitors.size(), static_cast<std::size_t>(query.limit));
      for (auto& view : page.monitors) out.push_back(std::move(view));
      if (!page.next_cursor) return out;
      query.cursor = *page.next_cursor;
    }
    ADD_FAILURE() << "the list does not end";
    return out;
  }
  std::vector<MonitorId> ids;
};

TEST_F(ListTest, EverySortVisitsEveryMonitorOnceInOrder) {
  for (const MonitorSort sort :
       {MonitorSort::kId, MonitorSort::kName, MonitorSort::kState, MonitorSort::kSince, MonitorSort::kCreatedAt}) {
    for (const int limit : {1, 5, 23, 200}) {
      MonitorQuery query;
      query.sort = sort, query.limit = limit;
      const auto views = all(query);
      std::set<MonitorId> seen;
      for (const auto& view : views) seen.insert(view.monitor.id);
      EXPECT_EQ(views.size(), ids.size());
      EXPECT_EQ(seen.size(), ids.size()) << static_cast<int>(sort) << " " << limit;
    }
  }
  MonitorQuery by_state;
  by_state.sort = MonitorSort::kState, by_state.limit = 4;
  const auto views = all(by_state);
  EXPECT_EQ(views.front().state, State::kDown);
  EXPECT_EQ(views.back().state, State::kPaused);
}

// Whatever the clock makes of marks and suspicions: the order is that of the shown states and instants.
TEST_F(ListTest, TheOrderIsThatOfWhatIsShown) {
  s.mark(ids[2], kNoon - 200'000);
  s.mark(ids[4], kNoon - 90'000);
  s.database.sql("DELETE FROM shard_marks WHERE shard = " + std::to_string(shard_of(ids[6])));
  s.database.sql("UPDATE standings SET pending_since = " + std::to_string(kNoon - 150'000) +
                 " WHERE monitor_id = " + std::to_string(ids[8].value));
  s.database.sql("UPDATE standings SET pending_since = " + std::to_string(kNoon - 5'000) +
                 " WHERE monitor_id = " + std::to_string(ids[9].value));
  const auto rank = [](State state) {
    const std::vector<State> order{State::kDown, State::kUnknown,     State::kDegraded,
                                   State::kUp,   State::kMaintenance, State::kPaused};
    return std::find(order.begin(), order.end(), state) - order.begin();
  };
  for (const std::int64_t later : {0, 20'000, 60'000, 101'000, 500'000}) {
    s.clock.at = WallTime{kNoon + later};
    for (const int limit : {4, 200}) {
      MonitorQuery query;
      query.limit = limit;
      query.sort = MonitorSort::kState;
      const auto by_state = all(query);
      EXPECT_EQ(by_state.size(), ids.size());
      EXPECT_TRUE(std::is_sorted(by_state.begin(), by_state.end(), [&](const MonitorView& a, const MonitorView& b) {
        return std::pair(rank(a.state), a.monitor.id) < std::pair(rank(b.state), b.monitor.id);
      })) << later;
      query.sort = MonitorSort::kSince;
      const auto by_since = all(query);
      EXPECT_EQ(by_since.size(), ids.size());
      EXPECT_TRUE(std::is_sorted(by_since.begin(), by_since.end(), [](const MonitorView& a, const MonitorView& b) {
        return std::pair(a.since.value_or(WallTime{0}), a.monitor.id) <
               std::pair(b.since.value_or(WallTime{0}), b.monitor.id);
      })) << later;
      query.sort = MonitorSort::kId, query.state = State::kUnknown;
      const auto unknown = all(query);
      EXPECT_EQ(static_cast<std::ptrdiff_t>(unknown.size()),
                std::count_if(by_state.begin(), by_state.end(),
                              [](const MonitorView& view) { return view.state == State::kUnknown; }))
          << later;
    }
  }
}

TEST_F(ListTest, ListsFollowEveryChange) {
  const auto found = [&](const std::string& q) {
    MonitorQuery query;
    query.q = q;
    return all(query).size();
  };
  const auto first_by = [&](MonitorSort sort) {
    MonitorQuery query;
    query.sort = sort;
    return all(query).front().monitor.id;
  };
  const std::string id = to_string(ids[1]);
  MonitorDraft draft = must(s.monitors.find(s.a, id)).monitor;
  draft.name = "Zebra Überall", draft.target = must(parse_target("https://moved.example/"));
  must(s.monitors.update(s.a, id, draft, std::nullopt));
  EXPECT_EQ(found("zEBRA"), 1u);
  EXPECT_EQ(found("a Über"), 1u);
  EXPECT_EQ(found("moved.ex"), 1u);
  EXPECT_EQ(found("ze"), 1u) << "two letters have no trigram";
  const auto set = [&](const std::string& what) {
    s.database.sql("UPDATE standings SET " + what + " WHERE monitor_id = " + std::to_string(ids[1].value));
  };
  set("booked = 3, booked_since = 1");
  EXPECT_EQ(first_by(MonitorSort::kSince), ids[3]) << "never looked at";
  s.database.sql("UPDATE monitor_live SET booked = 1, booked_since = 5 WHERE booked IS NULL");
  EXPECT_EQ(first_by(MonitorSort::kSince), ids[1]);
  must(s.monitors.set_paused(s.a, id, true));
  EXPECT_NE(first_by(MonitorSort::kSince), ids[1]);
  set("booked = 3, booked_since = 2");
  must(s.monitors.set_paused(s.a, id, false));
  EXPECT_EQ(first_by(MonitorSort::kSince), ids[1]);
  ASSERT_TRUE(s.monitors.remove(s.a, id));
  EXPECT_EQ(found("zebra"), 0u);
  EXPECT_NE(first_by(MonitorSort::kSince), ids[1]);
  s.database.sql("SET app.operator = 'on'; DELETE FROM monitors");
  EXPECT_EQ(s.database.sql("SELECT count(*) FROM monitor_live")[0][0].as<int>(), 0);
  EXPECT_EQ(s.database.sql("SELECT count(*) FROM monitor_words")[0][0].as<int>(), 0);
}

TEST_F(ListTest, TheFiltersStateIsTheShownState) {
  std::size_t total = 0;
  for (const State state : {State::kUp, State::kDegraded, State::kDown, State::kUnknown, State::kPaused}) {
    MonitorQuery query;
    query.state = state, query.limit = 3;
    for (const auto& view : all(query)) {
      EXPECT_EQ(view.state, state) << to_string(view.monitor.id);
      ++total;
    }
  }
  EXPECT_EQ(total, ids.size());
  s.clock.at = WallTime{kNoon + 60'000 + 10'000 + 30'001};  // all marks are stale now
  MonitorQuery unknown;
  unknown.state = State::kUnknown;
  EXPECT_EQ(all(unknown).size(), ids.size() - 1);
}

// A glitch is a failing run inside time that is booked as up: counted once, however many looks it had.
TEST_F(StoreTest, AReportCountsGlitchesAndCorrections) {
  const Monitor monitor = must(s.monitors.create(s.a, draft_of("https://x.example/")));
  const std::int64_t minute = 60'000, begin = kNoon - 3 * 3'600'000;
  s.partition(begin - kDayMs), s.partition(begin), s.partition(kNoon);
  const auto look = [&](int at, int verdict, int number = 0) {
    s.result(monitor.id, begin + at * minute, verdict, verdict == 3 ? 20 : 1, number);
  };
  for (const int at : {0, 1, 3, 4, 8, 9, 13, 14, 16, 17, 20}) look(at, 1);
  look(2, 3), look(2, 3, 1), look(2, 1, 2);  // one glitch: two failing looks of one slot
  look(5, 3), look(6, 4), look(7, 3);        // one: an inconclusive look does not end a run
  look(10, 3), look(11, 3), look(12, 3);     // settled: an outage
  look(15, 0), look(18, 3), look(19, 3);     // still suspected
  s.span(monitor.id, begin, std::to_string(begin + 10 * minute), 1);
  s.span(monitor.id, begin + 10 * minute, std::to_string(begin + 13 * minute), 3);
  s.span(monitor.id, begin + 13 * minute, "NULL", 1);
  s.standing(monitor.id, 1, begin + 13 * minute, std::to_string(begin + 18 * minute));
  const auto report = [&] {
    return must(s.ledger.by_token(TokenKind::kReport, monitor.report_token, WallTime{0}, s.clock.at));
  };
  EXPECT_EQ(report().glitches_90d, 2);
  EXPECT_EQ(report().corrections, 0);
  s.database.sql("INSERT INTO corrections SELECT " + std::to_string(monitor.id.value) +
                 ", 1, n, 1, 1, 2, '[]', '[]' FROM generate_series(1, 3) n");
  s.database.sql("UPDATE standings SET pending_since = NULL");
  EXPECT_EQ(report().corrections, 3);
  EXPECT_EQ(report().glitches_90d, 3);
  EXPECT_EQ(must(s.ledger.by_token(TokenKind::kBadge, monitor.badge_token, WallTime{0}, s.clock.at)).glitches_90d,
            std::nullopt);
  s.clock.at = WallTime{kNoon + 91 * kDayMs};
  EXPECT_EQ(report().glitches_90d, 0);
}

// RULES B 5: a suspicion lasts as long as the patience needs, in lists, in filters and on public pages alike.
TEST_F(StoreTest, APatientMonitorsSuspicionIsNotCutShort) {
  MonitorDraft draft = draft_of("https://x.example/");
  draft.confirm = {10, 2, 1, {60, 0, 0, 0, 0}};  // nine re-checks, a minute apart
  const Monitor monitor = must(s.monitors.create(s.a, draft));
  const std::string id = to_string(monitor.id);
  const std::int64_t longest = horizon_of(60'000, 10'000, draft.confirm).count();
  ASSERT_GT(longest, 500'000);
  s.standing(monitor.id, 1, kNoon - 1000, std::to_string(kNoon));
  for (const auto& [after, state] : {std::pair{longest, State::kUp}, {longest + 1, State::kUnknown}}) {
    s.clock.at = WallTime{kNoon + after};
    s.mark(monitor.id, s.clock.at.ms);
    EXPECT_EQ(must(s.monitors.find(s.a, id)).state, state);
    MonitorQuery query;
    query.state = state;
    EXPECT_EQ(must(s.monitors.list(s.a, query)).monitors.size(), 1u);
    EXPECT_EQ(must(s.ledger.by_token(TokenKind::kBadge, monitor.badge_token, WallTime{0}, s.clock.at)).state, state);
  }
  draft = monitor, draft.confirm = {};
  must(s.monitors.update(s.a, id, draft, std::nullopt));  // impatient now: the same suspicion is too old
  s.clock.at = WallTime{kNoon + 100'001};
  s.mark(monitor.id, s.clock.at.ms);
  MonitorQuery query;
  query.state = State::kUnknown;
  EXPECT_EQ(must(s.monitors.list(s.a, query)).monitors.size(), 1u);
  EXPECT_EQ(must(s.ledger.ledgers(s.a, {monitor.id}, WallTime{0}, s.clock.at)).at(0).confirm, draft.confirm);
}

TEST_F(ListTest, FiltersNarrow) {
  const auto count = [&](auto set) {
    MonitorQuery query;
    set(query);
    return all(query).size();
  };
  EXPECT_EQ(count([](MonitorQuery& q) { q.tags = {"even"}; }), 12u);
  EXPECT_EQ(count([](MonitorQuery& q) { q.tags = {"even", "odd"}; }), 0u);
  EXPECT_EQ(count([](MonitorQuery& q) { q.kind = Kind::kHttp; }), 8u);
  EXPECT_EQ(count([](MonitorQuery& q) { q.paused = true; }), 1u);
  EXPECT_EQ(count([](MonitorQuery& q) { q.q = "X.EXAMPLE/2"; }), 4u);
  EXPECT_EQ(count([](MonitorQuery& q) { q.q = "%"; }), 0u);
  EXPECT_EQ(count([](MonitorQuery& q) { q.q = "foreign"; }), 0u);
}

TEST_F(ListTest, CursorsOfOthersAreRefused) {
  MonitorQuery query;
  query.limit = 5;
  const std::string cursor = *must(s.monitors.list(s.a, query)).next_cursor;
  for (const std::string& wrong : {std::string("x"), std::string("!!"), cursor.substr(1), std::string(5000, 'A')}) {
    query.cursor = wrong;
    const auto page = s.monitors.list(s.a, query);
    ASSERT_FALSE(page) << wrong;
    EXPECT_EQ(page.error().code, ErrorCode::kInvalid) << wrong;
  }
  query.cursor = cursor, query.sort = MonitorSort::kName;
  EXPECT_EQ(s.monitors.list(s.a, query).error().code, ErrorCode::kInvalid);
  query = {};
  for (const int limit : {0, 201, -1}) {
    query.limit = limit;
    EXPECT_EQ(s.monitors.list(s.a, query).error().code, ErrorCode::kInvalid);
  }
}

TEST_F(ListTest, ALastResultIsTheNewestThatRan) {
  s.partition(kNoon);
  s.partition(kNoon - kDayMs);
  s.result(ids[0], kNoon - 120'000);
  s.result(ids[0], kNoon - 60'000, 3, 20);
  s.result(ids[0], kNoon, 0, 1);  // missed
  s.result(ids[1], kNoon - kDayMs);
  MonitorQuery query;
  const auto views = all(query);
  ASSERT_TRUE(views[0].last_result);
  EXPECT_EQ(views[0].last_result->cause, Cause::kConnectRefused);
  EXPECT_EQ(views[0].last_checked_at->ms, kNoon - 60'000 + 12);
  EXPECT_EQ(views[1].last_result->slot_at.ms, kNoon - kDayMs);
  EXPECT_FALSE(views[2].last_result);
}

// ---- ledger
// ------------------------------------------------------------------------------------------------------------------------------------------

class LedgerTest : public StoreTest {
 protected:
  LedgerTest() {
    MonitorDraft draft = draft_of("https://x.example/");
    draft.confirm = {2, 4, 3, {5, 10, 20, 0, 0}};
    monitor = must(s.monitors.create(s.a, draft));
    id = to_string(monitor.id);
    for (int day = 0; day < 3; ++day) s.partition(kNoon - day * kDayMs);
    s.span(monitor.id, kNoon - 3000, std::to_string(kNoon - 2000), 1);
    s.span(monitor.id, kNoon - 2000, std::to_string(kNoon - 1000), 3);
    s.span(monitor.id, kNoon - 1000, "NULL", 1);
    s.standing(monitor.id, 1, kNoon - 1000, std::to_string(kNoon - 10));
    s.mark(monitor.id, kNoon - 5);
    s.database.sql("INSERT INTO gaps VALUES (" + std::to_string(monitor.id.value) + ",1,-1," +
                   std::to_string(kNoon - 900) + "," + std::to_string(kNoon - 800) + ",5,true),(0,1," +
                   std::to_string(shard_of(monitor.id)) + "," + std::to_string(kNoon - 700) + "," +
                   std::to_string(kNoon - 600) + ",5,true),(0,1," + std::to_string(shard_of(monitor.id)) + "," +
                   std::to_string(kNoon - 500) + "," + std::to_string(kNoon - 400) + ",2,false)");
  }
  Monitor monitor;
  std::string id;
};

TEST_F(LedgerTest, AnInputHoldsWhatAWindowNeeds) {
  must(s.monitors.set_paused(s.a, id, true));
  s.clock.at = WallTime{kNoon + 50};
  must(s.monitors.set_paused(s.a, id, false));
  const LedgerInput input = must(s.ledger.ledger(s.a, id, WallTime{kNoon - 1500}, s.clock.at));
  ASSERT_EQ(input.regions.size(), 1u);
  const auto& region = input.regions[0];
  ASSERT_EQ(region.spans.size(), 2u);
  EXPECT_EQ(region.spans[0].state, State::kDown);
  EXPECT_EQ(region.spans[1].span.to.ms, INT64_MAX);
  EXPECT_EQ(region.observed_through.ms, kNoon - 5);
  EXPECT_EQ(region.pending_since->ms, kNoon - 10);
  EXPECT_EQ(input.first_look->ms, kNoon - 3000);
  EXPECT_EQ(input.created_at.ms, kNoon);
  EXPECT_EQ(input.confirm, monitor.confirm);
  EXPECT_EQ(input.confirm.failures, 2);
  EXPECT_EQ(input.paused, (std::vector<Span>{{WallTime{kNoon}, WallTime{kNoon + 50}}}));
  EXPECT_EQ(input.blind, (std::vector<Span>{{WallTime{kNoon - 900}, WallTime{kNoon - 800}},
                                            {WallTime{kNoon - 700}, WallTime{kNoon - 600}}}));
}

TEST_F(LedgerTest, ATokenSeesTheSameLedger) {
  const LedgerInput mine = must(s.ledger.ledger(s.a, id, WallTime{0}, s.clock.at));
  for (const auto& [kind, token] :
       {std::pair{TokenKind::kBadge, monitor.badge_token}, {TokenKind::kReport, monitor.report_token}}) {
    const PublicLedger open = must(s.ledger.by_token(kind, token, WallTime{0}, s.clock.at));
    EXPECT_EQ(open.monitor.id, monitor.id);
    EXPECT_EQ(open.monitor.account, s.a);
    ASSERT_EQ(open.input.regions.size(), 1u);
    EXPECT_EQ(open.input.regions[0].spans, mine.regions[0].spans);
    EXPECT_EQ(open.input.blind, mine.blind);
    EXPECT_EQ(open.input.confirm, monitor.confirm);
    EXPECT_EQ(open.input.paused, mine.paused);
    EXPECT_EQ(open.input.timeout_ms, mine.timeout_ms);
    EXPECT_EQ(open.input.regions[0].observed_through, mine.regions[0].observed_through);
    EXPECT_EQ(open.input.first_look, mine.first_look);
    EXPECT_EQ(open.input.regions[0].pending_since, mine.regions[0].pending_since);
    EXPECT_EQ(open.state, State::kUp);
    EXPECT_EQ(open.suspect_since->ms, kNoon - 10);
  }
}

TEST_F(LedgerTest, ALinkSwitchedOffOrRotatedIsNotThere) {
  const auto by = [&](TokenKind kind, const std::string& token) {
    const auto open = s.ledger.by_token(kind, token, WallTime{0}, s.clock.at);
    return open ? ErrorCode::kInternal : open.error().code;
  };
  EXPECT_EQ(by(TokenKind::kReport, monitor.badge_token), ErrorCode::kNotFound);
  EXPECT_EQ(by(TokenKind::kBadge, monitor.report_token), ErrorCode::kNotFound);
  for (const char* token : {"", "'", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "%%%%%%%%%%%%%%%%%%%%%%%%%%"})
    EXPECT_EQ(by(TokenKind::kBadge, token), ErrorCode::kNotFound);
  MonitorDraft draft = monitor;
  draft.links.report = false;
  must(s.monitors.update(s.a, id, draft, std::nullopt));
  EXPECT_EQ(by(TokenKind::kReport, monitor.report_token), ErrorCode::kNotFound);
  EXPECT_EQ(
      must(s.ledger.by_token(TokenKind::kBadge, monitor.badge_token, WallTime{0}, s.clock.at)).monitor.report_token,
      "");
  must(s.monitors.rotate_tokens(s.a, id, true, true));
  EXPECT_EQ(by(TokenKind::kBadge, monitor.badge_token), ErrorCode::kNotFound);
}

TEST_F(LedgerTest, ResultsComeNewestFirstPageByPage) {
  std::vector<std::int64_t> slots;
  for (int i = 0; i < 40; ++i) slots.push_back(kNoon - 2 * kDayMs + i * 4'000'000LL);
  for (const std::int64_t slot : slots) s.result(monitor.id, slot);
  s.result(monitor.id, slots[7], 3, 20, 1);
  ResultsQuery query;
  query.limit = 7;
  std::vector<ResultRow> rows;
  for (int pages = 0; pages < 20; ++pages) {
    ResultsPage page = must(s.ledger.results(s.a, id, query));
    for (auto& row : page.rows) rows.push_back(std::move(row));
    if (!page.next_cursor) break;
    query.cursor = *page.next_cursor;
  }
  ASSERT_EQ(rows.size(), 41u);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end(), [](const ResultRow& x, const ResultRow& y) {
    return std::pair(x.slot_at, x.look) > std::pair(y.slot_at, y.look);
  }));
  EXPECT_EQ(rows[0].timings, (Timings{1, 2, 3, 4, 5, 15000}));
  EXPECT_EQ(rows[0].started_at.ms, rows[0].slot_at.ms + 12);
  query = {};
  query.from = WallTime{slots[10]}, query.to = WallTime{slots[20]};
  EXPECT_EQ(must(s.ledger.results(s.a, id, query)).rows.size(), 10u);
  for (const char* cursor : {"x", "AUE", "!!!!"}) {
    query.cursor = cursor;
    EXPECT_EQ(s.ledger.results(s.a, id, query).error().code, ErrorCode::kInvalid);
  }
  const auto key = result_key(result_id(rows[3]));
  ASSERT_TRUE(key);
  EXPECT_EQ(must(s.ledger.result(s.a, id, *key)).slot_at, rows[3].slot_at);
  EXPECT_FALSE(result_key("res_x"));
  EXPECT_EQ(must(s.ledger.latencies(s.a, id, {WallTime{0}, WallTime{kNoon}})).size(), 41u);
  EXPECT_EQ(must(s.ledger.latencies_by_token(TokenKind::kReport, monitor.report_token, {WallTime{0}, WallTime{kNoon}}))
                .size(),
            41u);
}

// What lies far before the shard's mark is found too, and a page may begin on either side.
TEST_F(LedgerTest, OldResultsAreFoundBehindTheRecentOnes) {
  for (const int days : {0, 1, 5, 6, 30}) {
    s.partition(kNoon - days * kDayMs);
    s.result(monitor.id, kNoon - days * kDayMs);
  }
  for (const int limit : {1, 2, 3, 5}) {
    ResultsQuery query;
    query.limit = limit;
    std::vector<std::int64_t> days;
    do {
      const ResultsPage page = must(s.ledger.results(s.a, id, query));
      for (const auto& row : page.rows) days.push_back((kNoon - row.slot_at.ms) / kDayMs);
      query.cursor = page.next_cursor.value_or("");
    } while (!query.cursor.empty() && days.size() < 9);
    EXPECT_EQ(days, (std::vector<std::int64_t>{0, 1, 5, 6, 30})) << limit;
  }
  s.database.sql("DELETE FROM results WHERE slot_at > " + std::to_string(kNoon - 20 * kDayMs));
  EXPECT_EQ(must(s.monitors.find(s.a, id)).last_checked_at->ms, kNoon - 30 * kDayMs + 12);
  EXPECT_EQ(
      must(s.ledger.by_token(TokenKind::kBadge, monitor.badge_token, WallTime{0}, s.clock.at)).last_checked_at->ms,
      kNoon - 30 * kDayMs + 12);
}

TEST_F(LedgerTest, EvidenceComesWhenAskedFor) {
  s.result(monitor.id, kNoon, 3, 20);
  s.result(monitor.id, kNoon - 60'000);
  s.database.sql("INSERT INTO evidence VALUES (" + std::to_string(monitor.id.value) + ",1," + std::to_string(kNoon) +
                 ",0,'{\"head\":\"x\"}')");
  ResultsQuery query;
  EXPECT_FALSE(must(s.ledger.results(s.a, id, query)).rows[0].evidence);
  query.evidence = true;
  const auto page = must(s.ledger.results(s.a, id, query));
  EXPECT_EQ(*page.rows[0].evidence, "{\"head\": \"x\"}");
  EXPECT_FALSE(page.rows[1].evidence);
}

TEST_F(LedgerTest, ManyAtOnceComeInTheOrderAsked) {
  const Monitor second = must(s.monitors.create(s.a, draft_of("https://y.example/")));
  const Monitor foreign = must(s.monitors.create(s.b, draft_of("https://z.example/")));
  const auto list = must(s.ledger.ledgers(s.a, {second.id, foreign.id, monitor.id}, WallTime{0}, s.clock.at));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, second.id);
  EXPECT_EQ(list[1].id, monitor.id);
  EXPECT_EQ(list[1].regions[0].spans.size(), 3u);
}

// ---- commands and idempotency
// ---------------------------------------------------------------------------------------------------------------------------

TEST_F(StoreTest, OneCheckInTenSeconds) {
  const Monitor made = must(s.monitors.create(s.a, draft_of("https://x.example/")));
  const std::string id = to_string(made.id);
  const CommandId command = must(s.commands.check_now(s.a, id));
  EXPECT_FALSE(must(s.commands.state(s.a, id, command)).taken);
  s.clock.at = WallTime{kNoon + 9'001};
  const auto early = s.commands.check_now(s.a, id);
  EXPECT_EQ(early.error().code, ErrorCode::kExhausted);
  EXPECT_NE(early.error().what.find("1 s"), std::string::npos);
  s.clock.at = WallTime{kNoon + 10'001};
  must(s.commands.check_now(s.a, id));
  s.database.sql("UPDATE commands SET taken_at = 1, done_at = 2, slot_at = 60000, look = 100");
  const CommandState state = must(s.commands.state(s.a, id, command));
  EXPECT_TRUE(state.done);
  EXPECT_EQ(state.result->look, 100);
  EXPECT_EQ(s.commands.check_now(s.b, id).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(s.commands.state(s.b, id, command).error().code, ErrorCode::kNotFound);
  must(s.monitors.set_paused(s.a, id, true));
  EXPECT_EQ(s.commands.check_now(s.a, id).error().code, ErrorCode::kConflict);
}

TEST_F(StoreTest, AnIdempotencyKeyAnswersOnce) {
  using Kind = IdempotencyAnswer::Kind;
  const auto begin = [&](AccountId account, const char* route, const char* hash) {
    return must(s.idempotency.begin(account, "k", route, hash));
  };
  EXPECT_EQ(begin(s.a, "r", "h").kind, Kind::kFirst);
  EXPECT_EQ(begin(s.a, "r", "h").kind, Kind::kInProgress);
  EXPECT_EQ(begin(s.b, "r", "h").kind, Kind::kFirst);  // another account's key is another key
  ASSERT_TRUE(s.idempotency.finish(s.a, "k", 201, "{\"id\":1}"));
  const auto replay = begin(s.a, "r", "h");
  EXPECT_EQ(replay.kind, Kind::kReplay);
  EXPECT_EQ(replay.status, 201);
  EXPECT_EQ(replay.response, "{\"id\":1}");
  EXPECT_EQ(begin(s.a, "r", "other").kind, Kind::kMismatch);
  EXPECT_EQ(begin(s.a, "q", "h").kind, Kind::kMismatch);
  ASSERT_TRUE(s.idempotency.abandon(s.b, "k"));
  EXPECT_EQ(begin(s.b, "r", "h2").kind, Kind::kFirst);
  s.clock.at = WallTime{kNoon + 60'001};
  EXPECT_EQ(begin(s.b, "r", "h3").kind, Kind::kFirst);  // its first owner died
  s.clock.at = WallTime{kNoon + 86'400'001};
  EXPECT_EQ(must(s.idempotency.sweep(s.a)), 1);
  EXPECT_EQ(begin(s.a, "r", "other").kind, Kind::kFirst);
  EXPECT_EQ(s.idempotency.begin(s.a, "", "r", "h").error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace everup::db
