// See status_page_store.h.
#include "db/status_page_store.h"

#include <algorithm>
#include <map>
#include <pqxx/pqxx>

#include "db/rows.h"
#include "db/sql_values.h"
#include "db/status_page_json.h"

namespace everup::db {
namespace {

constexpr milliseconds kDeadline{2000};
constexpr const char* kColumns =
    "SELECT id, account_id, slug, domain, published, settings, password_hash, revision, created_at, updated_at ";

Error no_such_page() { return {ErrorCode::kNotFound, "status page: there is no such page"}; }

Result<StatusPage> page_in(const pqxx::row& row) {
  auto draft = status_page_of(row["settings"].c_str());
  if (!draft) return draft.error();
  StatusPage out;
  static_cast<StatusPageDraft&>(out) = *std::move(draft);
  out.id = StatusPageId{row["id"].as<std::int64_t>()};
  out.account = AccountId{row["account_id"].as<std::int64_t>()};
  if (!row["password_hash"].is_null()) out.password_hash = row["password_hash"].c_str();
  out.revision = row["revision"].as<std::int32_t>();
  out.created_at.ms = row["created_at"].as<std::int64_t>();
  out.updated_at.ms = row["updated_at"].as<std::int64_t>();
  return out;
}

Result<StatusPage> held(pqxx::transaction_base& tx, AccountId account, std::string_view id, const char* lock) {
  const bool by_slug = id.starts_with("slug:");
  const auto number = by_slug ? std::nullopt : parse_id<StatusPageTag>(id);
  if (!by_slug && !number) return no_such_page();
  const auto rows = tx.exec_params(std::string(kColumns) + "FROM status_pages WHERE account_id = $1 AND " +
                                       (by_slug ? "slug = $2" : "id = $2::bigint") + lock,
                                   account.value, by_slug ? std::string(id.substr(5)) : std::to_string(number->value));
  if (rows.empty()) return no_such_page();
  return page_in(rows[0]);
}

Status check_revision(const StatusPage& page, std::optional<std::int32_t> expected) {
  if (!expected || *expected == page.revision) return ok();
  return Error{ErrorCode::kConflict, "status page: it is at revision " + std::to_string(page.revision) + " now, not " +
                                         std::to_string(*expected) + "; read it again"};
}

// Slugs become ids; `ids` gets them in the order of the page.
Status resolve(pqxx::transaction_base& tx, AccountId account, StatusPageDraft& draft, std::vector<std::int64_t>& ids) {
  for (std::size_t g = 0; g < draft.groups.size(); ++g) {
    for (std::size_t m = 0; m < draft.groups[g].monitors.size(); ++m) {
      std::string& monitor = draft.groups[g].monitors[m].monitor;
      const std::string at = "#/groups/" + std::to_string(g) + "/monitors/" + std::to_string(m);
      const auto name = monitor_name(monitor);
      pqxx::result found;
      if (name) {
        found =
            tx.exec_params(std::string("SELECT id FROM monitors WHERE account_id = $1 AND deleted_at IS NULL AND ") +
                               (name->id != 0 ? "id = $2::bigint" : "slug = $2"),
                           account.value, name->id != 0 ? std::to_string(name->id) : name->slug);
      }
      if (found.empty()) return Error{ErrorCode::kInvalid, at + ": there is no such monitor"};
      ids.push_back(found[0][0].as<std::int64_t>());
      if (std::count(ids.begin(), ids.end(), ids.back()) > 1)
        return Error{ErrorCode::kInvalid, at + ": this monitor is on the page already"};
      monitor = to_string(MonitorId{ids.back()});
    }
  }
  return ok();
}

// Another page's address is told as the field that names it.
Error told(const Error& error) {
  if (Pool::last_failure().concerns("status_pages_slug"))
    return {ErrorCode::kInvalid, "#/slug: another page has this address"};
  if (Pool::last_failure().concerns("status_pages_domain"))
    return {ErrorCode::kInvalid, "#/domain: another page has this name"};
  return error;
}

std::optional<std::string> or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

// Monitors that are gone stay in the settings until they are edited away: they cannot be resolved any more.
void drop_gone(pqxx::transaction_base& tx, AccountId account, StatusPageDraft& draft) {
  std::vector<std::int64_t> ids;
  for (const auto& group : draft.groups) {
    for (const auto& one : group.monitors) ids.push_back(parse_id<MonitorTag>(one.monitor).value_or(MonitorId{}).value);
  }
  std::vector<std::string> there;
  for (const auto& row : tx.exec_params("SELECT id FROM monitors WHERE account_id = $1 AND deleted_at IS NULL AND "
                                        "id = ANY ($2::bigint[])",
                                        account.value, array_of(ids)))
    there.push_back(to_string(MonitorId{row[0].as<std::int64_t>()}));
  for (auto& group : draft.groups) {
    std::erase_if(group.monitors, [&](const StatusPageMonitor& one) {
      return std::find(there.begin(), there.end(), one.monitor) == there.end();
    });
  }
}

void add_updates(pqxx::transaction_base& tx, StatusPageId page, std::vector<PublicIncident>& incidents) {
  std::vector<std::int64_t> monitors, versions;
  std::map<IncidentKey, PublicIncident*> by_key;
  for (PublicIncident& one : incidents) {
    monitors.push_back(one.key.monitor.value), versions.push_back(one.key.version);
    by_key[one.key] = &one;
  }
  if (incidents.empty()) return;
  for (const auto& row : tx.exec_params(
           "SELECT monitor, version, id, at, words, stage FROM public_status_updates($1, $2, $3::integer[], $4)",
           page.value, array_of(monitors), array_of(versions), StatusPageStore::kUpdatesMax)) {
    const IncidentKey key{MonitorId{row[0].as<std::int64_t>()}, row[1].as<std::int32_t>()};
    by_key.at(key)->updates.push_back(
        {row[2].as<std::int64_t>(), WallTime{row[3].as<std::int64_t>()}, row[4].as<std::string>(),
         row[5].is_null() ? IncidentStage::kNone : static_cast<IncidentStage>(row[5].as<int>())});
  }
}

// PostgreSQL's text of an array of numbers: {1,2,3}.
std::vector<MonitorId> monitors_in(const pqxx::field& field) {
  std::vector<MonitorId> out;
  std::int64_t value = 0;
  bool inside = false;
  for (const char c : std::string_view(field.c_str())) {
    if (c >= '0' && c <= '9') {
      value = value * 10 + (c - '0');
      inside = true;
    } else if (inside) {
      out.push_back(MonitorId{std::exchange(value, 0)});
      inside = false;
    }
  }
  return out;
}

}  // namespace

StatusPageStore::StatusPageStore(Pool& api_pool, Pool& public_pool, IdSource& ids, const Clock& clock)
    : api_(api_pool), public_(public_pool), ids_(ids), clock_(clock) {}

Result<StatusPage> StatusPageStore::create(AccountId account, const StatusPageDraft& draft,
                                           const std::string& password_hash) {
  const auto id = ids_.next();
  if (!id) return id.error();
  StatusPage page;
  const Status status = api_.as_account(account, kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    static_cast<StatusPageDraft&>(page) = draft;
    page.id = StatusPageId{*id}, page.account = account, page.password_hash = password_hash;
    page.created_at = page.updated_at = clock_.now().wall;
    if (tx.exec_params1("SELECT count(*) FROM status_pages WHERE account_id = $1", account.value)[0].as<int>() >=
        kPagesMax)
      return Error{ErrorCode::kExhausted, "status page: an account has at most 50"};
    std::vector<std::int64_t> monitors;
    if (Status found = resolve(tx, account, page, monitors); !found) return found;
    tx.exec_params(
        "INSERT INTO status_pages (id, account_id, slug, domain, published, settings, monitors, password_hash, "
        "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::bigint[], $8, $9, $9)",
        page.id.value, account.value, page.slug, or_null(page.domain), page.published, status_page_settings(page),
        array_of(monitors), or_null(page.password_hash), page.created_at.ms);
    return ok();
  });
  if (!status) return told(status.error());
  return page;
}

Result<StatusPage> StatusPageStore::find(AccountId account, std::string_view id) {
  Result<StatusPage> out = no_such_page();
  const Status status = api_.as_account(account, kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    out = held(tx, account, id, "");
    if (!out) return out.error();
    drop_gone(tx, account, *out);
    return ok();
  });
  if (!status) return status.error();
  return out;
}

Result<std::vector<StatusPage>> StatusPageStore::list(AccountId account) {
  std::vector<StatusPage> pages;
  const Status status = api_.as_account(account, kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    pages.clear();
    for (const auto& row :
         tx.exec_params(std::string(kColumns) + "FROM status_pages WHERE account_id = $1 ORDER BY id LIMIT $2",
                        account.value, kPagesMax)) {
      auto page = page_in(row);
      if (!page) return page.error();
      drop_gone(tx, account, *page);
      pages.push_back(*std::move(page));
    }
    return ok();
  });
  if (!status) return status.error();
  return pages;
}

Result<StatusPage> StatusPageStore::update(AccountId account, std::string_view id, const StatusPageDraft& draft,
                                           const std::optional<std::string>& password_hash, std::int32_t expected) {
  StatusPage page;
  const Status status = api_.as_account(account, kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    auto found = held(tx, account, id, " FOR UPDATE");
    if (!found) return found.error();
    page = *std::move(found);
    if (Status same = check_revision(page, expected); !same) return same;
    static_cast<StatusPageDraft&>(page) = draft;
    if (password_hash) page.password_hash = *password_hash;
    std::vector<std::int64_t> monitors;
    if (Status known = resolve(tx, account, page, monitors); !known) return known;
    page.revision += 1, page.updated_at = clock_.now().wall;
    tx.exec_params(
        "UPDATE status_pages SET slug = $3, domain = $4, published = $5, settings = $6::jsonb, monitors = "
        "$7::bigint[], password_hash = $8, revision = $9, updated_at = $10 WHERE account_id = $1 AND id = $2",
        account.value, page.id.value, page.slug, or_null(page.domain), page.published, status_page_settings(page),
        array_of(monitors), or_null(page.password_hash), page.revision, page.updated_at.ms);
    return ok();
  });
  if (!status) return told(status.error());
  return page;
}

Status StatusPageStore::remove(AccountId account, std::string_view id, std::optional<std::int32_t> expected) {
  return api_.as_account(account, kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto found = held(tx, account, id, " FOR UPDATE");
    if (!found) return found.error();
    if (Status same = check_revision(*found, expected); !same) return same;
    tx.exec_params("DELETE FROM status_pages WHERE account_id = $1 AND id = $2", account.value, found->id.value);
    return ok();
  });
}

Result<StatusPage> StatusPageStore::public_page(const std::string& slug, const std::string& domain) {
  Result<StatusPage> out = no_such_page();
  const Status status = public_.run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    const auto rows = tx.exec_params(std::string(kColumns) + "FROM public_status_page($1, $2)", slug, domain);
    out = rows.empty() ? Result<StatusPage>(no_such_page()) : page_in(rows[0]);
    return out ? ok() : Status(out.error());
  });
  if (!status) return status.error();
  return out;
}

Result<StatusPage> StatusPageStore::published(std::string_view slug) { return public_page(std::string(slug), ""); }
Result<StatusPage> StatusPageStore::published_at(std::string_view domain) {
  return domain.empty() ? Result<StatusPage>(no_such_page()) : public_page("", std::string(domain));
}

Result<std::vector<PublicIncident>> StatusPageStore::read_incidents(StatusPageId page, Span span,
                                                                    const IncidentKey& only) {
  std::vector<PublicIncident> out;
  const Status status = public_.run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    out.clear();
    for (const auto& row :
         tx.exec_params("SELECT monitor, version, started_at, confirmed_at, ended_at, cause, acknowledged_at FROM "
                        "public_status_incidents($1, $2, $3, $4, $5, $6)",
                        page.value, span.from.ms, span.to.ms, only.monitor.value, only.version, kIncidentsMax)) {
      PublicIncident one;
      one.key = {MonitorId{row[0].as<std::int64_t>()}, row[1].as<std::int32_t>()};
      one.started_at = WallTime{row[2].as<std::int64_t>()}, one.confirmed_at = WallTime{row[3].as<std::int64_t>()};
      one.ended_at = time_in(row[4]), one.acknowledged_at = time_in(row[6]);
      one.cause = static_cast<std::int16_t>(row[5].as<int>());
      out.push_back(std::move(one));
    }
    add_updates(tx, page, out);
    return ok();
  });
  if (!status) return status.error();
  return out;
}

Result<std::vector<PublicIncident>> StatusPageStore::incidents(StatusPageId page, Span span) {
  return read_incidents(page, span, {});
}

Result<PublicIncident> StatusPageStore::incident(StatusPageId page, const IncidentKey& key) {
  auto found = read_incidents(page, {}, key);
  if (!found) return found.error();
  if (found->empty()) return Error{ErrorCode::kNotFound, "status page: it shows no such incident"};
  return std::move(found->front());
}

Result<std::vector<PublicWindow>> StatusPageStore::windows(StatusPageId page, Span span) {
  std::vector<PublicWindow> out;
  const Status status = public_.run(kDeadline, [&](pqxx::transaction_base& tx) -> Status {
    out.clear();
    for (const auto& row :
         tx.exec_params("SELECT window_id, version, name, from_at, to_at, created_at, saved_at, monitors FROM "
                        "public_status_windows($1, $2, $3, $4)",
                        page.value, span.from.ms, span.to.ms, kWindowsMax)) {
      PublicWindow one;
      one.window = row[0].as<std::int64_t>(), one.version = row[1].as<std::int32_t>();
      one.name = row[2].as<std::string>();
      one.span = {WallTime{row[3].as<std::int64_t>()}, WallTime{row[4].as<std::int64_t>()}};
      one.created_at = WallTime{row[5].as<std::int64_t>()}, one.saved_at = WallTime{row[6].as<std::int64_t>()};
      one.monitors = monitors_in(row[7]);
      out.push_back(std::move(one));
    }
    return ok();
  });
  if (!status) return status.error();
  return out;
}

}  // namespace everup::db
