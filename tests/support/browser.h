// Chromium without a window, driven over two pipes (--remote-debugging-pipe: JSON texts that end with NUL): pages are
// opened with or without script and asked by expressions until they say what is waited for.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::test {

class Browser {
 public:
  explicit Browser(const TempDir& dir) {
    std::array<int, 2> to{}, from{};
    if (pipe2(to.data(), O_CLOEXEC) != 0 || pipe2(from.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    to_ = to[1], from_ = from[0];
    Child::Options options;
    options.keep_fds = {to[0], from[1]};
    const std::string command =
        "exec chromium-headless-shell --no-sandbox --disable-gpu --disable-dev-shm-usage "
        "--no-first-run --user-data-dir=" +
        dir.file("chromium") + " --remote-debugging-pipe 3<&" + std::to_string(to[0]) + " 4>&" +
        std::to_string(from[1]);
    child_ = std::make_unique<Child>(std::vector<std::string>{"bash", "-c", command}, std::move(options));
    close(to[0]);
    close(from[1]);
  }
  ~Browser() {
    close(to_);
    close(from_);
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  // A new page; the one asked from now on.
  void open(const std::string& url, bool script) {
    const auto target = ask("Target.createTarget", {{"url", "about:blank"}})["targetId"];
    session_ = ask("Target.attachToTarget", {{"targetId", target}, {"flatten", true}})["sessionId"];
    ask("Page.enable", nlohmann::json::object());
    ask("Emulation.setScriptExecutionDisabled", {{"value", !script}});
    ask("Page.navigate", {{"url", url}});
  }
  // What an expression is worth, as text; empty when it throws.
  std::string value(const std::string& expression) {
    const auto said = ask("Runtime.evaluate", {{"expression", "String(" + expression + ")"}, {"returnByValue", true}});
    return said.contains("exceptionDetails") ? "" : said["result"].value("value", "");
  }
  bool until(const std::string& expression, std::chrono::seconds limit = std::chrono::seconds(60)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
      if (value(expression) == "true") return true;
    }
    return false;
  }
  int dialogs() const { return dialogs_; }

 private:
  nlohmann::json ask(const std::string& method, const nlohmann::json& parameters) {
    nlohmann::json message{{"id", ++last_}, {"method", method}, {"params", parameters}};
    if (!session_.empty() && !method.starts_with("Target.")) message["sessionId"] = session_;
    const std::string text = message.dump() + '\0';
    if (write(to_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) throw std::runtime_error("browser");
    for (;;) {
      const auto said = nlohmann::json::parse(read_one());
      if (said.value("method", "") == "Page.javascriptDialogOpening") ++dialogs_;
      if (said.value("id", 0) != last_) continue;
      // A page that moves on while it is asked has no answer.
      if (said.contains("error") && method == "Runtime.evaluate") return {{"exceptionDetails", true}};
      if (said.contains("error")) throw std::runtime_error(method + ": " + said["error"].dump());
      return said["result"];
    }
  }
  std::string read_one() {
    std::size_t end = 0;
    while ((end = read_.find('\0')) == std::string::npos) {
      pollfd entry{from_, POLLIN, 0};
      char buffer[65536];
      const bool there = poll(&entry, 1, 60'000) > 0;
      const ssize_t got = there ? read(from_, buffer, sizeof buffer) : 0;
      if (got <= 0) throw std::runtime_error("browser is gone: " + child_->output());
      read_.append(buffer, static_cast<std::size_t>(got));
    }
    std::string one = read_.substr(0, end);
    read_.erase(0, end + 1);
    return one;
  }
  int to_ = -1, from_ = -1, last_ = 0, dialogs_ = 0;
  std::string read_, session_;
  std::unique_ptr<Child> child_;
};

}  // namespace everup::test
