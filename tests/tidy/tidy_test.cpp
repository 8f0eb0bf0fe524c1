// The repository's own rules: first that each of them bites, then that the tree keeps them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/paths.h"
#include "tests/tidy/tidy_rules.h"

namespace everup::tidy {
namespace {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Everything that belongs to the repository: no build output, no hidden folders but .ci, no foreign code.
std::vector<File> tree() {
  std::vector<File> files;
  const fs::path root = EVERUP_SOURCE_DIR;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::recursive_directory_iterator(); ++it) {
    const std::string name = it->path().filename().string();
    const bool foreign =
        name.starts_with("build") || name == "node_modules" || (name.starts_with(".") && name != ".ci");
    if (it->is_directory() && foreign) it.disable_recursion_pending();
    if (!it->is_regular_file()) continue;
    const std::string path = fs::relative(it->path(), root).string();
    if (is_text(path)) files.push_back({path, read_text(it->path())});
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

std::string lines(int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += "  f();\n";
  return out;
}

TEST(TidyRules, AnUpwardIncludeIsFound) {
  EXPECT_TRUE(check_includes({"api/x.cpp", "#include \"db/session.h\"\n"}).empty());
  EXPECT_TRUE(check_includes({"tests/net/x.cpp", "#include \"api/routes.h\"\n"}).empty());
  EXPECT_EQ(check_includes({"scheduler/x.cpp", "// x\n#include \"db/session.h\"\n"}).at(0).line, 2);
  EXPECT_EQ(check_includes({"core/x.h", "#include \"net/loop.h\"\n"}).size(), 1u);
  EXPECT_EQ(check_includes({"api/x.cpp", "#include \"scheduler/worker.h\"\n"}).size(), 1u);
  EXPECT_EQ(check_includes({"api/x.cpp", "#include \"routes.h\"\n"}).size(), 1u);
}

TEST(TidyRules, AForeignHeaderHasOneHome) {
  EXPECT_TRUE(check_includes({"net/curl_multi.cpp", "#include <curl/curl.h>\n"}).empty());
  EXPECT_EQ(check_includes({"checker/http_probe.cpp", "#include <curl/curl.h>\n"}).size(), 1u);
  EXPECT_EQ(check_includes({"net/curl_multi.h", "#include <curl/curl.h>\n"}).size(), 1u);
  EXPECT_TRUE(check_includes({"db/session.cpp", "#include <pqxx/pqxx>\n"}).empty());
  EXPECT_EQ(check_includes({"db/session.h", "#include <pqxx/pqxx>\n"}).size(), 1u);
  EXPECT_TRUE(check_includes({"db/monitor_json.cpp", "#include <nlohmann/json.hpp>\n"}).empty());
  EXPECT_TRUE(check_includes({"checker/assert_json.cpp", "#include <nlohmann/json.hpp>\n"}).empty());
  EXPECT_EQ(check_includes({"core/monitor_json.cpp", "#include <nlohmann/json.hpp>\n"}).size(), 1u);
  EXPECT_EQ(check_includes({"core/x.cpp", "#include <fmt/format.h>\n"}).size(), 1u);
  EXPECT_EQ(check_includes({"core/x.cpp", "#include <unistd.h>\n"}).size(), 1u);
  EXPECT_EQ(check_includes({"net/x.cpp", "#include <boost/any.hpp>\n"}).size(), 1u);
  EXPECT_TRUE(check_includes({"net/x.cpp", "#include <sys/epoll.h>\n#include <vector>\n"}).empty());
}

TEST(TidyRules, LongFilesAndFunctionsAreFound) {
  const std::string fits = "void f() {\n" + lines(70) + "}\n";
  const std::string long_one = "void g() {\n" + lines(71) + "}\n";
  EXPECT_TRUE(check_lengths({"net/x.cpp", "namespace a {\nclass B {\n" + fits + "};\n}\n"}).empty());
  const Complaints found = check_lengths({"net/x.cpp", "namespace a {\nclass B {\n" + fits + long_one + "};\n}\n"});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].line, 75);
  EXPECT_EQ(check_lengths({"net/x.cpp", std::string(601, '\n')}).size(), 1u);
  EXPECT_TRUE(check_lengths({"tests/net/x.cpp", std::string(1200, '\n')}).empty());
  const std::string table = "const Row kRows[] = {\n" + lines(90) + "};\n";
  EXPECT_TRUE(check_lengths({"net/x.cpp", table}).empty()) << "a table is no function";
  EXPECT_TRUE(check_lengths({"net/x.cpp", "const char* k = \"void f() {\";\n" + lines(90)}).empty());
}

TEST(TidyRules, CodeIsToldFromLiteralsAndComments) {
  EXPECT_EQ(code_only("a // b\nc"), "a     \nc");
  EXPECT_EQ(code_only("x(\"}\\\"\", 1'000, '}')"), "x(     , 1'000,    )");
  EXPECT_EQ(code_only("R\"q({)q\";"), "        ;");
}

TEST(TidyRules, BannedWordsAreFound) {
  const std::string later = std::string("TO") + "DO";
  EXPECT_EQ(check_words({"docs/x.md", "fine\n" + later + ": more\n"}).at(0).line, 2);
  EXPECT_TRUE(check_words({"docs/x.md", later + "S mkdtemp XXXX" + "XX\n"}).empty()) << "whole words only";
  EXPECT_EQ(check_words({"run", std::string("cd /wo") + "rk/main\n"}).size(), 1u);
  EXPECT_EQ(check_code_words({"net/x.cpp", std::string("std::") + "regex r;\n"}).size(), 1u);
  EXPECT_EQ(check_code_words({"net/x.h", "using namespace std;\n"}).size(), 1u);
  EXPECT_EQ(check_code_words({"tests/net/x.cpp", std::string("std::this_thread::sleep") + "_for(1s);\n"}).size(), 1u);
  EXPECT_EQ(check_code_words({"db/x.cpp", "auto t = std::chrono::steady_clock::now();\n"}).size(), 1u);
  EXPECT_TRUE(check_code_words({"net/clock.cpp", "clock_gettime(CLOCK_REALTIME, &t);\n"}).empty());
  EXPECT_EQ(check_opening({"net/x.cpp", "#include <vector>\n"}).size(), 1u);
  EXPECT_TRUE(check_opening({"net/x.cpp", "#include \"net/x.h\"\n"}).empty());
  EXPECT_EQ(check_opening({"net/x.cpp", "#include \"net/y.h\"\n"}).size(), 1u);
  EXPECT_EQ(check_name("net/string_utils.h").size(), 1u);
  EXPECT_TRUE(check_name("net/loop.h").empty());
}

TEST(TidyTree, KeepsTheRules) {
  Complaints complaints;
  std::size_t cpp = 0;
  for (const File& file : tree()) {
    cpp += is_cpp(file.path) ? 1U : 0U;
    const Complaints found = check(file);
    complaints.insert(complaints.end(), found.begin(), found.end());
  }
  EXPECT_GT(cpp, 20u) << "the tree was not found";
  EXPECT_TRUE(complaints.empty()) << printed(complaints);
}

TEST(TidyTree, EveryHeaderIsIncludedOnce) {
  for (const File& file : tree()) {
    if (!file.path.ends_with(".h")) continue;
    EXPECT_NE(file.text.find("#pragma once\n"), std::string::npos) << file.path << ":1: no #pragma once";
  }
}

TEST(TidyTree, EveryTopFolderIsTold) {
  const std::string map = read_text(fs::path(EVERUP_SOURCE_DIR) / "docs/ARCHITECTURE.md");
  std::set<std::string> folders;
  for (const File& file : tree())
    if (file.path.find('/') != std::string::npos) folders.insert(file.path.substr(0, file.path.find('/')));
  for (const std::string& folder : folders)
    EXPECT_NE(map.find("`" + folder + "/`"), std::string::npos)
        << "docs/ARCHITECTURE.md does not tell what " << folder << "/ is";
}

TEST(TidyTree, EverySettingInTheReadmeExists) {
  // What the documents promise and the code does not know is worse than silence.
  std::string code;
  for (const File& file : tree())
    if (is_cpp(file.path) || file.path == "docker-compose.yml") code += file.text;
  const std::string readme = read_text(fs::path(EVERUP_SOURCE_DIR) / "README.md");
  for (auto at = readme.find("EVERUP_"); at != std::string::npos; at = readme.find("EVERUP_", at + 1)) {
    std::size_t end = at;
    while (end < readme.size() && (std::isupper(static_cast<unsigned char>(readme[end])) != 0 || readme[end] == '_'))
      ++end;
    std::string name = readme.substr(at, end - at);
    const std::string secret_file = name.ends_with("_FILE") ? name.substr(0, name.size() - 5) : name;
    const bool known =
        code.find(name) != std::string::npos || code.find("\"" + secret_file.substr(7) + "\"") != std::string::npos;
    EXPECT_TRUE(known) << "README.md names " << name << ", which nothing reads";
  }
}

}  // namespace
}  // namespace everup::tidy
