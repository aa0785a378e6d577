// Member: one client of the chat: its socket, its name, the lines that it sends and is to get.
#pragma once

#include <optional>
#include <string>

#include <ieum/ieum.hpp>

#include "outbox.hpp"

namespace chat {

class Member {
 public:
  static constexpr std::size_t line_bytes_max = 1024;
  /// Who leaves has so long to take the lines that wait for him.
  static constexpr ieum::Duration flush_max = std::chrono::seconds(10);

  explicit Member(ieum::StreamSocket socket);

  std::string name;
  std::string room;

  /// Puts a line into the member's outbox. Never waits.
  void tell(Line line) { outbox_.add(std::move(line)); }
  void tell(std::string text) { tell(make_line(std::move(text))); }

  /// The next line that the client sends, without its end; none when it has finished. A line that
  /// is too long is ignored, and the client told.
  ieum::Task<std::optional<std::string>> next_line();
  /// Sends what is told, until `finish`.
  ieum::Task<> send_lines();
  /// Waits until the last line is out, and closes the connection.
  ieum::Task<> finish();

  /// Asks the session to end, from wherever.
  void leave() noexcept { leaving_.set(); }
  [[nodiscard]] bool is_leaving() const noexcept { return leaving_.is_set(); }
  [[nodiscard]] auto asked_to_leave() noexcept { return leaving_.wait(); }

 private:
  ieum::StreamSocket socket_;
  std::string received_;
  Outbox outbox_;
  ieum::Event leaving_;
};

}  // namespace chat
