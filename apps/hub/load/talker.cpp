// Talker: one client of a load.
#include "load/talker.hpp"

#include <ieum/select.hpp>
#include <ieum/timeout.hpp>

#include "irc/text.hpp"

namespace ieum::hub {

using namespace std::chrono_literals;

namespace {

constexpr std::string_view mark = " :L ";  // before sender, number and time

std::uint64_t take_number(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::size_t number = number_of(text.substr(0, end), 0);
  text.remove_prefix(std::min(end + 1, text.size()));
  return number;
}

}  // namespace

Task<> Talker::run() {
  ConnectOptions options;
  options.timeout = 30s;
  StreamSocket socket = co_await StreamSocket::connect(load_.options.to, options);
  socket_ = std::move(socket);
  auto body = [this](Group& group) { return converse(group); };
  co_await with_group(body);
}

Task<> Talker::converse(Group& group) {
  co_await enter();
  if (++load_.ready == load_.options.clients) {
    load_.begin = now() + 100ms;
    load_.all_ready.set();
  }
  group.start(listen());
  co_await load_.all_ready.wait();
  co_await say();
  co_await end_after();
  group.stop();
}

Task<> Talker::enter() {
  const std::string nick = "load" + std::to_string(number_);
  std::string lines = "CAP REQ :echo-message\r\nNICK " + nick + "\r\nUSER " + nick +
                      " 0 * :load\r\nCAP END\r\nJOIN #load" + std::to_string(room()) + "\r\n";
  co_await socket_.write_all(lines);
  std::string received;
  for (;;) {
    const std::size_t end = co_await socket_.read_until(received, "\n", 64 * 1024);
    if (end == 0) co_await fail(Errc::end_of_stream, "enter", socket_.peer_address());
    const std::string line = received.substr(0, end);
    received.erase(0, end);
    const std::vector<std::string_view> words = split(line, ' ');
    const std::string_view number = words.size() > 1 ? words[1] : "";
    if (number == "366") co_return;
    if (line.starts_with("ERROR") || number == "433" || number == "405" || number == "FAIL") {
      Error error(std::errc::permission_denied, "enter", socket_.peer_address());
      error.set_detail(line.substr(0, 80));
      co_await fail(error);
    }
  }
}

Task<> Talker::say() {
  const LoadOptions& options = load_.options;
  const std::string head =
      "PRIVMSG #load" + std::to_string(room()) + std::string(mark) + std::to_string(number_) + " ";
  const auto clients = static_cast<double>(options.clients);
  for (;;) {
    TimePoint due = now();
    if (options.rate > 0) {
      const double turn = static_cast<double>(said_) * clients + static_cast<double>(number_);
      due = load_.begin + std::chrono::duration_cast<Duration>(
                              std::chrono::duration<double>(turn / options.rate));
    }
    if (due - load_.begin > std::chrono::duration<double>(options.seconds)) co_return;
    if (due > now()) co_await sleep(due - now());
    std::string line =
        head + std::to_string(++said_) + " " + std::to_string(due.time_since_epoch().count()) + " ";
    if (line.size() < options.bytes) line.append(options.bytes - line.size(), 'x');
    line += "\r\n";
    co_await socket_.write_all(line);
    ++load_.sent;
    if (options.rate > 0) continue;
    while (acknowledged_ < said_) {
      came_back_.reset();
      co_await came_back_.wait();
    }
  }
}

/// Until nobody says anything more and what was said has come back, and for a while for the copies
/// that others get.
Task<> Talker::end_after() {
  const auto length = std::chrono::duration<double>(load_.options.seconds);
  const TimePoint end = load_.begin + std::chrono::duration_cast<Duration>(length);
  if (now() < end) co_await sleep(end - now());
  const TimePoint until = now() + 20s;
  while (load_.acknowledged < load_.sent && now() < until) co_await sleep(50ms);
  co_await sleep(1s);
}

Task<> Talker::listen() {
  BufferedReader reader(socket_);
  while (const std::optional<std::string_view> line = co_await reader.read_line()) {
    if (line->starts_with("PING")) {
      std::string pong = "PONG" + std::string(line->substr(4)) + "\r\n";
      co_await socket_.write_some(std::as_bytes(std::span(pong)));
      continue;
    }
    hear(*line);
  }
  co_await fail(Errc::end_of_stream, "listen", socket_.peer_address());
}

void Talker::hear(std::string_view line) {
  const std::size_t at = line.find(mark);
  if (at == std::string_view::npos || !line.contains(" PRIVMSG ")) {
    if (line.contains("NOTICE") && line.contains("***")) ++load_.refused;
    return;
  }
  std::string_view rest = line.substr(at + mark.size());
  const std::uint64_t sender = take_number(rest);
  const std::uint64_t number = take_number(rest);
  const auto due = TimePoint(Duration(static_cast<std::int64_t>(take_number(rest))));
  const std::size_t place = sender / load_.options.rooms;
  if (place >= heard_.size()) heard_.resize(place + 1);
  if (number != heard_[place] + 1) ++load_.out_of_order;
  heard_[place] = number;
  ++load_.copies;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now() - due).count();
  load_.latencies.push_back(static_cast<std::uint32_t>(std::clamp<std::int64_t>(took, 0, 1 << 30)));
  if (sender != number_) return;
  acknowledged_ = number;
  ++load_.acknowledged;
  came_back_.set();
}

}  // namespace ieum::hub
