// An answer that goes on: whoever makes it gives frames, from any thread, and the front writes them as they come
// (server-sent events, a page that grows). It costs a connection and no thread.
//
//   HttpResponse r = stream_answer("text/event-stream", {.ping = ": ping\n\n", .begin = [hub](auto to) { hub->add(to);
//   }, .closed = …}); r.body = first_frames;         // written with the head, of any size
//
// A reader who is behind by kBufferBytes when the next frame comes is dropped: he comes back and asks for what he
// missed. Frames are whole or not at all. The connection ends after the answer; also when we stop, and after
// FrontLimits::stream_age, both with the farewell, so that no key is listened with for much longer than it is valid.
//
// Thread: send() and end() any; begin and closed on the front's loop. A Subscription may outlive its connection and its
// front: then send() says false.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "api/http_response.h"

namespace everup::api {

class Subscription {
 public:
  static constexpr std::size_t kBufferBytes = 64 * 1024;
  static constexpr std::size_t kFrameBytesMax = 512 * 1024;

  // `wake` asks the front to look after this connection on its loop; false: it cannot be asked now.
  explicit Subscription(std::function<bool()> wake) : wake_(std::move(wake)) {}
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Takes the frame. False: nobody reads it any more, or he reads too slowly and is dropped for it.
  bool send(std::string_view frame);
  // What was sent still goes out, then the connection closes.
  void end();
  bool gone();

  // ---- for the front, on its loop
  struct Turn {
    std::string bytes;  // to be written
    bool ended = false, behind = false;
  };
  Turn take();
  // So many bytes of what was taken wait for the peer.
  void unsent(std::size_t bytes);
  // No connection any more.
  void detach();

 private:
  bool ask_locked();

  std::mutex mutex_;
  std::function<bool()> wake_;  // null: detached
  std::string pending_;         // not taken yet
  std::size_t unsent_ = 0;      // taken and not written
  bool asked_ = false, ended_ = false, behind_ = false;
};

// What makes an answer go on. `begin` comes once the head is written, then `closed` once, whatever happens; neither for
// HEAD or when the front has no room (503).
struct StreamPlan {
  std::string ping;      // after FrontLimits::stream_ping without a byte; empty: never
  std::string farewell;  // when we end it: shut-down, age
  std::function<void(std::shared_ptr<Subscription>)> begin;
  std::function<void()> closed;
};

// 200 with the fields that keep everything between us and the reader from holding lines back.
HttpResponse stream_answer(std::string content_type, StreamPlan plan);

// One server-sent event: `id` and `event` may be empty, `data` of several lines becomes several fields.
std::string event_frame(std::string_view id, std::string_view event, std::string_view data);

}  // namespace everup::api
