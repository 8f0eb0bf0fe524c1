#include "tests/support/hostile.h"

#include <brotli/encode.h>

#include <utility>

#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::test {

namespace {

using Handler = FakeServer::Handler;
using Causes = std::vector<Cause>;

constexpr int kDripMs = 200;  // between two bytes: slower than any deadline lets through
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\n";

std::string repeated(std::string_view what, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += what;
  return out;
}

// After the request: `first`, then `more` for ever, `pause_ms` before each.
Handler goes_on(std::string first, std::string more, int pause_ms = 0) {
  return [first = std::move(first), more = std::move(more), pause_ms](FakeConnection& c) {
    if (c.read_request().empty() || !c.send(first)) return;
    while ((pause_ms == 0 || c.pause(pause_ms)) && c.send(more)) continue;
  };
}
// After the request: this and the end.
Handler says(std::string all) {
  return [all = std::move(all)](FakeConnection& c) {
    if (c.read_request().empty() || !c.send(all)) return;
    shutdown(c.fd(), SHUT_WR);
    c.wait_for_close();
  };
}
Handler drips(std::string first, std::string rest) {
  return [first = std::move(first), rest = std::move(rest)](FakeConnection& c) {
    if (c.read_request().empty() || !c.send(first)) return;
    for (std::size_t at = 0;; at = (at + 1) % rest.size())
      if (!c.send(rest.substr(at, 1)) || !c.pause(kDripMs)) return;
  };
}

std::string coded(std::string_view coding, const std::string& body) {
  return std::string(kOk) + "Content-Encoding: " + std::string(coding) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string brotli_of(const std::string& plain) {
  std::size_t size = BrotliEncoderMaxCompressedSize(plain.size());
  std::string out(size, '\0');
  const bool fine = BrotliEncoderCompress(5, BROTLI_MAX_WINDOW_BITS, BROTLI_MODE_GENERIC, plain.size(),
                                          reinterpret_cast<const std::uint8_t*>(plain.data()), &size,
                                          reinterpret_cast<std::uint8_t*>(out.data())) == BROTLI_TRUE;
  if (!fine) throw std::runtime_error("brotli failed");
  out.resize(size);
  return out;
}

// Deflate blocks that hold nothing but the description of their codes (92 bits each): work without a byte of output.
std::string empty_deflate_blocks(std::size_t bytes) {
  std::string bits;
  const auto put = [&bits](unsigned value, int width) {
    for (int i = 0; i < width; ++i) bits += static_cast<char>('0' + (value >> i & 1));
  };
  for (int block = 0; block < 8; ++block) {
    put(0, 1), put(2, 2), put(0, 5), put(0, 5), put(14, 4);  // dynamic; 257 literals, 1 distance, 18 code lengths
    for (const unsigned length : {0U, 0U, 1U, 2U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 0U, 2U})
      put(length, 3);
    put(0, 1), put(127, 7), put(0, 1), put(107, 7);  // 256 literals without a code
    put(3, 2), put(1, 2);                            // the end of the block has one (1), the distance none (0)
    put(0, 1);                                       // and here it is
  }
  std::string unit;
  for (std::size_t at = 0; at < bits.size(); at += 8) {
    unsigned byte = 0;
    for (std::size_t i = 0; i < 8; ++i) byte |= static_cast<unsigned>(bits[at + i] - '0') << i;
    unit += static_cast<char>(byte);
  }
  return std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10) + repeated(unit, bytes / unit.size());
}

}  // namespace

int sockets_to(std::uint16_t port) {
  int count = 0;
  for (int fd = 0; fd < 4096; ++fd) {
    sockaddr_storage place{};
    socklen_t size = sizeof place;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&place), &size) != 0) continue;
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&place);
    count += place.ss_family == AF_INET && ntohs(v4->sin_port) == port;
  }
  return count;
}

HostileZoo::HostileZoo(const std::string& directory) {
  add_slow_ones();
  add_endless_ones();
  add_bad_heads();
  add_redirects();
  add_bombs(directory);
  add_early_ends();
  add_handshakes();
  add_certificates();
  add_http2();
}

void HostileZoo::add(Hostility what) {
  auto server = std::make_unique<FakeServer>(what.handler);
  cages_.push_back({std::move(what), std::move(server)});
}

TlsContext* HostileZoo::keep(TlsContext context) {
  contexts_.push_back(std::move(context));
  return &contexts_.back();
}

void HostileZoo::add_slow_ones() {
  const std::string head = std::string(kOk) + "Content-Length: 100000\r\n\r\n";
  add({"silent", {Cause::kHttpTimeout}, true, false, [](FakeConnection& c) { c.wait_for_close(); }});
  add({"head_drip",
       {Cause::kHttpTimeout, Cause::kHttpTransferTimeout},
       true,
       false,
       drips("", repeated("HTTP/1.1 200 OK\r\nX: ", 1) + repeated("a", 9999))});
  add({"body_drip", {Cause::kHttpTransferTimeout}, true, false, drips(head, "x")});
  add({"chunk_drip",
       {Cause::kHttpTransferTimeout},
       true,
       false,
       drips(std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")});
  add({"gzip_drip",
       {Cause::kHttpTransferTimeout},
       true,
       false,
       drips(std::string(kOk) + "Content-Encoding: gzip\r\n\r\n" + std::string("\x1f\x8b\x08\x08\0\0\0\0\0\3", 10),
             "n")});
}

void HostileZoo::add_endless_ones() {
  const std::string chunked = std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n";
  add({"endless_body", {Cause::kOk}, false, false, goes_on(std::string(kOk) + "\r\n", repeated("x", 65536))});
  add({"length_9e18",
       {Cause::kOk},
       false,
       false,
       goes_on(std::string(kOk) + "Content-Length: 9000000000000000000\r\n\r\n", repeated("x", 65536))});
  add({"endless_chunks",
       {Cause::kOk},
       false,
       false,
       goes_on(chunked, repeated("1000\r\n" + repeated("x", 4096) + "\r\n", 16))});
  add({"endless_tiny_chunks", {Cause::kOk}, false, false, goes_on(chunked, repeated("1\r\nx\r\n", 10922))});
  add({"endless_chunk_extension", {Cause::kHttpProtocol}, false, false, goes_on(chunked + "1;", repeated("x", 65536))});
  add({"endless_trailers",
       {Cause::kHttpHeadTooLarge},
       false,
       false,
       goes_on(chunked + "1\r\nx\r\n0\r\n", repeated("X-Trailer: x\r\n", 4096))});
  add({"endless_head",
       {Cause::kHttpHeadTooLarge},
       false,
       false,
       goes_on(std::string(kOk), repeated("X-Filler: 0123456789\r\n", 3000))});
  add({"endless_line",
       {Cause::kHttpHeadTooLarge},
       false,
       false,
       goes_on(std::string(kOk) + "X-Filler: ", repeated("a", 65536))});
  add({"endless_status_line",
       {Cause::kHttpHeadTooLarge, Cause::kHttpProtocol},
       false,
       false,
       goes_on("HTTP/1.1 200 ", repeated("a", 65536))});
  add({"endless_1xx",
       {Cause::kHttpHeadTooLarge},
       false,
       false,
       goes_on("", repeated("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 1500))});
  add({"headers_100000",
       {Cause::kHttpHeadTooLarge},
       false,
       false,
       says(std::string(kOk) + repeated("A: b\r\n", 100'000) + "Content-Length: 0\r\n\r\n")});
}

void HostileZoo::add_bad_heads() {
  add({"no_colon",
       {Cause::kHttpProtocol, Cause::kOk},
       false,
       false,
       says(std::string(kOk) + "no colon here\r\nContent-Length: 0\r\n\r\n")});
  add({"nul_in_header",
       {Cause::kHttpProtocol},
       false,
       false,
       says(std::string(kOk) + std::string("X-Nul: a\0b\r\n", 12) + "Content-Length: 0\r\n\r\n")});
  add({"http_0_9", {Cause::kHttpProtocol}, false, false, says("<html>as in 1991</html>\n")});
  add({"http_9_9", {Cause::kHttpProtocol}, false, false, says("HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n")});
  add({"negative_length", {Cause::kHttpProtocol}, false, false, says(std::string(kOk) + "Content-Length: -1\r\n\r\n")});
  add({"two_lengths",
       {Cause::kHttpProtocol, Cause::kHttpTruncated},
       false,
       false,
       says(std::string(kOk) + "Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello")});
  add({"length_beyond_64_bits",
       {Cause::kOk, Cause::kHttpProtocol, Cause::kHttpTruncated},
       false,
       false,
       says(std::string(kOk) + "Content-Length: 99999999999999999999\r\n\r\nhello")});
  add({"chunk_size_overflow",
       {Cause::kHttpProtocol, Cause::kHttpTruncated},
       false,
       false,
       says(std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nx\r\n")});
  add({"status_999",
       {Cause::kHttpStatus, Cause::kHttpProtocol},
       false,
       false,
       says("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n")});
  add({"unasked_101",
       {Cause::kHttpProtocol, Cause::kHttpStatus, Cause::kHttpEmptyReply, Cause::kHttpTruncated, Cause::kHttpTimeout,
        Cause::kHttpTransferTimeout},
       false,
       false,
       says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")});
}

void HostileZoo::add_redirects() {
  const auto to = [](const std::string& where) {
    return says("HTTP/1.1 302 Go\r\nLocation: " + where + "\r\nContent-Length: 0\r\n\r\n");
  };
  add({"redirect_loop", {Cause::kHttpTooManyRedirects}, false, false, to("/again")});
  add({"redirect_to_file", {Cause::kHttpRedirectInvalid}, false, false, to("file:///etc/passwd")});
  add({"redirect_to_metadata", {Cause::kAddressRefused}, false, false, to("http://169.254.169.254/latest/")});
  add({"redirect_to_hex", {Cause::kHttpRedirectInvalid}, false, false, to("http://0xa9fea9fe/latest/")});
  add({"redirect_to_64k",
       {Cause::kHttpRedirectInvalid, Cause::kHttpHeadTooLarge},
       false,
       false,
       to("http://x/" + repeated("a", 60'000))});
  // Every hop is another host name of this machine: 127.0.1.1, 127.0.1.2, …
  add({"redirect_to_20_hosts",
       {Cause::kHttpTooManyRedirects, Cause::kConnectRefused},
       false,
       false,
       [](FakeConnection& c) {
         const std::string request = c.read_request();
         const std::size_t at = request.find("GET /hop");
         const int hop = at == std::string::npos ? 0 : std::atoi(request.c_str() + at + 8);
         const std::size_t host = request.find("Host: ");
         if (host == std::string::npos) return;
         const std::string port = request.substr(request.find(':', host + 6) + 1);
         c.send("HTTP/1.1 302 Go\r\nLocation: http://hop" + std::to_string(hop) + ".localhost:" +
                port.substr(0, port.find('\r')) + "/hop" + std::to_string(hop + 1) + "\r\nContent-Length: 0\r\n\r\n");
         c.wait_for_close();
       }});
}

void HostileZoo::add_bombs(const std::string& directory) {
  for (const auto& [coding, tool] : {std::pair{"gzip", "gzip -c"}, std::pair{"zstd", "zstd --long=27 -q -c"}}) {
    const std::string file = directory + "/bomb." + coding;
    run_tool({"sh", "-c", std::string("head -c 104857600 /dev/zero | ") + tool + " > " + file});
    add({std::string(coding) + "_bomb", {Cause::kOk}, false, false, says(coded(coding, read_file(file)))});
  }
  const std::string brotli = brotli_of(std::string(64 * 1024 * 1024, '\0'));
  add({"brotli_bomb", {Cause::kOk}, false, false, says(coded("br", brotli))});
  add({"nested_codings",
       {Cause::kHttpEncoding},
       false,
       false,
       says(coded("gzip, gzip, gzip, gzip, gzip", read_file(directory + "/bomb.gzip").substr(0, 4096)))});
  add({"empty_deflate_blocks",
       {Cause::kOk},
       false,
       false,
       goes_on(std::string(kOk) + "Content-Encoding: gzip\r\n\r\n", empty_deflate_blocks(16 * 1024 * 1024))});
  add({"junk_gzip", {Cause::kHttpEncoding}, false, false, says(coded("gzip", "this is no gzip"))});
}

void HostileZoo::add_early_ends() {
  const auto resets_after = [](std::string text) {
    return [text = std::move(text)](FakeConnection& c) {
      if (c.read_request().empty() || !c.send(text) || !c.pause(20)) return;
      c.reset();
    };
  };
  const std::string head = std::string(kOk) + "Content-Length: 100\r\n\r\n";
  add({"rst_after_accept", {Cause::kHttpReset, Cause::kConnectReset}, false, false, [](FakeConnection& c) {
         c.reset();
       }});
  add({"rst_after_request", {Cause::kHttpReset}, false, false, resets_after("")});
  add({"rst_in_head", {Cause::kHttpReset}, false, false, resets_after("HTTP/1.1 200 O")});
  add({"rst_in_body", {Cause::kHttpReset}, false, false, resets_after(head + "half")});
  add({"fin_after_accept", {Cause::kHttpEmptyReply, Cause::kHttpReset}, false, false, [](FakeConnection&) {}});
  add({"fin_after_request", {Cause::kHttpEmptyReply}, false, false, says("")});
  add({"fin_in_status_line",
       {Cause::kHttpProtocol, Cause::kHttpEmptyReply, Cause::kHttpTruncated},
       false,
       false,
       says("HTTP/1.1 2")});
  add({"fin_in_head",
       {Cause::kHttpProtocol, Cause::kHttpEmptyReply, Cause::kHttpTruncated},
       false,
       false,
       says("HTTP/1.1 200 OK\r\nContent-Le")});
  add({"fin_in_body", {Cause::kHttpTruncated}, false, false, says(head + "half")});
  add({"fin_in_chunk",
       {Cause::kHttpTruncated},
       false,
       false,
       says(std::string(kOk) + "Transfer-Encoding: chunked\r\n\r\n64\r\nhalf")});
}

void HostileZoo::add_handshakes() {
  SSL_CTX* plain = keep(ca_.context({kHostileHost}))->get();
  const auto reads_hello = [](FakeConnection& c) { return !c.read_some().empty(); };
  add({"tls_never_answers", {Cause::kTlsTimeout}, true, true, [](FakeConnection& c) { c.wait_for_close(); }});
  add({"tls_drip", {Cause::kTlsTimeout}, true, true, [plain](FakeConnection& c) {
         TlsSide(c, plain).handshake(kDripMs);
       }});
  add({"tls_rst_after_hello", {Cause::kTlsHandshake}, false, true, [reads_hello](FakeConnection& c) {
         if (reads_hello(c)) c.reset();
       }});
  add({"tls_fin_after_hello", {Cause::kTlsHandshake}, false, true, [reads_hello](FakeConnection& c) {
         reads_hello(c);
       }});
  add({"tls_plain_http", {Cause::kTlsHandshake}, false, true, [reads_hello](FakeConnection& c) {
         if (reads_hello(c) && c.send("HTTP/1.1 400 Bad Request\r\n\r\n")) c.wait_for_close();
       }});
  // 4096 hello requests in a record, for ever: OpenSSL skips them inside one call.
  const std::string record = std::string("\x16\3\3\x40\0", 5) + std::string(16384, '\0');
  add({"tls_hello_requests", {Cause::kTlsHandshake}, false, true, [reads_hello, record](FakeConnection& c) {
         if (!reads_hello(c)) return;
         while (c.send(record)) continue;
       }});
  SSL_CTX* old = keep(ca_.context({kHostileHost}))->get();
  SSL_CTX_set_max_proto_version(old, TLS1_2_VERSION);
  // A client may put a renegotiation off until it is called again: then nobody speaks.
  add({"tls_renegotiates", {Cause::kTlsHandshake, Cause::kHttpTimeout}, true, true, [old](FakeConnection& c) {
         TlsSide side(c, old);
         if (!side.handshake() || side.read_request().empty()) return;
         while (side.renegotiate()) continue;
       }});
  add({"tls_key_updates", {Cause::kTlsHandshake}, false, true, [plain](FakeConnection& c) {
         TlsSide side(c, plain);
         if (!side.handshake() || side.read_request().empty()) return;
         while (SSL_key_update(side.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1 && SSL_do_handshake(side.ssl()) == 1 &&
                side.flush()) {
         }
       }});
  add({"tls_tickets", {Cause::kTlsHandshake}, false, true, [plain](FakeConnection& c) {
         TlsSide side(c, plain);
         if (!side.handshake() || side.read_request().empty()) return;
         while (SSL_new_session_ticket(side.ssl()) == 1 && SSL_do_handshake(side.ssl()) == 1 && side.flush()) {
         }
       }});
}

void HostileZoo::add_certificates() {
  const auto serves = [](SSL_CTX* context) {
    return [context](FakeConnection& c) {
      TlsSide side(c, context);
      if (side.handshake() && !side.read_request().empty()) side.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    };
  };
  const auto names = [](const std::string& end, const std::string& last) {
    std::vector<std::string> out;
    for (int i = 0; i < 9'999; ++i) out.push_back(std::to_string(i) + end);
    out.push_back(last);
    return out;
  };
  add({"tls_10000_names", {Cause::kOk}, false, true, serves(keep(ca_.context(names(".t", kHostileHost)))->get())});
  SSL_CTX* many = keep(ca_.context(names(".t", kHostileHost)))->get();
  add({"tls_10000_names_and_silence", {Cause::kHttpTimeout}, true, true, [many](FakeConnection& c) {
         if (TlsSide(c, many).handshake()) c.wait_for_close();
       }});
  add({"tls_10000_other_names",
       {Cause::kTlsWrongHost},
       false,
       true,
       serves(keep(ca_.context(names(".t", "shop.test")))->get())});
  add({"tls_10000_long_names",
       {Cause::kTlsHandshake},
       false,
       true,
       serves(keep(ca_.context(names(".many-names.example", kHostileHost)))->get())});
  add({"tls_chain_of_90",
       {Cause::kTlsInvalidCertificate},
       false,
       true,
       serves(keep(ca_.context({kHostileHost}, 90))->get())});
  add({"tls_chain_with_240_strangers",
       {Cause::kOk},
       false,
       true,
       serves(keep(ca_.context({kHostileHost}, 0, 240))->get())});
  add({"tls_dh_8192",
       {Cause::kTlsHandshake},
       false,
       true,
       serves(keep(ca_.diffie_hellman(kHostileHost, 8192))->get())});
}

void HostileZoo::add_http2() {
  SSL_CTX* context = keep(ca_.context({kHostileHost}))->get();
  offer_h2(context);
  const auto h2 = [this, context](const char* name, Causes causes, bool lasts, std::string first, std::string more) {
    add({name, std::move(causes), lasts, true,
         [context, first = std::move(first), more = std::move(more)](FakeConnection& c) {
           TlsSide side(c, context);
           if (!side.handshake() || !side.read_h2_request() || !side.send(kH2Settings + first)) return;
           while (!more.empty() && side.send(more)) continue;
           c.wait_for_close();
         }});
  };
  const std::string head = h2_frame(1, 4, 1, kH2Ok);
  const Causes protocol = {Cause::kHttpProtocol};
  h2("h2_silent", {Cause::kHttpTimeout}, true, "", "");
  h2("h2_rst_stream", {Cause::kHttpProtocol, Cause::kHttpReset}, false, h2_frame(3, 0, 1, std::string("\0\0\0\2", 4)),
     "");
  h2("h2_rst_in_body", {Cause::kHttpProtocol, Cause::kHttpReset, Cause::kHttpTruncated}, false,
     head + h2_frame(0, 0, 1, "half") + h2_frame(3, 0, 1, std::string("\0\0\0\2", 4)), "");
  h2("h2_goaway", {Cause::kHttpProtocol, Cause::kHttpReset, Cause::kHttpEmptyReply}, false,
     h2_frame(7, 0, 0, std::string(8, '\0')), "");
  h2("h2_rapid_reset", {Cause::kHttpProtocol, Cause::kHttpEmptyReply}, false, "",
     repeated(h2_frame(1, 4, 2, kH2Ok) + h2_frame(3, 0, 2, std::string("\0\0\0\2", 4)), 700));
  h2("h2_continuations", protocol, false, h2_frame(1, 0, 1, kH2Ok),
     repeated(h2_frame(9, 0, 1, repeated(std::string("\0\1a\1b", 5), 200)), 16));
  h2("h2_empty_continuations", protocol, false, h2_frame(1, 0, 1, kH2Ok), repeated(h2_frame(9, 0, 1, ""), 1800));
  h2("h2_pings", protocol, false, "", repeated(h2_frame(6, 0, 0, "12345678"), 960));
  h2("h2_settings", protocol, false, "", repeated(kH2Settings, 1800));
  h2("h2_empty_data", protocol, false, head, repeated(h2_frame(0, 0, 1, ""), 1800));
  h2("h2_window_updates", {Cause::kHttpProtocol, Cause::kHttpEmptyReply}, false, "",
     repeated(h2_frame(8, 0, 0, std::string("\0\0\0\0", 4)), 1200));
  h2("h2_unknown_frames", protocol, false, "", repeated(h2_frame(0xfa, 0, 0, std::string(16000, 'x')), 1));
  h2("h2_endless_body", {Cause::kOk}, false, head, h2_frame(0, 0, 1, std::string(16384, 'x')));
  h2("h2_endless_trailers_1xx", {Cause::kHttpHeadTooLarge, Cause::kHttpProtocol}, false, "",
     repeated(h2_frame(1, 4, 1,
                       std::string("\x08\x03"
                                   "103",
                                   5)),
              1100));
}

}  // namespace everup::test
