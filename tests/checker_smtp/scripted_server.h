// A mail server that does what a dialogue file says, whole or byte by byte, in clear and in TLS. What went against the
// file is written down.
#pragma once

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/checker_smtp/dialogue_file.h"
#include "tests/support/fake_server.h"
#include "tests/support/pki.h"

namespace everup::checker::test {

// The server's side of one connection.
class Wire {
 public:
  Wire(everup::test::FakeConnection& connection, SSL_CTX* context) : connection_(connection), context_(context) {
    const int on = 1;
    setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Wire() { SSL_free(ssl_); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool secure() {
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, connection_.fd());
    return SSL_accept(ssl_) == 1;
  }
  bool send(std::string_view bytes, bool one_by_one) {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, one_by_one ? 1 : bytes.size());
      if (ssl_ != nullptr ? SSL_write(ssl_, piece.data(), static_cast<int>(piece.size())) <= 0
                          : !connection_.send(piece))
        return false;
      bytes.remove_prefix(piece.size());
    }
    return true;
  }
  // Without its end; false when the peer left.
  bool line(std::string* into) {
    std::size_t end = 0;
    while ((end = read_.find("\r\n")) == std::string::npos) {
      char buffer[4096];
      const int got = ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof buffer)
                                      : static_cast<int>(recv(connection_.fd(), buffer, sizeof buffer, 0));
      if (got <= 0) return false;
      read_.append(buffer, static_cast<std::size_t>(got));
    }
    *into = read_.substr(0, end);
    read_.erase(0, end + 2);
    return true;
  }
  // Did the client say something that nobody asked for yet?
  bool spoken_to() const {
    pollfd entry{connection_.fd(), POLLIN, 0};
    char byte = 0;
    return !read_.empty() || (poll(&entry, 1, 0) == 1 && recv(connection_.fd(), &byte, 1, MSG_PEEK) == 1);
  }

 private:
  everup::test::FakeConnection& connection_;
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  std::string read_;
};

class ScriptedServer {
 public:
  ScriptedServer(DialogueFile file, bool one_by_one, SSL_CTX* context)
      : file_(std::move(file)), one_by_one_(one_by_one), context_(context), server_([this](auto& c) { play(c); }) {}
  std::uint16_t port() const { return server_.port(); }
  // Read it when the server is done: after the look ended and done() was waited for.
  const std::vector<std::string>& complaints() const { return complaints_; }
  bool done() const { return done_; }

 private:
  using Kind = DialogueFile::Move::Kind;

  void play(everup::test::FakeConnection& connection) {
    {
      Wire wire(connection, context_);
      bool heard_all = true;
      for (std::size_t i = 0; i < file_.moves.size() && heard_all; ++i) {
        const DialogueFile::Move& move = file_.moves[i];
        if (move.kind == Kind::kReset) connection.reset();
        if (move.kind == Kind::kReset || move.kind == Kind::kClose) return finish();
        heard_all = step(wire, move);
      }
      if (connection.fd() >= 0) shutdown(connection.fd(), SHUT_WR);
      connection.wait_for_close();
    }
    finish();
  }
  void finish() { done_ = true; }
  bool step(Wire& wire, const DialogueFile::Move& move) {
    std::string said;
    switch (move.kind) {
      case Kind::kServer:
        if (wire.spoken_to()) complaints_.push_back("spoke before its turn: " + move.text);
        return wire.send(move.text, one_by_one_);
      case Kind::kClient:
        if (!wire.line(&said)) return complaints_.push_back("left instead of: " + move.text), false;
        if (!matches(move.text, said)) complaints_.push_back("said \"" + said + "\" instead of: " + move.text);
        return true;
      case Kind::kTls:
        if (wire.secure()) return true;
        return complaints_.push_back("no handshake"), false;
      case Kind::kMessage:
        while (said != ".") {
          if (!wire.line(&said)) return complaints_.push_back("left in the message"), false;
        }
        return true;
      case Kind::kClose:
      case Kind::kReset:
      case Kind::kNote:
        break;
    }
    return true;
  }

  const DialogueFile file_;
  const bool one_by_one_;
  SSL_CTX* const context_;
  std::vector<std::string> complaints_;
  std::atomic<bool> done_{false};
  everup::test::FakeServer server_;  // last: its threads use everything above
};

}  // namespace everup::checker::test
