// ClientHellos, records and flights: whole, cut and wrong; and the fuzzer's corpus.
#include "checker/tls_records.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "net/digest.h"
#include "tests/fuzz/tls_records_outcome.h"
#include "tests/paths.h"
#include "tests/support/tempdir.h"

namespace everup::checker {
namespace {

HelloRandom some_random() {
  HelloRandom random{};
  std::iota(random.begin(), random.end(), static_cast<std::uint8_t>(1));
  return random;
}

std::string bytes(std::string_view hex) { return net::from_hex(hex).value_or("not hex"); }

TEST(ClientHello, IsWholeAndSaysWhatIsAsked) {
  HelloAsk ask;
  ask.heartbeat = true;
  ask.server_name = "shop.test";
  const std::string hello = client_hello(ask, some_random());
  TlsRecord record;
  ASSERT_EQ(front_record(hello, record), RecordState::kWhole);
  EXPECT_EQ(record.type, RecordType::kHandshake);
  EXPECT_EQ(record.version, 0x0301);
  EXPECT_EQ(record.bytes(), hello.size());
  EXPECT_EQ(net::hex(record.body.substr(0, 6)),
            net::hex(std::string("\x01\x00", 2)) + "00" + net::hex(record.body.substr(3, 1)) + "0303");
  EXPECT_NE(hello.find("shop.test"), std::string::npos);
  EXPECT_NE(hello.find(bytes("000f000101")), std::string::npos);
  EXPECT_NE(hello.find(bytes("00ff")), std::string::npos);
}

TEST(ClientHello, AvoidsTheSizesThatHangOldLoadBalancers) {
  for (std::size_t name = 0; name < 250; ++name) {
    for (const TlsVersion version : {TlsVersion::k1_0, TlsVersion::k1_1, TlsVersion::k1_2, TlsVersion::k1_3}) {
      HelloAsk ask;
      ask.version = version;
      ask.heartbeat = name % 2 == 0;
      ask.server_name = std::string(name, 'a');
      const std::size_t message = client_hello(ask, some_random()).size() - kRecordHead;
      EXPECT_TRUE(message < 256 || message >= 512) << message;
      EXPECT_LE(message, 700U);
    }
  }
}

TEST(ClientHello, OfSsl3HasNoExtensions) {
  HelloAsk ask;
  ask.version = TlsVersion::kSsl3;
  ask.server_name = "shop.test";
  const std::string hello = client_hello(ask, some_random());
  EXPECT_EQ(net::hex(hello.substr(0, 3)), "160300");
  EXPECT_EQ(hello.find("shop.test"), std::string::npos);
  EXPECT_TRUE(hello.ends_with(bytes("0100")));
}

TEST(ClientHello, OfTls13OffersNothingElse) {
  HelloAsk ask;
  ask.version = TlsVersion::k1_3;
  const std::string hello = client_hello(ask, some_random());
  EXPECT_NE(hello.find(bytes("002b0003020304")), std::string::npos);
  EXPECT_NE(hello.find(bytes("00330026002400"
                             "1d0020")),
            std::string::npos);
  EXPECT_NE(hello.find(bytes("0006130113021303")), std::string::npos);
}

TEST(Records, AreReadStrictly) {
  TlsRecord record;
  EXPECT_EQ(front_record("", record), RecordState::kMore);
  EXPECT_EQ(front_record("5", record), RecordState::kBad) << "plain text is told by its first byte";
  EXPECT_EQ(front_record(bytes("16"), record), RecordState::kMore);
  EXPECT_EQ(front_record(bytes("1602"), record), RecordState::kBad);
  EXPECT_EQ(front_record(bytes("19030300"), record), RecordState::kBad);
  EXPECT_EQ(front_record(bytes("1603030000"), record), RecordState::kBad) << "an empty handshake record";
  EXPECT_EQ(front_record(bytes("1703030000"), record), RecordState::kWhole) << "empty data is allowed";
  EXPECT_EQ(front_record(bytes("1603034801"), record), RecordState::kBad) << "18433 bytes";
  EXPECT_EQ(front_record(bytes("1603034800"), record), RecordState::kMore) << "18432 bytes";
  const std::string alert = bytes(
      "15030300020228"
      "ffff");
  ASSERT_EQ(front_record(alert, record), RecordState::kWhole);
  EXPECT_EQ(record.bytes(), 7U);
  ASSERT_TRUE(alert_of(record));
  EXPECT_EQ(alert_of(record)->level, 2);
  EXPECT_EQ(alert_name(alert_of(record)->number), "handshake_failure");
}

std::string message(int type, const std::string& body) {
  return static_cast<char>(type) + std::string(1, '\0') + static_cast<char>(body.size() >> 8) +
         static_cast<char>(body.size() & 0xff) + body;
}

std::string hello_body(std::string_view extensions) {
  return bytes("0303") + std::string(32, 'r') + bytes("00c02f00") + bytes(extensions);
}

TEST(Flight, ReadsTheSameHoweverItIsCut) {
  const std::string chain = bytes(
      "000009"
      "000002aabb"
      "000001cc");
  const std::string flight = message(2, hello_body("000a"
                                                   "ff01000100"
                                                   "000f000101")) +
                             message(11, chain) + message(12, "key exchange") + message(13, "who are you") +
                             message(14, "");
  for (std::size_t step = 1; step <= flight.size(); ++step) {
    FlightReader reader;
    for (std::size_t at = 0; at < flight.size(); at += step) {
      ASSERT_FALSE(reader.flight().done);
      ASSERT_TRUE(reader.feed(std::string_view(flight).substr(at, step)));
    }
    const ServerFlight& seen = reader.flight();
    EXPECT_TRUE(seen.hello && seen.heartbeat && seen.done && seen.asks_certificate);
    EXPECT_EQ(seen.version, 0x0303);
    EXPECT_EQ(suite_name(seen.suite), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    EXPECT_EQ(seen.chain, (std::vector<std::string>{bytes("aabb"), bytes("cc")}));
  }
}

TEST(Flight, OfTls13TellsItsVersionInAnExtension) {
  FlightReader reader;
  ASSERT_TRUE(reader.feed(message(2, hello_body("0006"
                                                "002b00020304"))));
  EXPECT_EQ(version_from_wire(reader.flight().version), TlsVersion::k1_3);
}

TEST(Flight, IsRefusedWhenItIsNone) {
  const auto refused = [](const std::string& flight) { return !FlightReader().feed(flight); };
  EXPECT_TRUE(refused(message(11, "a certificate first")));
  EXPECT_TRUE(refused(message(2, "short")));
  EXPECT_TRUE(refused(message(2, hello_body("0005"
                                            "000f000200"))));
  EXPECT_TRUE(refused(message(2, hello_body("0005"
                                            "000f000103"))));
  EXPECT_TRUE(refused(message(2, bytes("0305") + std::string(32, 'r') + bytes("00c02f00")))) << "TLS 1.4";
  EXPECT_TRUE(refused(message(2, bytes("0303") + std::string(32, 'r') + bytes("21c02f00"))));
  EXPECT_TRUE(refused(message(2, hello_body("0000")) + message(2, hello_body("0000"))));
  EXPECT_TRUE(refused(message(2, hello_body("0000")) + message(14, "") + message(11, "afterwards")));
  EXPECT_TRUE(refused(bytes("02") + bytes("ffffff")));
}

TEST(Flight, HasAnEndEvenWhenItIsTooLong) {
  FlightReader reader;
  ASSERT_TRUE(reader.feed(message(2, hello_body("0000"))));
  const std::string piece = message(12, std::string(60'000, 'k'));
  int pieces = 0;
  while (reader.feed(piece)) ASSERT_LT(++pieces, 100);
  EXPECT_GT(pieces, 10);
}

TEST(Corpus, OfTheFuzzerDoesNotDependOnTheCuts) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EVERUP_SOURCE_DIR "/tests/fuzz/tls_records_corpus")) {
    const std::string bytes = everup::test::read_file(entry.path());
    const std::string whole = fuzz::heartbleed_outcome(bytes, bytes.size() + 1);
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{100}}) {
      EXPECT_EQ(fuzz::heartbleed_outcome(bytes, step), whole) << entry.path();
    }
    ++files;
  }
  EXPECT_GE(files, 20);
}

}  // namespace
}  // namespace everup::checker
