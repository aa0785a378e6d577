// ScriptedServer: a server on plain sockets that sends what a test has written down, right or
// wrong.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/http/client.hpp>

#include "conformance/conformance.hpp"

namespace ieum::test {

/// What the server does with one request.
struct Answer {
  enum class Then : std::uint8_t { keep, close, reset };
  std::string text;
  Then then = Then::keep;
  bool reads_head_only = false;  ///< answers before it has read the content
  bool reads_nothing = false;    ///< sends this before a request has come
  std::string before_content;    ///< sent when the head has come, as 100 Continue
  std::size_t piece = 0;         ///< sends the text in pieces of so many bytes; 0: at once
  Duration delay{};              ///< before it answers
};

/// A request as it came.
struct SeenRequest {
  std::string head;  ///< with the empty line
  std::string content;
  std::size_t connection = 0;
};

class ScriptedServer {
 public:
  /// What it does on each connection, in the order of the requests; when these are used up, it
  /// reads to the end. Further connections do what the last one does.
  explicit ScriptedServer(std::vector<std::vector<Answer>> connections)
      : connections_(std::move(connections)) {}

  [[nodiscard]] std::string url(std::string_view path = "/") const {
    return "http://" + address_ + std::string(path);
  }
  [[nodiscard]] std::string authority() const { return address_; }
  [[nodiscard]] const std::vector<SeenRequest>& requests() const noexcept { return requests_; }
  [[nodiscard]] std::size_t connections() const noexcept { return accepted_; }

  /// Runs `client`, a task that asks this server, beside it.
  template <class Client>
  Task<> run(Client client, std::string address = "127.0.0.1:0") {
    Listener listener = co_await Listener::bind(address);
    address_ = listener.address().to_string();
    auto both = [&](Group& group) -> Task<> {
      group.start(accept_all(listener, group));
      co_await client();
      group.stop();
    };
    co_await with_group(both);
  }

 private:
  Task<> accept_all(Listener& listener, Group& group) {
    for (;;) {
      StreamSocket socket = co_await listener.accept();
      group.start(serve(std::move(socket), accepted_++));
    }
  }

  Task<> serve(StreamSocket socket, std::size_t number) {
    Result<> done = co_await attempt(serve_script(socket, number));
    if (done) co_await attempt(socket.close());
  }

  Task<> serve_script(StreamSocket& socket, std::size_t number) {
    std::string come;
    const std::size_t which = std::min(number, connections_.size() - 1);
    for (const Answer& answer : connections_[which]) {
      if (!answer.reads_nothing) {
        const bool is_there = co_await read_request(socket, come, answer, number);
        if (!is_there) co_return;
      }
      if (answer.delay > Duration::zero()) co_await sleep(answer.delay);
      co_await send(socket, answer);
      if (answer.then == Answer::Then::reset) co_await socket.reset();
      if (answer.then == Answer::Then::close) {
        // What it has not read would make a reset of it.
        co_await socket.close_gracefully(patience);
      }
      if (answer.then != Answer::Then::keep) co_return;
    }
    for (;;) {
      const std::size_t count = co_await more(socket, come);
      if (count == 0) co_return;
      come.clear();
    }
  }

  static Task<> send(StreamSocket& socket, const Answer& answer) {
    std::string_view text = answer.text;
    while (!text.empty()) {
      const std::size_t size =
          answer.piece == 0 ? text.size() : std::min(answer.piece, text.size());
      co_await socket.write_all(text.substr(0, size));
      text.remove_prefix(size);
      if (answer.piece != 0) co_await yield();
    }
  }

  static Task<std::size_t> more(StreamSocket& socket, std::string& come) {
    const Lease data = co_await socket.receive();
    come += data.text();
    co_return data.size();
  }

  /// False: the client has gone.
  Task<bool> read_request(StreamSocket& socket, std::string& come, const Answer& answer,
                          std::size_t number) {
    std::size_t end = come.find("\r\n\r\n");
    while (end == std::string::npos) {
      const std::size_t count = co_await more(socket, come);
      if (count == 0) co_return false;
      end = come.find("\r\n\r\n");
    }
    requests_.push_back({come.substr(0, end + 4), {}, number});
    const std::size_t index = requests_.size() - 1;
    come.erase(0, end + 4);
    if (answer.reads_head_only) co_return true;
    if (!answer.before_content.empty()) co_await socket.write_all(answer.before_content);
    const std::string head = requests_[index].head;
    const std::size_t length = head.find("Content-Length: ");
    std::size_t whole = 0;
    if (length != std::string::npos) whole = std::stoul(head.substr(length + 16));
    const bool is_chunked = head.find("Transfer-Encoding: chunked") != std::string::npos;
    for (;;) {
      if (is_chunked) {
        const std::size_t last = come.find("0\r\n");
        const bool is_at_start = last == 0 || (last != std::string::npos && come[last - 1] == '\n');
        const std::size_t stop = is_at_start ? come.find("\r\n\r\n", last) : std::string::npos;
        whole = stop == std::string::npos ? come.size() + 1 : stop + 4;
      }
      if (come.size() >= whole) break;
      const std::size_t count = co_await more(socket, come);
      if (count == 0) co_return false;
    }
    requests_[index].content = come.substr(0, whole);
    come.erase(0, whole);
    co_return true;
  }

  std::vector<std::vector<Answer>> connections_;
  std::string address_;
  std::vector<SeenRequest> requests_;
  std::size_t accepted_ = 0;
};

/// A reply with a length.
inline Answer ok(std::string_view body, std::string_view fields = "") {
  Answer answer;
  answer.text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
                std::string(fields) + "\r\n" + std::string(body);
  return answer;
}
inline Answer raw(std::string_view text, Answer::Then then = Answer::Then::keep) {
  Answer answer;
  answer.text = text;
  answer.then = then;
  return answer;
}

/// The whole body of what a GET gives.
inline Task<std::string> get_text(http::Client& client, std::string url,
                                  http::RequestOptions options = {}) {
  http::Reply reply = co_await client.get(url, options);
  std::string text = co_await reply.body().text();
  co_return text;
}

}  // namespace ieum::test
