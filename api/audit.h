// Who changed what: every unsafe request of a known caller that succeeds leaves a row in the account's audit log. The
// dispatcher asks for it, so a new route cannot forget it. What the object was before comes from the GET of the same
// path; what it is after, from the answer. Secrets, and what changes by itself (state, last result), are left out; of
// two versions only the fields that differ are kept.
//
// Any handler thread. Weakness: the row is written after the change, in a transaction of its own; a crash in between
// loses it, and a change of several objects (bulk) is one row.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/routes.h"
#include "db/member_store.h"

namespace everup::api {

// Does a request by this route change something that others of the account should be able to see?
bool is_audited(const Route& route);
// The GET of the object that `route` changes; null: there is none.
const Route* reader_of(const Route& route);
// The row without its ids: actor, action, object, network.
db::AuditRow audit_row(const Call& call, const Route& route, std::string_view path);
// `before` and `after` as they are kept: both cut to what differs. Text that is no JSON object becomes empty. Pure
// (audit_json.cpp).
void keep_difference(std::string* before, std::string* after);
// The "id" of a JSON object; "" when there is none.
std::string id_in(std::string_view json);

}  // namespace everup::api
