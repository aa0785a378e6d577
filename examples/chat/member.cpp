// Member: one client of the chat.
#include "member.hpp"

namespace chat {

using namespace std::chrono_literals;

namespace {

constexpr ieum::Duration close_max = 1s;  // for the client's own goodbye

}  // namespace

Member::Member(ieum::StreamSocket socket) : socket_(std::move(socket)) {
  using enum ieum::SocketOption;
  // A client that has vanished without a word (a pulled cable) is noticed within two minutes.
  socket_.set_option(so_keepalive, 1);
  socket_.set_option(tcp_keepidle, 60);
  socket_.set_option(tcp_keepintvl, 15);
  socket_.set_option(tcp_keepcnt, 4);
  // Lines that the client has not taken wait in the outbox, which is bounded and can drop them, and
  // not in the system's megabytes.
  socket_.set_option(tcp_notsent_lowat, 16 * 1024);
}

ieum::Task<std::optional<std::string>> Member::next_line() {
  bool too_long = false;
  for (;;) {
    ieum::Result<std::size_t> end =
        co_await ieum::attempt(socket_.read_until(received_, "\n", line_bytes_max));
    if (!end && end.error() != ieum::Errc::limit_exceeded) co_await ieum::fail(end.error());
    if (end && *end == 0 && received_.empty()) co_return std::nullopt;
    if (end && !too_long) {
      const bool is_last = *end == 0;  // without an end of its own
      std::string line = received_.substr(0, is_last ? received_.size() : *end - 1);
      received_.erase(0, is_last ? received_.size() : *end);
      if (line.ends_with('\r')) line.pop_back();  // as telnet sends it
      co_return line;
    }
    const std::size_t newline = received_.find('\n');
    too_long = newline == std::string::npos && !(end && *end == 0);
    received_.erase(0, newline == std::string::npos ? newline : newline + 1);
    if (!too_long) {
      tell("* That line was too long, nobody got it: at most " +
           std::to_string(line_bytes_max - 1) + " bytes.");
    }
  }
}

ieum::Task<> Member::send_lines() { co_await outbox_.send_to(socket_); }

ieum::Task<> Member::finish() {
  outbox_.close();
  ieum::Task<> flushing = outbox_.all_sent();
  co_await ieum::with_timeout(flush_max, std::move(flushing));
  co_await ieum::attempt(socket_.close_gracefully(close_max));
}

}  // namespace chat
