#include "checker/tls_hello_probe.h"

#include <utility>

#include "net/digest.h"

namespace everup::checker {

TlsHelloProbe::TlsHelloProbe(const TlsPlace& place, HelloAsk ask, Instant deadline, Done done)
    : place_(place), ask_(std::move(ask)), done_(std::move(done)) {
  timer_ = place_.loop->at(deadline, [this] {
    timer_ = {};
    end(opening_->ready() ? HelloAnswer::End::kSilence : HelloAnswer::End::kUnreachable);
  });
  opening_ = std::make_unique<TlsOpening>(place_, [this](TlsOpening::Event event) { on_event(event); });
}

TlsHelloProbe::~TlsHelloProbe() { place_.loop->cancel(timer_); }

void TlsHelloProbe::on_event(TlsOpening::Event event) {
  switch (event) {
    case TlsOpening::Event::kReady: {
      HelloRandom random{};
      net::random_bytes(random);
      if (!opening_->stream().write(client_hello(ask_, random))) return end(HelloAnswer::End::kClosed);
      return;
    }
    case TlsOpening::Event::kReceived:
      return read();
    case TlsOpening::Event::kSent:
    case TlsOpening::Event::kSecured:
      return;
    case TlsOpening::Event::kClosed:
    case TlsOpening::Event::kFailed:
      return end(opening_->ready() ? HelloAnswer::End::kClosed : HelloAnswer::End::kUnreachable);
  }
}

void TlsHelloProbe::read() {
  net::Stream& stream = opening_->stream();
  for (;;) {
    TlsRecord record;
    const RecordState state = front_record(stream.received(), record);
    if (state == RecordState::kMore) return;
    if (state == RecordState::kBad) return end(HelloAnswer::End::kNotTls);
    if (const auto alert = alert_of(record)) {
      const bool warning = alert->level == 1 && alert->number != 0;
      if (!warning) {
        answer_.alert = alert->number;
        return end(alert->number == 0 ? HelloAnswer::End::kClosed : HelloAnswer::End::kAlert);
      }
    } else if (record.type != RecordType::kHandshake || !flight_.feed(record.body)) {
      return end(flight_.flight().hello ? HelloAnswer::End::kAnswered : HelloAnswer::End::kNotTls);
    }
    stream.consume(record.bytes());
    const ServerFlight& flight = flight_.flight();
    const bool newest = flight.version == wire_version(TlsVersion::k1_3);
    if (flight.hello && (newest || ask_.weak_only || flight.done)) return end(HelloAnswer::End::kAnswered);
  }
}

void TlsHelloProbe::end(HelloAnswer::End how) {
  place_.loop->cancel(timer_);
  timer_ = {};
  const ServerFlight& flight = flight_.flight();
  answer_.end = flight.hello ? HelloAnswer::End::kAnswered : how;  // a ServerHello is an answer, whatever came after it
  answer_.version = flight.version;
  answer_.suite = flight.suite;
  answer_.chain = flight.chain;
  const Done done = std::move(done_);
  HelloAnswer answer = std::move(answer_);
  opening_->stream().close();
  done(std::move(answer));
}

}  // namespace everup::checker
