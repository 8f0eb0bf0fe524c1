// Plain streams: whose fault a failure is, the limits, the order of what is told, and that the listener may do
// anything.
#include "net/stream.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/net_stream/talk.h"
#include "tests/support/fake_server.h"
#include "tests/support/netns.h"
#include "tests/support/ports.h"

namespace everup::net::test {
namespace {

using everup::test::BoundSocket;
using everup::test::FakeConnection;
using everup::test::FakeServer;
using everup::test::Listener;

// Everything the peer sends, until it ends.
std::string read_all(FakeConnection& connection) {
  std::string text;
  for (char buffer[4096];;) {
    const ssize_t got = recv(connection.fd(), buffer, sizeof buffer, 0);
    if (got <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

TEST(Stream, WordsGoBothWays) {
  FakeServer server([](FakeConnection& connection) {
    connection.send("220 hello\r\n");
    char buffer[64];
    const ssize_t got = recv(connection.fd(), buffer, sizeof buffer, 0);
    connection.send("you said " + std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))));
  });
  Talk talk;
  talk.connect(server.port());
  ASSERT_TRUE(talk.until_received("hello\r\n"));
  EXPECT_EQ(talk.take(), "220 hello\r\n");
  ASSERT_TRUE(talk.stream().local());
  EXPECT_EQ(talk.stream().local()->host(), "127.0.0.1");
  EXPECT_EQ(talk.stream().peer().text(), "127.0.0.1:" + std::to_string(server.port()));
  ASSERT_TRUE(talk.stream().write("QUIT\r\n"));
  ASSERT_TRUE(talk.until('E'));
  EXPECT_EQ(talk.take(), "you said QUIT\r\n") << "what came before the end is still there";
  EXPECT_EQ(talk.events().front(), 'C');
  EXPECT_EQ(talk.events().back(), 'E');
  EXPECT_EQ(talk.events().find('S'), std::string::npos) << "what goes at once is not told";
  EXPECT_GT(talk.stream().times().connected, talk.stream().times().started);
}

TEST(Stream, BytesOneByOne) {
  FakeServer server([](FakeConnection& connection) {
    const int on = 1;
    setsockopt(connection.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (const char c : std::string("250-one\r\n250 two\r\n")) {
      char answer = 0;
      connection.send(std::string(1, c));
      if (recv(connection.fd(), &answer, 1, 0) != 1) return;  // the next byte goes when this one was seen
    }
  });
  Talk talk;
  std::string text;
  talk.then = [&](StreamEvent event) {
    if (event != StreamEvent::kReceived) return;
    const std::string piece = talk.take();
    EXPECT_EQ(piece.size(), 1u);
    text += piece;
    EXPECT_TRUE(talk.stream().write("."));
  };
  talk.connect(server.port());
  ASSERT_TRUE(talk.until('E'));
  EXPECT_EQ(text, "250-one\r\n250 two\r\n");
}

TEST(Stream, RefusedIsTheirs) {
  const BoundSocket bound;  // bound, but nobody listens
  Talk talk;
  talk.connect(bound.port());
  ASSERT_TRUE(talk.until('F'));
  EXPECT_EQ(talk.events(), "F");
  EXPECT_EQ(talk.stream().failure().cause, Cause::kConnectRefused);
  EXPECT_EQ(talk.stream().failure().errno_value, ECONNREFUSED);
  EXPECT_EQ(talk.stream().failure().detail, "Connection refused");
  EXPECT_FALSE(talk.stream().write("x"));
}

TEST(Stream, ResetBeforeAndAfterWords) {
  FakeServer server([](FakeConnection& connection) {
    connection.send("554 go away\r\n");
    connection.reset();
  });
  Talk talk;
  talk.connect(server.port());
  ASSERT_TRUE(talk.until('F'));
  EXPECT_EQ(talk.stream().failure().cause, Cause::kConnectReset);
  EXPECT_EQ(talk.stream().failure().errno_value, ECONNRESET);
  EXPECT_EQ(talk.events().find("F"), talk.events().size() - 1);
  EXPECT_EQ(talk.take(), "554 go away\r\n") << "what was said before the reset is not lost";
}

TEST(Stream, NoRouteAndSilenceInsideANetworkOfOurOwn) {
  everup::test::in_own_network([] {
    Talk nowhere;
    nowhere.connect(25, "192.0.2.1");
    ASSERT_TRUE(nowhere.until('F'));
    EXPECT_EQ(nowhere.stream().failure().cause, Cause::kNetworkUnreachable);
    EXPECT_EQ(nowhere.events(), "F");
    everup::test::ip_command("route add unreachable 192.0.2.0/24");
    Talk unreachable;
    unreachable.connect(25, "192.0.2.1");
    ASSERT_TRUE(unreachable.until('F'));
    EXPECT_EQ(unreachable.stream().failure().cause, Cause::kHostUnreachable);
    everup::test::ip_command("route add prohibit 198.51.100.0/24");
    Talk prohibited;
    prohibited.connect(25, "198.51.100.1");
    ASSERT_TRUE(prohibited.until('F'));
    EXPECT_EQ(prohibited.stream().failure().cause, Cause::kOwnNetwork);
    // The kernel's own patience, one retry: ETIMEDOUT. (Our deadlines are the owner's.)
    everup::test::run_tool({"sh", "-c",
                            "echo 0 > /proc/sys/net/ipv4/tcp_syn_retries 2>/dev/null || "
                            "echo 1 > /proc/sys/net/ipv4/tcp_syn_retries"});
    everup::test::run_tool({"nft", "add table inet t"});
    everup::test::run_tool({"nft", "add chain inet t i { type filter hook input priority 0 ; }"});
    everup::test::run_tool({"nft", "add rule inet t i tcp dport 2525 drop"});
    Talk silent;
    silent.connect(2525);
    ASSERT_TRUE(silent.until('F'));
    EXPECT_EQ(silent.stream().failure().cause, Cause::kConnectTimeout);
    EXPECT_EQ(silent.stream().failure().errno_value, ETIMEDOUT);
  });
}

TEST(Stream, OurOwnExhaustionIsOurs) {
  const Listener listener;
  Talk talk;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(listener.fd());
  ASSERT_GE(next, 0);
  close(next);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  talk.connect(listener.port());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(talk.until('F'));
  EXPECT_EQ(talk.stream().failure().cause, Cause::kOwnResources);
  EXPECT_EQ(talk.stream().failure().errno_value, EMFILE);
}

TEST(Stream, ThePolicyIsAskedBeforeTheKernel) {
  FakeServer server([](FakeConnection& connection) { connection.send("220 secret\r\n"); });
  const AddressPolicy closed(*AllowList::parse(""), {});
  Talk talk;
  talk.connect(server.port(), "127.0.0.1", &closed);
  ASSERT_TRUE(talk.until('F'));
  EXPECT_EQ(talk.stream().failure().cause, Cause::kAddressRefused);
  EXPECT_NE(talk.stream().failure().detail.find("EVERUP_ALLOW_TARGETS"), std::string::npos);
  const AddressPolicy open(*AllowList::parse("loopback"), {});
  Talk allowed;
  allowed.connect(server.port(), "127.0.0.1", &open);
  EXPECT_TRUE(allowed.until_received("220"));
  EXPECT_EQ(server.accepted(), 1) << "the refused one never reached the server";
}

TEST(Stream, WhoDoesNotConsumeIsNotReadFor) {
  constexpr std::size_t kAll = 300'000;
  FakeServer server([](FakeConnection& connection) { connection.send(std::string(kAll, 'x')); });
  Talk talk;
  talk.connect(server.port());
  ASSERT_TRUE(talk.turn_until([&] { return talk.stream().received().size() == Stream::kReadAheadMax; }));
  talk.drain();
  EXPECT_EQ(talk.stream().received().size(), Stream::kReadAheadMax);
  EXPECT_EQ(talk.events().find('E'), std::string::npos) << "the end is behind what was not read";
  std::size_t total = 0;
  ASSERT_TRUE(talk.turn_until([&] {
    total += talk.take().size();
    return talk.events().find('E') != std::string::npos;
  }));
  EXPECT_EQ(total + talk.take().size(), kAll);
}

TEST(Stream, WritesAreBoundedAndTellWhenTheyAreGone) {
  std::string got;
  {
    FakeServer server([&](FakeConnection& connection) {
      char go = 0;
      if (recv(connection.fd(), &go, 1, 0) != 1) return;
      got = read_all(connection);
    });
    Talk talk;
    talk.connect(server.port());
    ASSERT_TRUE(talk.until('C'));
    ASSERT_TRUE(talk.stream().write("g"));
    std::size_t taken = 0;
    const std::string block(64 * 1024, 'y');
    while (taken < (64u << 20) && talk.stream().write(block)) taken += block.size();
    EXPECT_LE(talk.stream().unsent(), Stream::kWriteMax);
    ASSERT_TRUE(talk.until('S'));
    EXPECT_EQ(talk.stream().unsent(), 0u);
    EXPECT_EQ(std::count(talk.events().begin(), talk.events().end(), 'S'), 1);
    talk.stream().close();
    EXPECT_GT(taken, 0u);
    got.reserve(taken);
  }
  EXPECT_EQ(got.find_first_not_of('y'), std::string::npos);
}

TEST(Stream, CloseSendsWhatIsLeftAndThenFin) {
  std::atomic<std::size_t> got{0};
  std::atomic<bool> ended{false};
  Talk talk;
  std::size_t written = 0;
  {
    everup::test::Listener gate;  // keeps the server from reading until we have closed
    FakeServer server([&](FakeConnection& connection) {
      const int fd = accept(gate.fd(), nullptr, nullptr);
      got = read_all(connection).size();
      ended = true;
      close(fd);
    });
    talk.connect(server.port());
    ASSERT_TRUE(talk.until('C'));
    const std::string block(64 * 1024, 'z');
    while (written < (64u << 20) && talk.stream().write(block)) written += block.size();
    ASSERT_GT(talk.stream().unsent(), 0u);
    talk.stream().close();
    talk.destroy();
    const std::string told = talk.events();
    Talk opener;
    opener.connect(gate.port());
    ASSERT_TRUE(opener.until('C'));
    ASSERT_TRUE(talk.turn_until([&] { return ended.load(); }));
    EXPECT_EQ(talk.events(), told) << "nothing is told after close()";
  }
  EXPECT_EQ(got, written);
}

TEST(Stream, DestroyedInsideEveryEvent) {
  for (const StreamEvent fatal : {StreamEvent::kConnected, StreamEvent::kReceived, StreamEvent::kClosed}) {
    FakeServer server([](FakeConnection& connection) { connection.send("220 hello\r\n"); });
    Talk talk;
    talk.then = [&](StreamEvent event) {
      if (event == fatal) talk.destroy();
    };
    talk.connect(server.port());
    ASSERT_TRUE(talk.turn_until([&] { return !talk.alive(); }));
    const std::string told = talk.events();
    talk.drain();
    EXPECT_EQ(talk.events(), told);
  }
  const BoundSocket bound;
  Talk failing;
  failing.then = [&](StreamEvent) { failing.destroy(); };
  failing.connect(bound.port());
  ASSERT_TRUE(failing.turn_until([&] { return !failing.alive(); }));
  Talk early;
  early.connect(bound.port());
  early.destroy();
  early.drain();
  EXPECT_EQ(early.events(), "") << "destroying ends all callbacks";
}

TEST(Stream, ClosedInsideAnEventTellsNothingMore) {
  FakeServer server([](FakeConnection& connection) {
    connection.send("220 hello\r\n");
    connection.wait_for_close();
  });
  Talk talk;
  talk.then = [&](StreamEvent event) {
    if (event == StreamEvent::kReceived) talk.stream().close();
  };
  talk.connect(server.port());
  ASSERT_TRUE(talk.until('R'));
  talk.drain();
  EXPECT_EQ(talk.events(), "CR");
}

}  // namespace
}  // namespace everup::net::test
