// /api/v1/channels and /api/v1/alert_policies: where people are told, and who is told what. A test of a channel is a
// delivery like any other: it is answered with its proof when that comes within 10 s, else with 202 and where to look.
#include <algorithm>
#include <memory>

#include "api/alert_views.h"
#include "api/drafts.h"
#include "api/house.h"
#include "api/json_text.h"
#include "api/parameters.h"
#include "api/problem.h"
#include "api/views.h"
#include "db/alert_store.h"
#include "db/channel_json.h"
#include "db/incident_store.h"
#include "net/loop.h"

namespace everup::api {
namespace {

constexpr milliseconds kAskEvery{200};
constexpr milliseconds kTestPatience{10'000};

using Reply = std::function<void(HttpResponse&&)>;

HttpResponse not_found() { return problem(404, "not_found", "no such object"); }

HttpResponse changed_meanwhile() {
  return problem(412, "precondition_failed", "If-Match names another revision than the stored one");
}

HttpResponse no_content() {
  HttpResponse response;
  response.status = 204;
  return response;
}

// "#/steps: there is no channel …" of a store becomes a field error.
HttpResponse store_failure(const Call& call, const Error& error) {
  const auto colon = error.what.find(": ");
  if (error.code == ErrorCode::kInvalid && error.what.starts_with("#/") && colon != std::string::npos)
    return invalid_fields({{error.what.substr(0, colon), "not_found", error.what.substr(colon + 2)}});
  if (error.code == ErrorCode::kExhausted) return problem(409, "conflict", error.what);
  return failed(call, error);
}

HttpResponse list_answer(std::string data) {
  JsonWriter out = JsonWriter::object();
  out.field_raw("data", data).key("next_cursor").null();
  return json_answer(std::move(out).take());
}

// Of a draft that is right in itself.
FieldErrors judge(const House& house, const db::ChannelDraft& draft) {
  FieldErrors errors;
  if (house.options.zones->find(draft.settings.timezone) == nullptr)
    errors.push_back({"#/timezone", "unknown_timezone", "is an IANA name like Europe/Prague"});
  return errors;
}

HttpResponse channel_answer(const db::StoredChannel& channel, int status = 200) {
  HttpResponse response = json_answer(channel_json(channel, status == 201), status);
  response.etag = revision_etag(channel.revision, response.body);
  if (status == 201) {
    response.set("Location", "/api/v1/channels/" + to_string(channel.draft.settings.id));
    response.set("Cache-Control", "no-store");
  }
  return response;
}

HttpResponse policy_answer(const db::StoredPolicy& policy, int status = 200) {
  HttpResponse response = json_answer(policy_json(policy), status);
  response.etag = revision_etag(policy.revision, response.body);
  if (status == 201) response.set("Location", "/api/v1/alert_policies/" + to_string(policy.id));
  return response;
}

// A test on its way: its row is looked at from the loop's timer, each time on a handler thread.
struct TestWait : std::enable_shared_from_this<TestWait> {
  Call call;  // request pointer is not used after the handler
  db::DeliveryQuery query;
  net::Loop* loop = nullptr;
  Reply reply;
  Instant deadline;

  HttpResponse accepted() const {
    JsonWriter out = JsonWriter::object();
    out.field("delivery", db::delivery_id(*query.only)).field("state", "pending");
    return json_answer(std::move(out).take(), 202);
  }
  void wait() {
    loop->at(loop->now().mono + kAskEvery, [self = shared_from_this()] { self->poll(); });
  }
  void poll() {
    auto self = shared_from_this();
    const bool taken = call.house->on_pool([self] { self->look(); }, [self] { self->again(); });
    if (!taken) again();
  }
  // Any thread.
  void again() {
    auto self = shared_from_this();
    const bool posted = loop->post([self] {
      if (self->loop->now().mono >= self->deadline) return self->reply(self->accepted());
      self->wait();
    });
    if (!posted) reply(accepted());
  }
  void look() {
    const auto page = call.house->incidents().deliveries(account(call), query);
    const bool done =
        page.ok() && !page->deliveries.empty() &&
        (page->deliveries[0].state != db::DeliveryState::kPending || !page->deliveries[0].attempts.empty());
    if (done) return reply(json_answer(delivery_json(page->deliveries[0])));
    again();
  }
};

}  // namespace

// ---- channels
// ------------------------------------------------------------------------------------------------------------------------

Answer list_channels(Call& call) {
  const auto channels = call.house->alerts().channels(account(call));
  if (!channels.ok()) return failed(call, channels.error());
  JsonWriter data = JsonWriter::array();
  for (const auto& channel : *channels) data.raw(channel_json(channel));
  return list_answer(std::move(data).take());
}

Answer create_channel(Call& call) {
  auto parsed = db::parse_channel(call.body);
  if (!parsed.ok()) return bad_body(parsed.errors, parsed.syntax);
  if (const FieldErrors errors = judge(*call.house, parsed.value); !errors.empty()) return invalid_fields(errors);
  const auto made = call.house->alerts().create_channel(account(call), std::move(parsed.value));
  return made.ok() ? channel_answer(*made, 201) : store_failure(call, made.error());
}

Answer get_channel(Call& call) {
  const auto id = parse_id<ChannelTag>(call.path[0]);
  if (!id) return not_found();
  const auto channel = call.house->alerts().channel(account(call), *id);
  return channel.ok() ? channel_answer(*channel) : failed(call, channel.error());
}

Answer patch_channel(Call& call) {
  const auto id = parse_id<ChannelTag>(call.path[0]);
  if (!id) return not_found();
  const auto stored = call.house->alerts().channel(account(call), *id);
  if (!stored.ok()) return failed(call, stored.error());
  const std::string* if_match = call.request->find("if-match");
  if (if_match != nullptr && !if_match_fits(*if_match, stored->revision)) return changed_meanwhile();
  auto patched = db::patch_channel(stored->draft, call.body);
  if (!patched.ok()) return bad_body(patched.errors, patched.syntax);
  if (const FieldErrors errors = judge(*call.house, patched.value); !errors.empty()) return invalid_fields(errors);
  const auto updated =
      call.house->alerts().update_channel(account(call), *id, std::move(patched.value), stored->revision);
  if (updated.ok()) return channel_answer(*updated);
  if (if_match != nullptr && updated.error().code == ErrorCode::kConflict) return changed_meanwhile();
  return failed(call, updated.error());
}

Answer delete_channel(Call& call) {
  const auto id = parse_id<ChannelTag>(call.path[0]);
  if (!id) return not_found();
  const Status removed = call.house->alerts().remove_channel(account(call), *id);
  return removed.ok() ? no_content() : failed(call, removed.error());
}

Answer test_channel(Call& call) {
  const auto id = parse_id<ChannelTag>(call.path[0]);
  if (!id) return not_found();
  const auto delivery = call.house->alerts().test_channel(account(call), *id);
  if (!delivery.ok()) {
    if (delivery.error().code != ErrorCode::kExhausted) return failed(call, delivery.error());
    HttpResponse response = problem(429, "check_too_soon", "this channel was tested less than 10 s ago");
    response.set("Retry-After", "10");
    return response;
  }
  auto wait = std::make_shared<TestWait>();
  wait->call = call;
  wait->query.only = *delivery;
  return Later{[wait](net::Loop& loop, Reply reply) {
    wait->loop = &loop;
    wait->reply = std::move(reply);
    wait->deadline = loop.now().mono + kTestPatience;
    wait->wait();
  }};
}

// ---- policies
// ------------------------------------------------------------------------------------------------------------------------

Answer list_policies(Call& call) {
  const auto policies = call.house->alerts().policies(account(call));
  if (!policies.ok()) return failed(call, policies.error());
  JsonWriter data = JsonWriter::array();
  for (const auto& policy : *policies) data.raw(policy_json(policy));
  return list_answer(std::move(data).take());
}

Answer create_policy(Call& call) {
  const auto parsed = db::parse_policy(call.body);
  if (!parsed.ok()) return bad_body(parsed.errors, parsed.syntax);
  const auto made = call.house->alerts().create_policy(account(call), parsed.value);
  return made.ok() ? policy_answer(*made, 201) : store_failure(call, made.error());
}

Answer get_policy(Call& call) {
  const auto id = parse_id<PolicyTag>(call.path[0]);
  if (!id) return not_found();
  const auto policy = call.house->alerts().policy(account(call), *id);
  return policy.ok() ? policy_answer(*policy) : failed(call, policy.error());
}

Answer patch_policy(Call& call) {
  const auto id = parse_id<PolicyTag>(call.path[0]);
  if (!id) return not_found();
  const auto stored = call.house->alerts().policy(account(call), *id);
  if (!stored.ok()) return failed(call, stored.error());
  const std::string* if_match = call.request->find("if-match");
  if (if_match != nullptr && !if_match_fits(*if_match, stored->revision)) return changed_meanwhile();
  const auto patched = db::patch_policy(stored->draft, call.body);
  if (!patched.ok()) return bad_body(patched.errors, patched.syntax);
  const auto updated = call.house->alerts().update_policy(account(call), *id, patched.value, stored->revision);
  if (updated.ok()) return policy_answer(*updated);
  if (if_match != nullptr && updated.error().code == ErrorCode::kConflict) return changed_meanwhile();
  return store_failure(call, updated.error());
}

Answer delete_policy(Call& call) {
  const auto id = parse_id<PolicyTag>(call.path[0]);
  if (!id) return not_found();
  const Status removed = call.house->alerts().remove_policy(account(call), *id);
  return removed.ok() ? no_content() : failed(call, removed.error());
}

}  // namespace everup::api
