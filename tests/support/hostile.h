// Hostile and sick web servers, one for each way to be so (faults 1.3): what each does, and what a look at it must be
// called. The same list serves the suites (one look at each) and the fault bench (all of them at once beside healthy
// monitors).
//
// Every kind has a port of its own on 127.0.0.1, since some never read a request. Those that last would go on for ever:
// a look at them ends at its deadline. Thread per connection. Certificates are issued by ca() for kHostileHost.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "core/outcome.h"
#include "tests/support/fake_server.h"
#include "tests/support/hostile_tls.h"

namespace everup::test {

inline constexpr const char* kHostileHost = "localhost";

struct Hostility {
  std::string name;
  std::vector<Cause> causes;  // any of them is right
  bool lasts = false;         // until the deadline
  bool tls = false;
  FakeServer::Handler handler;
};

class HostileZoo {
 public:
  explicit HostileZoo(const std::string& directory);  // for bombs in the making
  HostileZoo(const HostileZoo&) = delete;
  HostileZoo& operator=(const HostileZoo&) = delete;

  struct Cage {
    Hostility what;
    std::unique_ptr<FakeServer> server;
    std::string url() const {
      return std::string(what.tls ? "https://" : "http://") + kHostileHost + ":" + std::to_string(server->port()) + "/";
    }
  };
  std::list<Cage>& cages() { return cages_; }
  const HostileCa& ca() const { return ca_; }

 private:
  void add(Hostility what);
  void add_slow_ones();
  void add_endless_ones();
  void add_bad_heads();
  void add_redirects();
  void add_bombs(const std::string& directory);
  void add_early_ends();
  void add_handshakes();
  void add_certificates();
  void add_http2();
  TlsContext* keep(TlsContext context);

  HostileCa ca_;
  std::list<TlsContext> contexts_;
  std::list<Cage> cages_;  // goes first
};

// This process's connections to a port: 0 when all that a look opened is closed.
int sockets_to(std::uint16_t port);

}  // namespace everup::test
