// Model: the sockets of a trace by inode, and what connects them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trace/byte_flow.hpp"
#include "trace/closing.hpp"
#include "trace/event.hpp"
#include "trace/programs.hpp"

namespace ieum::cli::trace {

/// A connection of two streams.
struct Link {
  struct End {
    std::string address{};
    std::uint64_t socket = 0;
    Seat seat{};                         ///< of the program that used it last
    std::string program{};               ///< its title; empty: none has
    std::optional<SocketState> state{};  ///< as last shown
    ByteFlow out{};                      ///< what it sends
    bool was_reset = false;              ///< it sent RST: unread bytes, or SO_LINGER
    std::uint64_t unread = 0;            ///< bytes that were unread then
    bool has_shut_down = false;
    bool has_stopped_receiving = false;  ///< by its own shutdown()
    bool is_closed = false;
  };
  std::string protocol{};
  std::array<End, 2> ends{};  ///< the client is the first, if that is known
  bool is_whole = true;       ///< seen from its beginning: which send a byte is of is known
  Closing closing{};
  Time longest_wait{};
  Time waited_until{};
  int waiting_end = 0;
};

struct Socket {
  std::string protocol{};
  std::string local{};
  bool listens = false;
  bool has_accepted = false;
  bool is_new = false;  ///< made within the trace
  Seat seat{};
  int fd = -1;
  std::shared_ptr<Link> link{};
  std::size_t side = 0;
};

class Model {
 public:
  static constexpr std::size_t sockets_max = 65'536;

  /// What a call touches, after it was taken in.
  struct Touch {
    Socket* socket = nullptr;
    Link* link = nullptr;  ///< none of datagrams, and before a socket is connected
    std::size_t side = 0;  ///< the socket's end of it
    int column = 0;
    int peer_column = -1;  ///< -1: it has no peer, or that has ended
  };
  Touch touch(const Event& call);

  /// The connection with these addresses, and which end has `local`; none if it is not known.
  [[nodiscard]] std::pair<Link*, std::size_t> find_link(const std::string& local,
                                                        const std::string& peer);

  struct Datagram {
    std::string from;
    std::int64_t bytes = 0;
    std::uint64_t number = 0;  ///< from 1, in the order in which they were sent
  };
  /// Gives its number; 0: it is not kept.
  std::uint64_t datagram_sent(const Event& call, const std::string& to);
  /// The oldest from this sender that was not received; one that is passed over is lost.
  [[nodiscard]] std::optional<Datagram> datagram_received(const Event& call);

  /// From now on an IP address has this name.
  void name(const std::string& address, const std::string& host);
  /// The name of the host of HOST:PORT; empty: not known.
  [[nodiscard]] std::string host_of(std::string_view address) const;

  /// The column of an end; -1: nobody has used it, or another program stands there by now.
  [[nodiscard]] int column_of(const Link::End& end) const { return programs_.column_of(end.seat); }

  [[nodiscard]] Programs& programs() noexcept { return programs_; }
  /// In the order in which they came.
  [[nodiscard]] const std::deque<std::shared_ptr<Link>>& links() const noexcept { return links_; }

 private:
  Socket& socket(std::uint64_t inode);
  void forget_oldest();
  void connect(Socket& socket, const Event& call);
  void accept(const Event& call);
  std::shared_ptr<Link> make_link(const std::string& key, const std::string& protocol);
  void take_end(const std::shared_ptr<Link>& link, std::size_t side, std::uint64_t inode,
                const std::string& address, int column);
  void take_seat(Link::End& end, int column);
  /// The column of the program with a socket at this address.
  [[nodiscard]] int column_at(const std::string& protocol, const std::string& address,
                              bool listens);

  Programs programs_;
  std::unordered_map<std::uint64_t, Socket> sockets_;
  std::deque<std::uint64_t> socket_order_;
  std::map<std::string, std::shared_ptr<Link>> by_key_;
  std::deque<std::shared_ptr<Link>> links_;
  std::uint64_t datagrams_sent_ = 0;
  std::map<std::string, std::string, std::less<>> hosts_;  // by address, without a port
  std::map<std::string, std::deque<Datagram>> datagrams_;  // by the receiver's address
};

}  // namespace ieum::cli::trace
