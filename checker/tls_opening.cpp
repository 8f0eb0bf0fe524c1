#include "checker/tls_opening.h"

#include <utility>

namespace everup::checker {

TlsOpening::TlsOpening(const TlsPlace& place, OnEvent on_event, bool wiping)
    : place_(place),
      on_event_(std::move(on_event)),
      prelude_(place.prelude, place.our_name, place.host),
      stream_(*place.loop, [this](net::StreamEvent event) { on_stream(event); }) {
  if (wiping) stream_.wipe_received();
  stream_.connect(place.address, place.policy);
}

// The asker may destroy us in it: nothing may be touched afterwards.
void TlsOpening::pass(Event event) {
  const OnEvent tell = on_event_;
  tell(event);
}

void TlsOpening::fail(Cause cause, std::string detail) {
  cause_ = cause;
  detail_ = std::move(detail);
  pass(Event::kFailed);
}

void TlsOpening::on_stream(net::StreamEvent event) {
  if (cause_ != Cause::kOk) return;
  switch (event) {
    case net::StreamEvent::kConnected:
      connected_ = true;
      return talk();
    case net::StreamEvent::kReceived:
      return ready_ ? pass(Event::kReceived) : talk();
    case net::StreamEvent::kSent:
      return ready_ ? pass(Event::kSent) : void();
    case net::StreamEvent::kSecured:
      return pass(Event::kSecured);
    case net::StreamEvent::kClosed:
      if (ready_) return pass(Event::kClosed);
      return fail(Cause::kSmtpConnectionLost, "the server closed the connection before TLS");
    case net::StreamEvent::kFailed:
      return fail(stream_.failure().cause, stream_.failure().detail);
  }
}

void TlsOpening::talk() {
  if (!stream_.received().empty() && prelude_.state() == StartTlsPrelude::State::kTalking) {
    stream_.consume(prelude_.on_bytes(stream_.received()));
  }
  tell_lines();
  switch (prelude_.state()) {
    case StartTlsPrelude::State::kTalking:
      if (const std::string bytes = prelude_.to_send(); !bytes.empty() && !stream_.write(bytes)) {
        return fail(Cause::kSmtpConnectionLost, "the connection was lost before TLS");
      }
      return;
    case StartTlsPrelude::State::kReady:
      ready_ = true;
      ready_at_ = place_.loop->clock().now().mono;
      return pass(Event::kReady);
    case StartTlsPrelude::State::kFailed:
      return fail(prelude_.cause(), prelude_.detail());
  }
}

void TlsOpening::tell_lines() {
  for (TranscriptLine& line : prelude_.take_lines()) {
    if (!place_.line) continue;
    line.at_ms = place_.ms_since_start(place_.loop->clock().now().mono);
    place_.line(std::move(line));
  }
}

}  // namespace everup::checker
