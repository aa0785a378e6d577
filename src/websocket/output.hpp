// Output: what a WebSocket has to send, and the write that is under way. There is one while there
// is something to send; a thread keeps a few that are not used, an idle WebSocket has none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ieum/send_queue.hpp>
#include <ieum/stream.hpp>

#include "websocket/frame.hpp"

namespace ieum::websocket::detail {

class Connection;

/// Payloads are copied up to this size; larger ones go out from where they are.
inline constexpr std::size_t copied_bytes_max = std::size_t{2} * 1024;
/// Frames for many, up to this size if nothing else waits.
inline constexpr std::size_t copied_shared_bytes_max = 512;
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

/// Memory of messages that have gone, for those that come; a thread keeps a few. Empty if there is
/// none.
[[nodiscard]] std::string take_message_memory() noexcept;
void keep_message_memory(std::string memory) noexcept;

class FlushList;

class Output final : public ieum::detail::Waiter,
                     public ieum::detail::ReadyNode,
                     public ieum::detail::LoopEndNode {
 public:
  Output() noexcept {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { end_write(); }

  static std::unique_ptr<Output> take(Connection& connection, Stream& stream,
                                      ieum::detail::Loop& loop);
  static void give_back(std::unique_ptr<Output> output) noexcept;
  /// The connection goes, and a write is under way: it is stopped, and `stream` goes after it.
  static void let_go(std::unique_ptr<Output> output, std::unique_ptr<Stream> stream) noexcept;

  /// Puts a frame of `bytes` bytes behind those that are there: `write` is called with where it is
  /// to be.
  template <class Write>
  void gather(std::size_t bytes, const Write& write) {
    const std::size_t before = gathered_.size();
    if (before > 0 && before + bytes > gathered_bytes_max) {
      end_gathered();
      return gather(bytes, write);
    }
    // The size that it is called with may be larger (libstdc++ 12).
    gathered_.resize_and_overwrite(before + bytes, [&](char* data, std::size_t /*size*/) {
      write(std::as_writable_bytes(std::span(data + before, bytes)));
      return before + bytes;
    });
  }
  void add(Piece piece);
  /// Drops the oldest piece that may be dropped and has not begun to go; gives its size, or 0.
  std::size_t drop_oldest() noexcept;
  void clear_queue() noexcept;

  /// Writes what is there, unless a write is under way: that goes on with it.
  void flush() noexcept;
  /// The same at the end of the turn.
  void flush_later() noexcept;
  [[nodiscard]] bool is_writing() const noexcept { return is_writing_; }
  [[nodiscard]] bool has_queue() const noexcept { return !gathered_.empty() || !queue_.empty(); }
  [[nodiscard]] bool is_empty() const noexcept { return !is_writing_ && !has_queue(); }

  ieum::detail::Frame* ended(ieum::detail::Frame* child) noexcept override;
  ieum::detail::Frame* failed(Error& error) noexcept override;
  [[nodiscard]] const ieum::detail::Frame* awaiting_frame() const noexcept override {
    return nullptr;
  }
  /// Of one that was let go: its write ends first.
  void on_loop_end() noexcept override;

 private:
  friend class FlushList;
  struct FlushLink : ieum::detail::ListLink {
    explicit FlushLink(Output& output) noexcept : of(output) {}
    Output& of;
  };

  void end_gathered();
  void load();
  void end_write() noexcept;
  bool take_written() noexcept;
  void landed() noexcept;
  void lost(const Error& error) noexcept;
  ieum::detail::Frame* vanish() noexcept;
  static void go_on(ieum::detail::Loop& loop, ieum::detail::ReadyNode& node) noexcept;

  Connection* connection_ = nullptr;
  std::unique_ptr<Stream> own_;  // once it is let go
  Stream* stream_ = nullptr;
  ieum::detail::Loop* loop_ = nullptr;
  FlushLink flush_link_{*this};
  ieum::detail::Scope scope_;
  bool* has_vanished_ = nullptr;
  bool is_writing_ = false;
  bool has_io_ = false;
  std::size_t written_bytes_ = 0;  // of the write that is under way
  std::size_t queue_begin_ = 0;
  std::vector<Piece> queue_;  // from there on; what is before has gone
  std::string gathered_;      // small frames, behind the queue
  // Of the write that is under way:
  std::string writing_;
  std::vector<Piece> pieces_;
  std::vector<ConstBuffer> parts_;
  std::string together_;
  union {
    ieum::detail::StreamIo io_;
  };
};

}  // namespace ieum::websocket::detail
