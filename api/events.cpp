// GET /events: the account's changes of state as they are settled, as server-sent events or by long poll (SHAPES 30).
// What the reader missed comes from the database, what follows from the hub.
#include <algorithm>

#include "api/event_hub.h"
#include "api/house.h"
#include "api/parameters.h"
#include "api/problem.h"
#include "net/loop.h"

namespace everup::api {
namespace {

constexpr std::int64_t kWaitMaxS = 50;

// Where the reader stands: Last-Event-ID, else `after`; nullopt: now.
std::optional<db::FlipCursor> cursor_of(const Call& call, Parameters& parameters) {
  const std::string* last = call.request->find("last-event-id");
  const std::string* after = call.parameter("after");
  const std::string* text = last != nullptr && !last->empty() ? last : after;
  if (text == nullptr) return std::nullopt;
  const auto cursor = db::parse_flip_cursor(*text);
  if (!cursor) parameters.wrong("after", "bad_cursor", "is the id of an event, or next_cursor of the answer before");
  return cursor;
}

struct Reader {
  House* house = nullptr;
  AccountId account;
  db::FlipCursor from;                // what follows this is for him, from the hub
  std::vector<db::FlipEvent> missed;  // up to there
  bool cut = false;                   // and more than is told at once
};

HttpResponse stream_for(const Reader& reader) {
  StreamPlan plan;
  plan.ping = ": ping\n\n";
  plan.farewell = "event: restart\ndata: {}\n\n";
  plan.begin = [hub = reader.house->events, account = reader.account,
                from = reader.from](std::shared_ptr<Subscription> to) { hub->listen(account, from, std::move(to)); };
  HttpResponse response = stream_answer("text/event-stream", std::move(plan));
  response.body = "retry: 3000\n";
  if (reader.cut) {
    response.body += "\nevent: reset\ndata: {}\n\n";
  } else {
    for (const db::FlipEvent& flip : reader.missed)
      response.body += event_frame(db::to_string(flip.cursor), "state", flip_json(flip));
  }
  // An id alone is no event, but a reader who loses his connection comes back with it.
  response.body += "id: " + db::to_string(reader.from) + "\n\n";
  return response;
}

HttpResponse poll_for(const Reader& reader, std::int64_t wait_s) {
  std::vector<std::string> events;
  for (const db::FlipEvent& flip : reader.missed) events.push_back(flip_json(flip));
  if (!events.empty() || wait_s == 0)
    return json_answer(poll_json(events, reader.cut ? reader.missed.back().cursor : reader.from));
  StreamPlan plan;
  plan.begin = [house = reader.house, account = reader.account, from = reader.from,
                wait_s](std::shared_ptr<Subscription> to) {
    const Instant now = house->options.clock->now().mono;
    house->events->poll(account, from, now + milliseconds(wait_s * 1000), std::move(to));
  };
  return stream_answer("application/json", std::move(plan));
}

}  // namespace

Answer list_events(Call& call) {
  Parameters parameters(call);
  const auto after = cursor_of(call, parameters);
  const std::int64_t wait_s = parameters.integer("wait", 0, 0, kWaitMaxS);
  if (!parameters.ok()) return invalid_fields(parameters.errors());
  House& house = *call.house;
  if (house.events == nullptr) return problem(503, "unavailable", "this process has no feed of events");
  if (house.events->crowded(call.caller->account))
    return problem(503, "overloaded", "too many clients of this account listen already");
  const auto position = house.events->position();
  if (!position) return problem(503, "unavailable", "the feed of events has not begun yet");
  Reader reader{&house, call.caller->account, *position, {}, false};
  if (after && *after < *position) {
    auto missed = house.options.flips->since(reader.account, *after, *position);
    if (!missed.ok()) return failed(call, missed.error());
    reader.missed = *std::move(missed);
    reader.cut = reader.missed.size() >= static_cast<std::size_t>(db::FlipFeed::kSinceMax);
  }
  return call.parameter("wait") != nullptr ? poll_for(reader, wait_s) : stream_for(reader);
}

}  // namespace everup::api
