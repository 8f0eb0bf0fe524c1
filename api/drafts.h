// From a request body to a valid monitor draft, or the answer that names everything wrong with it. Any thread but where
// a declaration says otherwise.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "api/house.h"
#include "core/monitor.h"

namespace everup::api {

// Ranges, grammar, patterns, time zone, address policy. `prefix` ("#/monitors/17") goes before each pointer.
FieldErrors judge_draft(const House& house, const MonitorDraft& draft, std::string_view prefix = "#");
std::variant<MonitorDraft, HttpResponse> read_draft(Call& call);
std::variant<std::vector<MonitorDraft>, HttpResponse> read_bulk(Call& call);

// The name whose addresses a look will connect to. None: an address literal, or a kind that connects elsewhere (dns
// asks its servers, a mail domain's MX hosts are found first, a heartbeat connects to nobody).
std::optional<NameGate::Name> name_of(const MonitorDraft& draft);
// The field errors of `drafts` whose names are refused; pointers as judge_draft makes them, "#/monitors/N/target" for a
// bulk. `done` runs on the loop, once, as this must.
void judge_names(House& house, const std::vector<MonitorDraft>& drafts, bool bulk,
                 std::function<void(FieldErrors&&)> done);
// Answers 422 when a name among `drafts` is refused; else `then` runs on a handler thread with what the call was (it is
// moved out of `call`). Without names to judge `then` runs here and now.
Answer when_names_pass(Call& call, std::vector<MonitorDraft> drafts, bool bulk,
                       std::function<HttpResponse(Call&, const std::vector<MonitorDraft>&)> then);
// 400 for text that is no JSON, else 422.
HttpResponse bad_body(const FieldErrors& errors, bool syntax);

}  // namespace everup::api
