#include "app/deadman.h"

#include <fmt/format.h>

#include <utility>

#include "net/curl_client.h"

namespace everup::app {

Deadman::Deadman(std::string url, std::function<std::string()> well, std::function<void(const std::string&)> say,
                 milliseconds every)
    : url_(std::move(url)), well_(std::move(well)), say_(std::move(say)), every_(every), thread_([this] { run(); }) {}

Deadman::~Deadman() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::string Deadman::turn() {
  if (auto trouble = well_(); !trouble.empty()) return "the dead man's switch is not called: " + trouble;
  const auto answer = net::http_request(
      {.method = "GET", .url = url_, .unix_socket = {}, .headers = {}, .body = {}, .timeout_ms = 3'000});
  if (!answer) return "the dead man's switch cannot be called: " + answer.error().what;
  if (answer->status / 100 != 2) return fmt::format("the dead man's switch answers {}", answer->status);
  return {};
}

void Deadman::run() {
  std::string told;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, every_, [this] { return ends_; })) {
    lock.unlock();
    const std::string trouble = turn();
    if (trouble != told) say_(trouble.empty() ? "the dead man's switch is called again" : trouble);
    told = trouble;
    lock.lock();
  }
}

}  // namespace everup::app
