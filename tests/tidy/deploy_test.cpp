// The files that other programs read: nginx judges its configuration itself, docker-compose.yml is read as YAML and
// held to its promises.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/paths.h"

namespace everup::tidy {
namespace {

namespace fs = std::filesystem;

fs::path root() { return EVERUP_SOURCE_DIR; }

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

class Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "everup-tidy-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  ~Scratch() { fs::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

struct Ran {
  int status = -1;
  std::string output;
};
Ran run(const std::string& command) {
  Ran ran;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ran;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) ran.output.append(buffer.data(), n);
  ran.status = pclose(pipe);
  return ran;
}

TEST(Deploy, NginxTakesItsConfiguration) {
  const Scratch scratch;
  for (const char* name : {"everup.conf", "compose.conf"}) {
    std::string text = text_of(root() / "deploy/nginx" / name);
    ASSERT_FALSE(text.empty()) << name;
    replace_all(text, "/tmp/", scratch.path().string() + "/");
    std::ofstream(scratch.path() / name) << text;
  }
  const Ran ran = run("PATH=$PATH:/usr/sbin nginx -t -c " + (scratch.path() / "compose.conf").string());
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST(Deploy, ShellScriptsParse) {
  for (const char* script : {"run", "test", ".ci/run", "deploy/packages.sh", "deploy/make-env"}) {
    const Ran ran = run("bash -n " + (root() / script).string());
    EXPECT_EQ(ran.status, 0) << script << ": " << ran.output;
  }
  for (const char* script : {"run", "test", ".ci/run", "deploy/make-env"})
    EXPECT_NE(fs::status(root() / script).permissions() & fs::perms::owner_exec, fs::perms::none) << script;
}

TEST(Deploy, CommandsExplainThemselves) {
  const Ran help = run((root() / "run").string() + " --help");
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.output.find("--build-only"), std::string::npos);
  EXPECT_EQ(run((root() / "test").string() + " --help").status, 0);
  const Ran wrong = run((root() / "test").string() + " --nonsense");
  EXPECT_EQ(WEXITSTATUS(wrong.status), 2) << wrong.output;
}

TEST(Deploy, ComposeKeepsItsPromises) {
  const YAML::Node compose = YAML::LoadFile((root() / "docker-compose.yml").string());
  ASSERT_EQ(compose["services"].size(), 3u);
  int published = 0;
  for (const auto& entry : compose["services"]) {
    const auto name = entry.first.as<std::string>();
    const YAML::Node& service = entry.second;
    EXPECT_TRUE(service["read_only"].as<bool>(false)) << name;
    EXPECT_FALSE(service["user"].as<std::string>("0").starts_with("0")) << name;
    EXPECT_EQ(service["cap_drop"][0].as<std::string>(""), "ALL") << name;
    EXPECT_EQ(service["security_opt"][0].as<std::string>(""), "no-new-privileges:true") << name;
    EXPECT_TRUE(service["healthcheck"]["test"].IsSequence()) << name;
    for (const auto& port : service["ports"]) {
      EXPECT_EQ(port.as<std::string>(), "127.0.0.1:8080:8080") << name;
      ++published;
    }
    for (const auto& other : service["depends_on"])
      EXPECT_EQ(other.second["condition"].as<std::string>(), "service_healthy") << name;
  }
  EXPECT_EQ(published, 1);
  EXPECT_TRUE(compose["networks"]["inside"]["internal"].as<bool>());
  EXPECT_EQ(compose["services"]["db"]["image"].as<std::string>().substr(0, 11), "postgres:15");
  EXPECT_FALSE(compose["name"]) << "docker-compose 1.29 refuses it";
}

TEST(Deploy, MakeEnvWritesSecretsOnceAndForTheOwnerOnly) {
  const Scratch scratch;
  fs::create_directory(scratch.path() / "deploy");
  fs::copy_file(root() / "deploy/make-env", scratch.path() / "deploy/make-env");
  const std::string command = (scratch.path() / "deploy/make-env").string();
  ASSERT_EQ(run(command).status, 0);
  const std::string first = text_of(scratch.path() / ".env");
  EXPECT_NE(first.find("EVERUP_DB_PASSWORD="), std::string::npos);
  EXPECT_NE(first.find("EVERUP_SECRET_KEY="), std::string::npos);
  EXPECT_EQ(fs::status(scratch.path() / ".env").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_NE(run(command).status, 0);
  EXPECT_EQ(text_of(scratch.path() / ".env"), first);
}

// The packages that ./run installs are those that cmake asks for.
TEST(Deploy, PackagesComeFromOneList) {
  const Ran ran = run("bash -c '. " + (root() / "deploy/packages.sh").string() + "; everup_build_packages " +
                      root().string() + "; everup_test_packages " + root().string() + "'");
  ASSERT_EQ(ran.status, 0) << ran.output;
  for (const char* package : {"libcurl4-openssl-dev", "libpqxx-dev", "libkainjow-mustache-dev", "libgtest-dev",
                              "libgmock-dev", "postgresql-15", "nginx-light", "libbenchmark-dev"})
    EXPECT_NE(("\n" + ran.output).find("\n" + std::string(package) + "\n"), std::string::npos) << package;
}

}  // namespace
}  // namespace everup::tidy
