#include "checker/heartbleed_exchange.h"

#include <utility>

#include "checker/heartbleed_records.h"
#include "net/digest.h"

namespace everup::checker {

HeartbleedRandom HeartbleedRandom::make(Beats beats) {
  HeartbleedRandom random;
  net::random_bytes(random.hello);
  if (beats == Beats::kNone) return random;
  const bool large = beats == Beats::kLargePair;
  if (beats != Beats::kControl) random.p = net::random_bytes(large ? kLargeNonceBytes : kNonceBytes);
  random.c = net::random_bytes(large ? kLargeControlBytes : kNonceBytes);
  random.padding = net::random_bytes(kPaddingBytes);
  return random;
}

HeartbleedExchange::HeartbleedExchange(const HeartbleedAttempt& attempt, const std::string& server_name,
                                       HeartbleedRandom random)
    : server_name_(server_name), random_(std::move(random)) {
  result_.attempt = attempt;
}

std::string HeartbleedExchange::hello() const {
  HelloAsk ask;
  ask.version = result_.attempt.version;
  ask.heartbeat = result_.attempt.beats != Beats::kNone;
  if (result_.attempt.server_name) ask.server_name = server_name_;
  return client_hello(ask, random_.hello);
}

std::size_t HeartbleedExchange::on_bytes(std::string_view received, int at_ms) {
  at_ms_ = at_ms;
  std::size_t taken = 0;
  while (!ended_) {
    TlsRecord record;
    const RecordState state = front_record(received.substr(taken), record);
    if (state == RecordState::kMore) break;
    if (state == RecordState::kBad || ++records_ > kRecordsMax) {
      end(beating_ ? HeartbleedEnd::kForeignReply : HeartbleedEnd::kNotTls);
      break;
    }
    taken += record.bytes();
    on_record(record);
  }
  return taken;
}

void HeartbleedExchange::on_record(const TlsRecord& record) {
  const auto alert = alert_of(record);
  if (result_.seen.size() < HeartbleedReport::kSeenMax) {
    HeartbleedReport::Seen seen;
    seen.at_ms = at_ms_;
    seen.type = static_cast<int>(record.type);
    seen.length = static_cast<int>(record.body.size());
    seen.alert = alert ? alert->number : -1;
    result_.seen.push_back(seen);
  }
  switch (record.type) {
    case RecordType::kHandshake:
      return on_handshake(record);
    case RecordType::kAlert:
      if (alert) return on_alert(*alert);
      return end(beating_ ? HeartbleedEnd::kForeignReply : HeartbleedEnd::kNotTls);
    case RecordType::kHeartbeat:
      return on_heartbeat(record.body);
    case RecordType::kChangeCipherSpec:
    case RecordType::kData:  // nothing of the kind belongs into a handshake that we do not finish
      return end(beating_ ? HeartbleedEnd::kForeignReply : HeartbleedEnd::kNotTls);
  }
}

void HeartbleedExchange::on_handshake(const TlsRecord& record) {
  if (beating_) return;  // what is left of a flight that was late
  if (!flight_.feed(record.body)) return end(HeartbleedEnd::kNotTls);
  const ServerFlight& flight = flight_.flight();
  if (!flight.hello) return;
  result_.version = flight.version;
  result_.extension = flight.heartbeat;
  if (flight.version == wire_version(TlsVersion::k1_3)) {
    return end(result_.attempt.beats == Beats::kNone ? HeartbleedEnd::kSpeaksTls13 : HeartbleedEnd::kNotTls);
  }
  if (result_.attempt.beats == Beats::kNone) return end(HeartbleedEnd::kNotTls);  // an answer to what nobody asked
  if (!flight.heartbeat) return end(HeartbleedEnd::kNoExtension);
  if (flight.done) beat();
}

// A warning says nothing about heartbeats, but close_notify is an end in order.
void HeartbleedExchange::on_alert(const TlsAlert& alert) {
  if (alert.number == 0) return on_close();
  if (alert.level == 1 && (flight_.flight().hello || alert.number == 112)) return;
  result_.alert = alert.number;
  end(beating_ ? HeartbleedEnd::kBeatAlert : HeartbleedEnd::kHelloAlert);
}

void HeartbleedExchange::on_heartbeat(std::string_view body) {
  if (!beating_) return end(HeartbleedEnd::kForeignReply);
  switch (recognise_heartbeat(body, random_.p, random_.c)) {
    case HeartbeatReply::kOverRead:
      return end(HeartbleedEnd::kOverRead);
    case HeartbeatReply::kControl:
      return end(HeartbleedEnd::kControlAnswered);
    case HeartbeatReply::kForeign:
      return end(HeartbleedEnd::kForeignReply);
  }
}

void HeartbleedExchange::beat() {
  beating_ = true;
  std::string bytes;
  if (!random_.p.empty()) bytes = over_read_request(result_.version, random_.p);
  bytes += control_request(result_.version, random_.c, random_.padding);
  if (result_.attempt.beats == Beats::kLargePair) {
    segments_.push_back(bytes.substr(0, 1));
    bytes.erase(0, 1);
  }
  segments_.push_back(std::move(bytes));
}

void HeartbleedExchange::on_close() {
  if (ended_) return;
  end(beating_ || flight_.flight().hello ? HeartbleedEnd::kBeatEnd : HeartbleedEnd::kHelloEnd);
}

void HeartbleedExchange::on_silence() {
  if (ended_) return;
  if (beating_) return end(HeartbleedEnd::kBeatSilence);
  if (!flight_.flight().hello) return end(HeartbleedEnd::kHelloSilence);
  beat();  // the flight has no end, but its extension was offered
}

std::vector<std::string> HeartbleedExchange::to_send() { return std::exchange(segments_, {}); }

}  // namespace everup::checker
