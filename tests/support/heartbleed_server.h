// A TLS 1.0 … 1.2 server as far as ServerHelloDone, with the faults around heartbeats as flags: vulnerable as OpenSSL
// 1.0.1f was, mended as 1.0.1g, or worse in a way of its own; over plain TCP and after STARTTLS. It never encrypts
// anything, so it holds no key.
//
// One connection at a time, on a thread of its own (or in the caller's process by serve()). Waits end when the server
// goes.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "core/kind_settings.h"
#include "tests/support/ports.h"

namespace everup::test {

enum class Heart {
  kVulnerable,          // believes the length it is told
  kVulnerableBlocking,  // the same, and closes after the first heartbeat record
  kPatched,             // drops what claims too much
  kPatchedBlocking,     // the same, and closes after the first heartbeat record
  kRejects,             // alert 10, as GnuTLS
  kConfused,            // alert 70 unless the version is the only one offered
  kDrops,               // silence
  kDropsSmall,          // silence unless a record is the largest possible (a filter that looks for the usual sizes)
  kCloses,
  kResets,
  kLies,       // a heartbeat of its own bytes
  kLiesClaim,  // our bytes, with the length we really sent
};

struct HeartbleedServerOptions {
  Heart heart = Heart::kVulnerable;
  TlsPrelude prelude = TlsPrelude::kNone;
  std::uint16_t version_min = 0x0301, version_max = 0x0303;  // outside: alert 70
  std::uint16_t suite = 0xc02f;
  bool extension = true;
  bool asks_certificate = false;
  bool ends_flight = true;   // ServerHelloDone
  bool hates_names = false;  // alert 112 to a ClientHello with SNI
  bool closes_on_names = false;
  int hello_alert = -1;  // instead of a ServerHello
  bool hello_silence = false, hello_close = false;
  std::size_t leak_seed = 0;                        // of leaked_byte()
  bool plain_text = false;                          // an English sentence instead of a ServerHello
  std::string certificate = std::string(900, 'c');  // one of the flight; DER when somebody reads it
  std::size_t segment = 0;                          // bytes a segment; 0: as it comes
  std::uint16_t forward_port = 0;                   // whoever does not offer heartbeats talks to this real server
  std::string inject;                               // in clear after the prelude's last word
};

// A pattern that nobody keeps as such: what a vulnerable server's memory holds behind our bytes.
inline char leaked_byte(std::size_t at, std::size_t seed = 0) {
  return static_cast<char>(0xa5 ^ (at * (37 + 2 * seed) + at / 64 * 11 + seed));
}

class HeartbleedServer {
 public:
  using Options = HeartbleedServerOptions;

  explicit HeartbleedServer(Options options)
      : options_(std::move(options)), stop_(eventfd(0, EFD_CLOEXEC)), thread_([this] { serve(listener_.fd()); }) {}
  ~HeartbleedServer() {
    const std::uint64_t one = 1;
    if (write(stop_, &one, sizeof one) != static_cast<ssize_t>(sizeof one)) std::abort();
    thread_.join();
    close(stop_);
  }
  HeartbleedServer(const HeartbleedServer&) = delete;
  HeartbleedServer& operator=(const HeartbleedServer&) = delete;

  std::uint16_t port() const { return listener_.port(); }
  int accepted() const { return accepted_; }

  // For a process of its own: accepts until it is killed.
  static void serve_forever(int listener, Options options) {
    HeartbleedServer server(std::move(options), Here{});
    server.serve(listener);
  }

 private:
  struct Here {};
  HeartbleedServer(Options options, Here) : options_(std::move(options)), stop_(eventfd(0, EFD_CLOEXEC)) {}

  void serve(int listener) {
    while (wait_for(listener)) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++accepted_;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      fd_ = fd, in_.clear();
      if (prelude()) converse();
      if (fd_ >= 0) close(fd_);
    }
  }
  bool wait_for(int fd) {
    pollfd entries[2] = {{fd, POLLIN, 0}, {stop_, POLLIN, 0}};
    return poll(entries, 2, -1) > 0 && entries[1].revents == 0;
  }

  // ---- bytes
  bool more() {
    char buffer[32768];
    if (!wait_for(fd_)) return false;
    const ssize_t got = recv(fd_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    in_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t size = options_.segment == 0 ? bytes.size() : std::min(options_.segment, bytes.size());
      const ssize_t sent = ::send(fd_, bytes.data(), size, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  std::string line() {
    std::size_t end = 0;
    while ((end = in_.find('\n')) == std::string::npos && in_.size() < 4096) {
      if (!more()) return {};
    }
    std::string out = in_.substr(0, end + 1);
    in_.erase(0, out.size());
    return out;
  }
  bool expect_line(std::string_view begin, std::string_view answer) {
    return line().starts_with(begin) && send(answer);
  }
  bool expect_bytes(std::size_t count, std::string_view answer) {
    while (in_.size() < count) {
      if (!more()) return false;
    }
    in_.erase(0, count);
    return send(answer);
  }
  bool expect_tag(std::string_view ending, std::string_view answer) {
    while (in_.find(ending) == std::string::npos) {
      if (in_.size() > 4096 || !more()) return false;
    }
    in_.erase(0, in_.find(ending) + ending.size());
    return send(answer);
  }
  static std::string u16(std::size_t value) {
    return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
  }
  static std::string u24(std::size_t value) {
    return std::string(1, static_cast<char>(value >> 16 & 0xff)) + u16(value);
  }
  static std::size_t at16(std::string_view bytes, std::size_t at) {
    return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[at])) << 8 |
           static_cast<std::uint8_t>(bytes[at + 1]);
  }

  // ---- before TLS
  bool prelude() {
    const std::string extra = options_.inject;
    switch (options_.prelude) {
      case TlsPrelude::kNone:
        return true;
      case TlsPrelude::kSmtp:
        return send("220-fake\r\n220 ready\r\n") && expect_line("EHLO", "250-fake\r\n250-SIZE 0\r\n250 STARTTLS\r\n") &&
               expect_line("STARTTLS", "220 go\r\n" + extra);
      case TlsPrelude::kLmtp:
        return send("220 ready\r\n") && expect_line("LHLO", "250-fake\r\n250 STARTTLS\r\n") &&
               expect_line("STARTTLS", "220 go\r\n" + extra);
      case TlsPrelude::kImap:
        return send("* OK ready\r\n") && expect_line("e1 STARTTLS", "* CAPABILITY IMAP4rev1\r\ne1 OK go\r\n" + extra);
      case TlsPrelude::kPop3:
        return send("+OK ready\r\n") && expect_line("STLS", "+OK go\r\n" + extra);
      case TlsPrelude::kFtp:
        return send("220-fake\r\n a word between\r\n220 ready\r\n") && expect_line("AUTH TLS", "234 go\r\n" + extra);
      case TlsPrelude::kXmpp:
        return expect_tag("streams'>",
                          "<?xml version='1.0'?><stream:stream version='1.0'><stream:features><starttls "
                          "xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>") &&
               expect_tag("/>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" + extra);
      case TlsPrelude::kLdap:
        return expect_bytes(31, std::string("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00", 14) + extra);
      case TlsPrelude::kPostgres:
        return expect_bytes(8, "S" + extra);
    }
    return false;
  }

  // ---- TLS
  struct Record {
    int type = 0;
    std::uint16_t version = 0;
    std::string body;
  };
  bool read_record(Record& record) {
    while (in_.size() < 5 || in_.size() < 5 + at16(in_, 3)) {
      if (!more()) return false;
    }
    raw_ = in_.substr(0, 5 + at16(in_, 3));
    record.type = static_cast<std::uint8_t>(in_[0]);
    record.version = static_cast<std::uint16_t>(at16(in_, 1));
    record.body = in_.substr(5, at16(in_, 3));
    in_.erase(0, 5 + record.body.size());
    return true;
  }
  bool send_records(int type, std::string_view body) {
    std::string out;
    do {
      const auto piece = body.substr(0, 16384);
      out += static_cast<char>(type) + u16(version_) + u16(piece.size()) + std::string(piece);
      body.remove_prefix(piece.size());
    } while (!body.empty());
    return send(out);
  }
  bool alert(int number) { return send_records(21, std::string{'\x02', static_cast<char>(number)}); }

  bool read_hello() {
    Record record;
    if (!read_record(record) || record.type != 22 || record.body.size() < 44) return false;
    const std::string& body = record.body;
    offered_ = static_cast<std::uint16_t>(at16(body, 4));
    named_ = asks_heartbeat_ = newest_ = false;
    std::size_t at = 38 + 1 + static_cast<std::uint8_t>(body[38]);
    at += 2 + at16(body, at);
    at += 1 + static_cast<std::size_t>(static_cast<std::uint8_t>(body[at]));
    if (at + 2 > body.size()) return true;
    for (at += 2; at + 4 <= body.size(); at += 4 + at16(body, at + 2)) {
      named_ = named_ || at16(body, at) == 0;
      asks_heartbeat_ = asks_heartbeat_ || at16(body, at) == 15;
      newest_ = newest_ || at16(body, at) == 43;
    }
    return true;
  }
  std::string flight() const {
    const auto message = [](int type, const std::string& body) {
      return static_cast<char>(type) + u24(body.size()) + body;
    };
    std::string hello =
        u16(version_) + std::string(32, 'r') + std::string(1, '\0') + u16(options_.suite) + std::string(1, '\0');
    std::string extensions = std::string("\xff\x01\x00\x01\x00", 5);
    if (options_.extension && asks_heartbeat_) extensions += std::string("\x00\x0f\x00\x01\x01", 5);
    if (version_ > 0x0300) hello += u16(extensions.size()) + extensions;
    const std::string chain = u24(options_.certificate.size()) + options_.certificate;
    std::string out = message(2, hello) + message(11, u24(chain.size()) + chain);
    if (options_.asks_certificate) out += message(13, std::string("\x01\x01\x00\x02\x04\x01\x00\x00", 8));
    if (options_.ends_flight) out += message(14, {});
    return out;
  }
  void converse() {
    if (!read_hello()) return;
    if (options_.forward_port != 0 && !asks_heartbeat_) return forward();
    version_ = std::min(offered_, options_.version_max);
    if (options_.plain_text) {
      send("500 OOPS: SSL: cannot load the certificate\r\n");
      return;
    }
    if (options_.hello_silence) return silence();
    if (options_.hello_close || (named_ && options_.closes_on_names)) return;
    if (options_.hello_alert >= 0) return finish(alert(options_.hello_alert));
    if (named_ && options_.hates_names) return finish(alert(112));
    if (newest_ || version_ < options_.version_min) return finish(alert(70));
    if (!send_records(22, flight())) return;
    for (Record record; read_record(record);) {
      if (record.type == 24 && !beat(record)) return;
    }
  }
  void forward() {
    const int real = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET, place.sin_port = htons(options_.forward_port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    raw_ += in_;
    bool open = connect(real, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0 &&
                ::send(real, raw_.data(), raw_.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(raw_.size());
    const auto pass = [](int from, int to) {
      char buffer[16384];
      const ssize_t got = recv(from, buffer, sizeof buffer, 0);
      return got > 0 && ::send(to, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
    };
    while (open) {
      pollfd entries[3] = {{fd_, POLLIN, 0}, {real, POLLIN, 0}, {stop_, POLLIN, 0}};
      open = poll(entries, 3, -1) > 0 && entries[2].revents == 0;
      if (open && entries[1].revents != 0) open = pass(real, fd_);
      if (open && entries[0].revents != 0) open = pass(fd_, real);
    }
    close(real);
  }
  void finish(bool sent) {
    if (sent) silence();
  }
  void silence() {
    while (more()) in_.clear();
  }

  // ---- heartbeats; false: the connection is over
  bool beat(const Record& record) {
    const std::size_t claimed = at16(record.body, 1), carried = record.body.size() - 3;
    switch (options_.heart) {
      case Heart::kVulnerable:
        return answer(record, claimed);
      case Heart::kVulnerableBlocking:
        answer(record, claimed);
        return false;
      case Heart::kPatched:
        return claimed + 16 > carried || answer(record, claimed);
      case Heart::kPatchedBlocking:
        if (claimed + 16 <= carried) answer(record, claimed);
        return false;
      case Heart::kRejects:
        alert(10);
        return false;
      case Heart::kConfused:
        if (offered_ == 0x0301) return claimed + 16 > carried || answer(record, claimed);
        alert(70);
        return false;
      case Heart::kDrops:
        return true;
      case Heart::kDropsSmall:
        return record.body.size() < 16384 || answer(record, claimed);
      case Heart::kCloses:
        return false;
      case Heart::kResets: {
        const linger now{1, 0};
        setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return false;
      }
      case Heart::kLies:
        return send_records(24, leaked(16000));
      case Heart::kLiesClaim:
        return answer(record, std::min(claimed, carried));
    }
    return false;
  }
  std::string leaked(std::size_t bytes) const {
    std::string out(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) out[i] = leaked_byte(i, options_.leak_seed);
    return out;
  }
  // tls1_process_heartbeat() of OpenSSL 1.0.1: so many bytes as were claimed, from where the payload lies. A reply of
  // up to 4096 bytes stays in its buffer.
  bool answer(const Record& record, std::size_t claimed) {
    const std::string memory = record.body.substr(3) + leaked(16);
    const std::string body = '\x02' + u16(claimed) + memory.substr(0, claimed) + std::string(16, 'p');
    return body.size() + 5 <= 4096 || send_records(24, body);
  }

  Options options_;
  Listener listener_;
  int stop_, fd_ = -1;
  std::string in_, raw_;  // raw_: the record that was read last
  std::uint16_t offered_ = 0, version_ = 0;
  bool named_ = false, asks_heartbeat_ = false, newest_ = false;
  std::atomic<int> accepted_{0};
  std::thread thread_;
};

}  // namespace everup::test
