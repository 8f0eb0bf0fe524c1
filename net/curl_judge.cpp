// What an exchange that libcurl has ended is called: libcurl's code, the system's error and our own reasons, each
// translated into a cause. The second half of curl_transfer.cpp, under the same rules.
#include <curl/curl.h>
#include <errno.h>
#include <string.h>

#include <utility>

#include "net/curl_transfer.h"

namespace everup::net {

void CurlTransfer::say(Cause cause, std::string detail) {
  result_.cause = cause;
  result_.detail = printable(detail, 200);
}

std::string CurlTransfer::curl_words(int curl_code) const {
  const std::string_view words = error_text_.data();
  return std::string(words.empty() ? curl_easy_strerror(static_cast<CURLcode>(curl_code)) : words);
}

int CurlTransfer::system_error() const {
  long error = 0;
  return curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &error) == CURLE_OK ? static_cast<int>(error) : 0;
}

void CurlTransfer::judge_code(int curl_code) {
  if (secure_ && tls_.cut_off()) return say(tls_.cause(), tls_.detail());
  if (curl_code == CURLE_OK && !head_ended_) return say(Cause::kHttpTruncated, "the connection was closed in the head");
  if (curl_code == CURLE_OK || (result_.body_capped && stop_ == Cause::kOk)) return say(Cause::kOk);
  if (stop_ != Cause::kOk && !(stop_ == Cause::kAddressRefused && sockets_ > 0)) return say(stop_, stop_detail_);
  switch (curl_code) {
    case CURLE_COULDNT_CONNECT:
      return judge_connect();
    case CURLE_OPERATION_TIMEDOUT:
      return say(result_.times.connected <= 0 ? Cause::kConnectTimeout : Cause::kHttpTimeout, curl_words(curl_code));
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
      return judge_tls(curl_code);
    case CURLE_GOT_NOTHING:
      return say(Cause::kHttpEmptyReply, "the connection was closed without an answer");
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return judge_receive(curl_code);
    case CURLE_PARTIAL_FILE:
      return say(Cause::kHttpTruncated, curl_words(curl_code));
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:
      return say(Cause::kHttpEncoding, curl_words(curl_code));  // ours are flagged: the rest are decoders'
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return say(Cause::kHttpProtocol, curl_words(curl_code));
    case CURLE_OUT_OF_MEMORY:
      if (phase() == Phase::kWait || phase() == Phase::kTransfer) {
        return say(Cause::kHttpHeadTooLarge, "a header line is larger than 64 KiB");
      }
      return say(Cause::kOwnResources, curl_words(curl_code));
    default:
      return say(Cause::kInternal, "libcurl " + std::to_string(curl_code) + ": " + curl_words(curl_code));
  }
}

// Whose fault is it? The kernel's answer about our own side is never told as an outage (faults 1.3, DESIGN decision
// 16).
void CurlTransfer::judge_connect() {
  const int error = sockets_ == 0 ? own_error_ : system_error();
  const std::string words = error != 0 ? strerror(error) : curl_words(CURLE_COULDNT_CONNECT);
  switch (error) {
    case ECONNREFUSED:
      return say(Cause::kConnectRefused, words);
    case ETIMEDOUT:
      return say(Cause::kConnectTimeout, words);
    case EHOSTUNREACH:
    case EHOSTDOWN:
      return say(Cause::kHostUnreachable, words);
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case EPROTO:
    case ENOPROTOOPT:
      return say(Cause::kConnectReset, words);
    case ENETUNREACH:
      return say(Cause::kNetworkUnreachable, words);
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EAGAIN:
      return say(Cause::kOwnResources, words);
    case EACCES:
    case EPERM:
    case EINVAL:
    case ENETDOWN:
    case EAFNOSUPPORT:
      return say(Cause::kOwnNetwork, words);
    default:
      return say(Cause::kOwnResources, "connect: " + words);  // nothing the far side said
  }
}

void CurlTransfer::judge_tls(int curl_code) {
  if (tls_.cause() != Cause::kOk) return say(tls_.cause(), tls_.detail());
  say(Cause::kTlsHandshake, curl_words(curl_code));
}

void CurlTransfer::judge_receive(int curl_code) {
  if (secure_ && (result_.times.secured <= 0 || tls_.cause() != Cause::kOk)) return judge_tls(curl_code);
  const std::string words = curl_words(curl_code);
  // Without a word of the connection it is nghttp2 that ended a session which broke the rules.
  const bool broken =
      words.find("nghttp2") != std::string::npos || words == curl_easy_strerror(static_cast<CURLcode>(curl_code));
  if (broken) return say(Cause::kHttpProtocol, words);
  switch (system_error()) {
    case ECONNRESET:
    case EPIPE:
      return say(Cause::kHttpReset, words);
    case ETIMEDOUT:
      return say(head_bytes_ == 0 ? Cause::kHttpTimeout : Cause::kHttpTransferTimeout, words);
    case EHOSTUNREACH:
      return say(Cause::kHostUnreachable, words);
    case ENETUNREACH:
    case ENETDOWN:
      return say(Cause::kNetworkUnreachable, words);
    case ENOBUFS:
    case ENOMEM:
      return say(Cause::kOwnResources, words);
    default:
      break;
  }
  // Through TLS libcurl keeps no errno but writes it into its text; anything else here is broken framing.
  const bool reset = words.find("reset by peer") != std::string::npos || words.find("errno 104") != std::string::npos ||
                     words.find("Broken pipe") != std::string::npos || curl_code == CURLE_SEND_ERROR;
  say(reset ? Cause::kHttpReset : Cause::kHttpProtocol, words);
}

}  // namespace everup::net
