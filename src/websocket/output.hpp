// Output: what a WebSocket has to send, and the write that is under way. There is one while there
// is something to send; a thread keeps a few that are not used, an idle WebSocket has none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <ieum/layer_operation.hpp>
#include <ieum/send_queue.hpp>

#include "websocket/frame.hpp"

namespace ieum::websocket::detail {

class Connection;

/// Payloads are copied up to this size; larger ones go out from where they are.
inline constexpr std::size_t copied_bytes_max = std::size_t{2} * 1024;
/// Of what is copied, as much as is put together.
inline constexpr std::size_t gathered_bytes_max = std::size_t{4} * 1024;
/// As much as one write takes at least, if it is there, and pieces of it at most.
inline constexpr std::size_t write_bytes = std::size_t{64} * 1024;
inline constexpr std::size_t write_pieces_max = 1024;

/// Frames that go out in one piece.
struct Piece {
  std::array<std::byte, head_bytes_max> head{};  ///< of a large payload
  std::uint8_t head_size = 0;
  bool may_be_dropped = false;
  std::string bytes;  ///< that payload; or whole frames, one after another
  Payload shared;     ///< or a frame of many

  [[nodiscard]] std::size_t size() const noexcept {
    return head_size + bytes.size() + shared.size();
  }
};

class Output final : public ieum::detail::Waiter,
                     public ieum::detail::Timer,
                     public ieum::detail::LoopEndNode {
 public:
  Output() noexcept : writing_(*this) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() = default;

  static std::unique_ptr<Output> take(Connection& connection, Stream& stream,
                                      ieum::detail::Loop& loop);
  static void give_back(std::unique_ptr<Output> output) noexcept;
  /// The connection goes, and a write is under way: it is stopped, and `stream` goes after it.
  static void let_go(std::unique_ptr<Output> output, std::unique_ptr<Stream> stream) noexcept;

  /// Where a frame of `bytes` bytes is to be written behind those that are there.
  std::span<std::byte> gather(std::size_t bytes);
  void add(Piece piece) { queue_.push_back(std::move(piece)); }
  /// Drops the oldest piece that may be dropped and has not begun to go; gives its size, or 0.
  std::size_t drop_oldest() noexcept;
  void clear_queue() noexcept { queue_.clear(); }

  /// Writes what is there, unless a write is under way: that goes on with it.
  void flush() noexcept;
  /// The same at the end of the turn.
  void flush_later() noexcept;
  [[nodiscard]] bool is_writing() const noexcept { return is_writing_; }
  [[nodiscard]] bool is_empty() const noexcept { return !is_writing_ && queue_.empty(); }

  ieum::detail::Frame* ended(ieum::detail::Frame* child) noexcept override;
  ieum::detail::Frame* failed(Error& error) noexcept override;
  [[nodiscard]] const ieum::detail::Frame* awaiting_frame() const noexcept override {
    return nullptr;
  }
  void fire() noexcept override;
  /// Of one that was let go: its write ends first.
  void on_loop_end() noexcept override;

 private:
  class Writing final : public LayerOperation {
   public:
    explicit Writing(Output& of) noexcept : LayerOperation("send"), output_(of) {}

   private:
    Step advance() noexcept override;
    [[nodiscard]] Address peer_address() const noexcept override;
    Output& output_;
  };

  void load();
  void landed() noexcept;
  void lost(const Error& error) noexcept;
  ieum::detail::Frame* vanish() noexcept;

  Connection* connection_ = nullptr;
  std::unique_ptr<Stream> own_;  // once it is let go
  Stream* stream_ = nullptr;
  ieum::detail::Loop* loop_ = nullptr;
  ieum::detail::Scope scope_;
  bool* has_vanished_ = nullptr;
  bool is_writing_ = false;
  std::size_t written_bytes_ = 0;  // of the write that is under way
  std::deque<Piece> queue_;
  std::vector<Piece> pieces_;  // of that write
  std::vector<ConstBuffer> parts_;
  std::string together_;  // small pieces of that write
  std::string spare_;
  Writing writing_;
};

}  // namespace ieum::websocket::detail
