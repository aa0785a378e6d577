// DatagramBatch: memory to receive many datagrams into with one call, and what came.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <ieum/datagram.hpp>

#pragma GCC visibility push(default)
namespace ieum {

class DatagramSocket;
namespace detail {
class ReceiveBatch;
class ReceiveOne;
}  // namespace detail

/// Room for datagrams, reused from one `DatagramSocket::receive` to the next; then those that came,
/// in their order. What it gives refers to its memory and lasts until the next receive into it.
class DatagramBatch {
 public:
  static constexpr std::size_t messages_max_default = 64;
  static constexpr std::size_t bytes_max_default = 2048;
  /// The most that the system gives as one message.
  static constexpr std::size_t message_bytes_max = 65'535;

  /// Room for `messages_max` datagrams, at least 1, of up to `bytes_max` bytes each; longer ones
  /// are cut. From a socket that takes several datagrams as one message
  /// (`DatagramOptions::segmentation`), a batch may be larger by as many as the system joins, 128 a
  /// message; then each message has room for all that UDP carries, of which only as much becomes
  /// resident as was ever filled. The memory is taken at the first receive.
  explicit DatagramBatch(std::size_t messages_max = messages_max_default,
                         std::size_t bytes_max = bytes_max_default);

  [[nodiscard]] std::span<const Datagram> datagrams() const noexcept { return datagrams_; }
  operator std::span<const Datagram>() const noexcept { return datagrams_; }
  [[nodiscard]] std::size_t size() const noexcept { return datagrams_.size(); }
  [[nodiscard]] bool empty() const noexcept { return datagrams_.empty(); }
  [[nodiscard]] const Datagram& operator[](std::size_t at) const noexcept { return datagrams_[at]; }
  [[nodiscard]] auto begin() const noexcept { return datagrams_.begin(); }
  [[nodiscard]] auto end() const noexcept { return datagrams_.end(); }

 private:
  friend class detail::ReceiveBatch;
  friend class detail::ReceiveOne;
  friend class DatagramSocket;

  /// Empty, with room for messages; for whole ones if `joined`.
  std::span<Datagram> make_room(bool joined);
  /// The first `count` messages have come: their datagrams.
  void filled(std::size_t count, detail::DatagramState& state);
  /// Copies of `others`, whose data is elsewhere.
  void copy(std::span<const Datagram> others);

  std::size_t bytes_max_;
  std::size_t stride_ = 0;  // from one message's memory to the next; 0: there is none yet
  std::unique_ptr<std::byte[]> memory_;
  std::vector<Datagram> messages_;  // as the system gives them
  std::vector<Datagram> split_;     // what several came as one of
  std::span<const Datagram> datagrams_;
};

}  // namespace ieum
#pragma GCC visibility pop
