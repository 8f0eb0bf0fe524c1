// C handles with one owner: using EasyHandle = Handle<CURL, curl_easy_cleanup>; costs no more than the raw pointer.
#pragma once

#include <memory>

namespace everup::net {

template <auto kFree>
struct HandleFree {
  template <class T>
  void operator()(T* handle) const noexcept {
    kFree(handle);
  }
};

template <class T, auto kFree>
using Handle = std::unique_ptr<T, HandleFree<kFree>>;

}  // namespace everup::net
