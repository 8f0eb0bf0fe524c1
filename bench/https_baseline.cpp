// HTTPS looks against a bare epoll OpenSSL client (one SSL_CTX, chain and name verified, no tickets, no resumption):
// CPU µs per full handshake with one small answer, interleaved, medians of five. Usage: bench_https [looks per run] [in
// flight] [bare|probe: only this side, for a profiler].
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/probe_load.h"
#include "tests/support/nginx.h"
#include "tests/support/pki.h"

namespace {

class BareClient {
 public:
  BareClient(const std::string& ca_file, std::uint16_t port) : port_(port), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_options(context_, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_load_verify_file(context_, "/etc/ssl/certs/ca-certificates.crt") != 1) ERR_clear_error();
    if (SSL_CTX_load_verify_file(context_, ca_file.c_str()) != 1) fail("trust");
  }
  ~BareClient() {
    SSL_CTX_free(context_);
    close(epoll_);
  }
  double run(int count, int in_flight) {
    left_ = count, done_ = 0;
    const double before = everup::bench::cpu_us();
    for (int i = 0; i < in_flight; ++i) start();
    while (done_ < count) turn();
    return (everup::bench::cpu_us() - before) / count;
  }

 private:
  struct Connection {
    int fd = -1;
    SSL* ssl = nullptr;
    bool asked = false;
    bool good = false;
    unsigned events = EPOLLOUT;
  };
  [[noreturn]] static void fail(const char* what) {
    std::fprintf(stderr, "bare client: %s\n", what);
    ERR_print_errors_fp(stderr);
    std::exit(1);
  }
  void start() {
    if (left_ == 0) return;
    --left_;
    auto* connection = new Connection;  // freed by finish()
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in place{};
    place.sin_family = AF_INET, place.sin_port = htons(port_), place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection->fd, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0 && errno != EINPROGRESS)
      fail("connect");
    connection->ssl = SSL_new(context_);
    SSL_set_fd(connection->ssl, connection->fd);
    SSL_set_tlsext_host_name(connection->ssl, "shop.test");
    SSL_set1_host(connection->ssl, "shop.test");
    SSL_set_connect_state(connection->ssl);
    epoll_event event{EPOLLOUT, {.ptr = connection}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd, &event);
  }
  void turn() {
    epoll_event events[64];
    const int count = epoll_wait(epoll_, events, 64, 1000);
    for (int i = 0; i < count; ++i) step(*static_cast<Connection*>(events[i].data.ptr));
  }
  void step(Connection& connection) {
    if (!connection.asked) {
      const int result = SSL_do_handshake(connection.ssl);
      if (result != 1) return wait(connection, result);
      const std::string request =
          "GET /health HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: bare\r\nConnection: close\r\n\r\n";
      if (SSL_write(connection.ssl, request.data(), static_cast<int>(request.size())) <= 0) fail("write");
      connection.asked = true;
    }
    char buffer[16384];
    int got = 0;
    while ((got = SSL_read(connection.ssl, buffer, sizeof buffer)) > 0) connection.good = true;
    const int error = SSL_get_error(connection.ssl, got);
    if (error == SSL_ERROR_WANT_READ) return wait(connection, got);
    if (!connection.good) fail("no answer");
    finish(&connection);
  }
  void wait(Connection& connection, int result) {
    const int error = SSL_get_error(connection.ssl, result);
    const unsigned wanted = error == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT;
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) fail("handshake");
    if (wanted == connection.events) return;
    connection.events = wanted;
    epoll_event event{wanted, {.ptr = &connection}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event);
  }
  void finish(Connection* connection) {
    SSL_free(connection->ssl);
    close(connection->fd);
    ERR_clear_error();
    delete connection;
    ++done_;
    start();
  }

  std::uint16_t port_;
  int epoll_;
  SSL_CTX* context_ = nullptr;
  int left_ = 0, done_ = 0;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  using namespace everup;
  const int count = argc > 1 ? std::atoi(argv[1]) : 2'000;
  const int in_flight = argc > 2 ? std::atoi(argv[2]) : 20;
  test::TempDir dir;
  test::TestCa ca(dir);
  const test::CertificateFiles files = ca.issue("good", "DNS:shop.test");
  test::Nginx server(dir,
                     "ssl_certificate " + files.certificate + "; ssl_certificate_key " + files.key +
                         "; ssl_session_tickets off; ssl_session_cache off; location / { return 200 \"fine\\n\"; }",
                     "ssl");
  BareClient bare(ca.certificate(), server.port());
  bench::ProbeLoad load(dir.write("hosts", "127.0.0.1 shop.test\n"), ca.certificate());
  const std::vector<std::string> urls = {"https://shop.test:" + std::to_string(server.port()) + "/health"};
  const std::string_view only = argc > 3 ? argv[3] : "";
  if (only == "bare" || only == "probe") {
    const double us = only == "bare" ? bare.run(count, in_flight) : load.run(urls, count, in_flight);
    std::printf("CPU us per verified handshake: %s %.0f\n", argv[3], us);
    return 0;
  }
  bare.run(200, in_flight), load.run(urls, 200, in_flight);  // warm
  std::vector<double> of_bare, of_probe;
  for (int round = 0; round < 5; ++round) {
    of_bare.push_back(bare.run(count, in_flight));
    of_probe.push_back(load.run(urls, count, in_flight));
    std::printf("CPU us per verified handshake: bare OpenSSL %.0f, probe %.0f\n", of_bare.back(), of_probe.back());
    std::fflush(stdout);
  }
  std::printf("medians: bare %.0f, probe %.0f, ratio %.3f\n", median(of_bare), median(of_probe),
              median(of_probe) / median(of_bare));
  return 0;
}
