// What one Heartbleed connection makes of any bytes, in words; shared by the fuzzer and by the replay of its corpus.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "checker/heartbleed_exchange.h"

namespace everup::fuzz {

// `step` bytes at a time, as a stream gives them: what was not taken stays in front.
inline std::string heartbleed_outcome(std::string_view bytes, std::size_t step) {
  checker::HeartbleedRandom random;
  random.p = std::string(32, 'p'), random.c = std::string(32, 'c'), random.padding = std::string(16, '.');
  checker::HeartbleedExchange exchange({}, "fuzz.test", std::move(random));
  std::string kept;
  while (!bytes.empty() && !exchange.ended()) {
    kept += bytes.substr(0, step);
    bytes.remove_prefix(std::min(step, bytes.size()));
    const std::size_t taken = exchange.on_bytes(kept, 0);
    if (taken > kept.size()) std::abort();
    kept.erase(0, taken);
    if (!exchange.ended() && kept.size() > checker::kRecordHead + checker::kRecordBytesMax) std::abort();
  }
  exchange.on_close();
  if (!exchange.ended()) std::abort();
  const checker::HeartbleedConnection connection = exchange.take();
  std::string out = std::to_string(static_cast<int>(connection.end)) + " alert " + std::to_string(connection.alert) +
                    " version " + std::to_string(connection.version) + (connection.extension ? " extension" : "");
  if (connection.seen.size() > HeartbleedReport::kSeenMax) std::abort();
  for (const HeartbleedReport::Seen& one : connection.seen) {
    out += " " + std::to_string(one.type) + ":" + std::to_string(one.length) + ":" + std::to_string(one.alert);
  }
  return out;
}

}  // namespace everup::fuzz
