// The HTTP benchmark's client with libcurl's multi interface, which epoll(7) drives: an easy handle
// each, used again.
#include <curl/curl.h>
#include <sys/epoll.h>

#include <array>
#include <string>
#include <vector>

#include "http_programs/client.hpp"

namespace {

int epoll = -1;
long limit_ms = -1;

std::size_t take(char* data, std::size_t /*one*/, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, count);
  return count;
}

int watch(CURL* /*easy*/, curl_socket_t socket, int what, void* multi, void* known) {
  epoll_event event{};
  event.data.fd = socket;
  if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
  if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
  } else if (known == nullptr) {
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    curl_multi_assign(multi, socket, multi);
  } else {
    ::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event);
  }
  return 0;
}

int set_limit(CURLM* /*multi*/, long ms, void* /*unused*/) {
  limit_ms = ms;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bench::ClientRun run(argc, argv);
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* const multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, multi);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_limit);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(run.connections));
  std::vector<std::string> bodies(static_cast<std::size_t>(run.connections));
  for (std::string& body : bodies) {
    CURL* const easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, run.url.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, &body);
    curl_multi_add_handle(multi, easy);
  }
  std::array<epoll_event, 1024> events;
  for (int running = 1;;) {
    const int count = limit_ms == 0
                          ? 0
                          : ::epoll_wait(epoll, events.data(), events.size(),
                                         limit_ms < 0 ? 10'000 : static_cast<int>(limit_ms));
    if (count == 0) {
      limit_ms = -1;
      curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      int what = 0;
      if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) what |= CURL_CSELECT_IN;
      if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
      curl_multi_socket_action(multi, event.data.fd, what, &running);
    }
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      if (message->data.result != CURLE_OK) {
        bench::ClientRun::fail(curl_easy_strerror(message->data.result));
      }
      CURL* const easy = message->easy_handle;
      std::string* body = nullptr;
      curl_easy_getinfo(easy, CURLINFO_PRIVATE, &body);
      if (!run.done(*body)) return 0;
      body->clear();
      curl_multi_remove_handle(multi, easy);
      curl_multi_add_handle(multi, easy);
    }
  }
}
