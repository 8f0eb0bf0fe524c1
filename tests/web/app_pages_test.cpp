// The dashboard's files as browsers get them: bytes, codings, caches, policy, deep links; and of the committed build:
// that it is the sources' own, that it is small, that nothing in it makes markup or code out of text.
#include "api/app_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "net/digest.h"
#include "tests/api_routes/house_fixture.h"
#include "tests/paths.h"

namespace everup::api {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFirstLoadBytesMax = 45'000;
const fs::path kWeb = fs::path(EVERUP_SOURCE_DIR) / "web";

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string> files_under(const fs::path& root) {
  std::vector<std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file()) out.push_back(fs::relative(entry.path(), kWeb).string());
  std::sort(out.begin(), out.end());
  return out;
}

// Every "/app/assets/…" that a text names.
std::set<std::string> named_assets(const std::string& text) {
  std::set<std::string> out;
  const std::string mark = "\"/app/";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const auto from = at + mark.size();
    out.insert(text.substr(from, text.find('"', from) - from));
  }
  return out;
}

TEST(AppFiles, AreTheCommittedBuild) {
  std::size_t compared = 0;
  for (const std::string& path : files_under(kWeb / "dist")) {
    const std::string name = path.substr(std::string("dist/").size());
    if (name == "sources.txt") continue;
    const bool packed = name.ends_with(".br");
    const AppFile* file = find_app_file(packed ? name.substr(0, name.size() - 3) : name);
    ASSERT_NE(file, nullptr) << name;
    EXPECT_EQ(packed ? file->brotli : file->bytes, read_text(kWeb / path)) << name;
    ++compared;
  }
  EXPECT_GE(compared, 5u);
  EXPECT_EQ(find_app_file("assets/none.js"), nullptr);
  EXPECT_TRUE(std::is_sorted(app_files().begin(), app_files().end(),
                             [](const AppFile& a, const AppFile& b) { return a.name < b.name; }));
}

// As web/build.mjs computes it: each path with a line end, then its bytes.
TEST(AppFiles, AreBuiltFromTheseSources) {
  std::string all;
  for (const std::string& path : files_under(kWeb / "src")) all += path + "\n" + read_text(kWeb / path);
  std::string hex;
  for (const unsigned char byte : net::sha256(all)) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", byte);
    hex += two.data();
  }
  EXPECT_EQ(read_text(kWeb / "dist" / "sources.txt"), hex + "\n") << "run: node web/build.mjs";
}

TEST(AppFiles, TheFirstLoadIsSmallAndFromHere) {
  const AppFile* page = find_app_file("index.html");
  ASSERT_NE(page, nullptr);
  const std::string text(page->bytes);
  std::size_t scripts = 0;
  for (const std::string& name : named_assets(text)) {
    const AppFile* file = find_app_file(name);
    ASSERT_NE(file, nullptr) << name;
    EXPECT_FALSE(file->brotli.empty()) << name;
    if (name.ends_with(".js")) scripts += file->brotli.size();
  }
  EXPECT_GT(scripts, 5'000u);
  EXPECT_LE(scripts, kFirstLoadBytesMax);
  for (const std::string foreign : {"http:", "https:", "//", "<style", "onload", "javascript:"})
    EXPECT_EQ(text.find(foreign), std::string::npos) << foreign;
  for (auto at = text.find("<script"); at != std::string::npos; at = text.find("<script", at + 1))
    EXPECT_EQ(text.substr(text.find('>', at), 10), "></script>") << "an inline script";
}

TEST(AppFiles, SourcesMakeNoMarkupAndNoCodeOutOfText) {
  const std::array<std::string, 8> banned{"innerHTML",      "outerHTML", "insertAdjacentHTML", "dangerouslySet",
                                          "document.write", "eval(",     "new Function",       "srcdoc"};
  for (const std::string& path : files_under(kWeb / "src")) {
    const std::string text = read_text(kWeb / path);
    for (const std::string& word : banned) EXPECT_EQ(text.find(word), std::string::npos) << path << ": " << word;
    if (path.ends_with(".ts") || path.ends_with(".tsx") || path.ends_with(".css")) {
      EXPECT_TRUE(text.starts_with("//") || text.starts_with("/*")) << path << " says first what it is";
      EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 600) << path;
    }
  }
}

class AppPages : public ApiTest {
 protected:
  test::Reply get(const std::string& path, const std::string& fields = "") const {
    return call("GET", path, "", "", fields);
  }
};

TEST_F(AppPages, EveryAddressAnswersTheOnePage) {
  start();
  const std::string page(find_app_file("index.html")->bytes);
  for (const char* path : {"/app/", "/app/monitors", "/app/monitors/mon_1", "/app/monitors/mon_1/edit", "/app/%2e%2e",
                           "/app/settings?x=%22%3Cscript%3E"}) {
    const auto reply = get(path);
    EXPECT_EQ(reply.status, 200) << path;
    EXPECT_EQ(reply.body, page) << path;
    EXPECT_EQ(reply.field("content-type"), "text/html; charset=utf-8") << path;
    EXPECT_EQ(reply.field("cache-control"), "no-cache") << path;
    EXPECT_EQ(reply.field("set-cookie"), "") << path;
  }
  EXPECT_EQ(get("/app/a/b/c/d").status, 404);
  EXPECT_EQ(get("/app/assets/none.js").status, 404);
  EXPECT_EQ(get("/app/assets/..%2f..%2fsources.txt").status, 404);
  const auto entry = get("/app");
  EXPECT_EQ(entry.status, 308);
  EXPECT_EQ(entry.field("location"), "/app/");
  EXPECT_EQ(call("POST", "/app/", "", "{}").status, 405);
}

TEST_F(AppPages, TheRootLeadsHere) {
  start();
  const auto reply = get("/");
  EXPECT_EQ(reply.status, 302);
  EXPECT_EQ(reply.field("location"), "/app/");
}

TEST_F(AppPages, ThePolicyForbidsWhatIsNotOurs) {
  start();
  const auto reply = get("/app/");
  const std::string policy = reply.field("content-security-policy");
  for (const std::string part : {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
                                 "require-trusted-types-for 'script'"})
    EXPECT_NE(policy.find(part), std::string::npos) << part;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(policy.find("http"), std::string::npos);
  EXPECT_EQ(reply.field("x-content-type-options"), "nosniff");
  EXPECT_EQ(reply.field("referrer-policy"), "no-referrer");
}

TEST_F(AppPages, AssetsAreKeptForEverInEveryCoding) {
  start();
  for (const AppFile& file : app_files()) {
    if (file.name == "index.html") continue;
    const std::string path = "/app/" + std::string(file.name);
    const auto plain = get(path);
    EXPECT_EQ(plain.status, 200) << path;
    EXPECT_EQ(plain.body, file.bytes) << path;
    EXPECT_EQ(plain.field("content-type"), app_media_type(file.name)) << path;
    EXPECT_EQ(plain.field("cache-control"), "public, max-age=31536000, immutable") << path;
    EXPECT_EQ(plain.field("expires"), "") << path;
    const auto brotli = get(path, "Accept-Encoding: gzip, br;q=0.9\r\n");
    EXPECT_EQ(brotli.field("content-encoding"), "br") << path;
    EXPECT_EQ(brotli.body, file.brotli) << path;
    EXPECT_EQ(brotli.field("vary").find("Accept-Encoding") == std::string::npos, false) << path;
    EXPECT_NE(brotli.field("etag"), plain.field("etag")) << path;
    const auto refused = get(path, "Accept-Encoding: br;q=0\r\n");
    EXPECT_EQ(refused.field("content-encoding"), "") << path;
    if (file.bytes.size() >= 1024) {
      EXPECT_EQ(get(path, "Accept-Encoding: gzip\r\n").field("content-encoding"), "gzip") << path;
    }
  }
}

TEST_F(AppPages, TagsAreStrongAndAnswered) {
  start();
  for (const std::string coding : {"", "Accept-Encoding: br\r\n", "Accept-Encoding: gzip\r\n"}) {
    for (const std::string& path : {std::string("/app/"), "/app/" + std::string(app_files().front().name)}) {
      const auto first = get(path, coding);
      const std::string tag = first.field("etag");
      ASSERT_TRUE(tag.starts_with("\"")) << path;
      const auto again = get(path, coding + "If-None-Match: " + tag + "\r\n");
      EXPECT_EQ(again.status, 304) << path << coding;
      EXPECT_EQ(again.body, "") << path;
      EXPECT_EQ(again.field("etag"), tag) << path << coding;
    }
  }
  EXPECT_EQ(call("HEAD", "/app/", "").body, "");
}

}  // namespace
}  // namespace everup::api
