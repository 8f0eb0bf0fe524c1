// SHA-256 of what comes in pieces. Owned by one thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace everup::seal {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(std::string_view piece);
  std::string finish();  // 64 hex digits, lower case; the object is used up

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace everup::seal
