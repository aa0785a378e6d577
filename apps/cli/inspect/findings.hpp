// Findings: why each socket of a table does not move, in words for whoever looks at it from
// outside. The causes are those of `diagnose`; what a single socket cannot know comes from the
// table: its other end, its listener, what its program is blocked in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <ieum/explain.hpp>
#include <ieum/socket_table.hpp>

namespace ieum::cli {

struct Finding {
  Stall::Cause cause = Stall::Cause::moving;
  bool is_stuck = false;    ///< something is in its way, and has been for a while
  bool is_leaking = false;  ///< CLOSE-WAIT: its program has not closed it
};

/// "peer_does_not_read"
[[nodiscard]] std::string_view to_string(Stall::Cause cause) noexcept;
/// "tcp", "udp", "unix"
[[nodiscard]] std::string_view protocol_of(const SocketInfo& info) noexcept;
/// "127.0.0.1:80"; "*:80": every address, of both families.
[[nodiscard]] std::string address_text(const Address& address);
/// "established"; "unconnected" of one that is neither connected nor listening.
[[nodiscard]] std::string_view state_of(const SocketEntry& socket) noexcept;
/// "python3 server.py": a process in a few words, of printable characters only.
[[nodiscard]] std::string title_of(const SocketProcess& process);

class Findings {
 public:
  /// How long something must have been so before it counts as stuck.
  static constexpr Duration patience = std::chrono::seconds(1);
  /// The same where nothing is wrong but nothing will happen either.
  static constexpr Duration long_patience = std::chrono::seconds(3);

  explicit Findings(const SocketTable& table);

  [[nodiscard]] const SocketTable& table() const noexcept { return table_; }
  [[nodiscard]] const SocketEntry& socket(std::uint32_t index) const noexcept {
    return table_.sockets()[index];
  }
  [[nodiscard]] const Finding& operator[](std::uint32_t index) const noexcept {
    return all_[index];
  }
  /// One sentence without a full stop.
  [[nodiscard]] std::string sentence(std::uint32_t index) const;
  /// "it waits for python3 client.py (pid 900) to send; last data came 2 s ago, ...": of a
  /// connection on which nothing is under way, whose program waits for input.
  [[nodiscard]] std::string sentence_of_waiting(std::uint32_t index) const;
  /// Who has it open: "nginx (pid 812, fd 6) and 3 more".
  [[nodiscard]] std::string holders(std::uint32_t index) const;
  /// Some process has it open, and it may not be seen which.
  [[nodiscard]] bool is_hidden(std::uint32_t index) const noexcept;

 private:
  /// What waits at a listener.
  struct Queue {
    Duration oldest{};                   // how long the first one has waited to be accepted
    std::vector<std::uint32_t> clients;  // that are not even let into the backlog; a few of them
    std::size_t clients_count = 0;
  };
  static constexpr std::size_t clients_named = 3;

  void collect_queues();
  [[nodiscard]] Finding judge(std::uint32_t index) const;
  [[nodiscard]] Finding judge_listener(std::uint32_t index) const;
  [[nodiscard]] Finding judge_datagrams(std::uint32_t index) const;
  [[nodiscard]] Finding judge_idle(std::uint32_t index) const;
  [[nodiscard]] Finding judge_unix(std::uint32_t index) const;
  [[nodiscard]] Finding judge_close_wait(std::uint32_t index) const;
  [[nodiscard]] Finding judge_by_diagnosis(std::uint32_t index) const;

  [[nodiscard]] bool is_blocked_receiving(std::uint32_t index) const noexcept;
  [[nodiscard]] bool is_blocked_sending(std::uint32_t index) const noexcept;
  /// What is pending on it cannot be known, or not all of it.
  [[nodiscard]] bool may_be_waited_for(std::uint32_t index) const noexcept;
  /// A client that has sent something and got nothing since.
  [[nodiscard]] bool has_asked(std::uint32_t index) const noexcept;
  /// "the program waits for it in recvfrom()"; empty if nothing is known.
  [[nodiscard]] std::string doing(std::uint32_t index) const;
  /// "; " and that.
  [[nodiscard]] std::string and_doing(std::uint32_t index) const;
  /// "nginx (pid 812)", or "the program".
  [[nodiscard]] std::string program(std::uint32_t index) const;
  /// The peer: "python3 client.py (pid 900)", or its address.
  [[nodiscard]] std::string peer(std::uint32_t index) const;

  [[nodiscard]] std::string say_listener(std::uint32_t index) const;
  [[nodiscard]] std::string say_datagrams(std::uint32_t index) const;
  [[nodiscard]] std::string say_connecting(std::uint32_t index) const;
  [[nodiscard]] std::string say_unaccepted(std::uint32_t index) const;
  [[nodiscard]] std::string say_sending(std::uint32_t index) const;
  [[nodiscard]] std::string say_unread(std::uint32_t index) const;
  [[nodiscard]] std::string say_ending(std::uint32_t index) const;
  [[nodiscard]] std::string say_idle(std::uint32_t index) const;

  const SocketTable& table_;
  std::unordered_map<std::uint32_t, Queue> queues_;
  std::unordered_set<std::uint16_t> served_ports_;  // TCP, with a listener here
  std::vector<Finding> all_;
};

}  // namespace ieum::cli
