// Stream: bytes in order, both ways; what protocol layers see instead of a socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <ieum/detail/handle_io.hpp>
#include <ieum/task.hpp>

#pragma GCC visibility push(default)
namespace ieum {

namespace detail {

/// An operation that a stream owns and uses again and again (`LayerOperation`).
class LayerIo {
 public:
  LayerIo() noexcept = default;
  LayerIo(const LayerIo&) = delete;
  LayerIo& operator=(const LayerIo&) = delete;

  virtual Start start(Waiter& waiter, Scope& scope) noexcept = 0;
  virtual Error take_error() noexcept = 0;
  /// Before the result is taken: rethrows what was thrown beneath.
  virtual void rethrow() = 0;
  [[nodiscard]] virtual Error refusal() const noexcept = 0;

  std::size_t count = 0;  ///< what it gives, or
  Lease lease;

 protected:
  ~LayerIo() { release(); }
  /// It has ended, and may be used again; whoever used it no longer knows it.
  void release() noexcept {
    if (user_ != nullptr) *std::exchange(user_, nullptr) = nullptr;
  }

 private:
  template <class L, class T>
  friend class BasicStreamIo;
  LayerIo** user_ = nullptr;
};

/// Where a stream's hooks put the operation that serves a read or a write: an operation on a
/// handle, one of a protocol layer, or a task. Lives in the awaiting frame; only a task allocates.
/// `L` is the operation, `T` what it and the task give.
template <class L, class T>
class BasicStreamIo {
 public:
  BasicStreamIo() noexcept {}
  BasicStreamIo(const BasicStreamIo&) = delete;
  BasicStreamIo& operator=(const BasicStreamIo&) = delete;
  ~BasicStreamIo() { clear(); }

  /// Calls a hook, which may lack the memory for a task.
  template <class Hook>
  void begin(const Hook& hook) noexcept {
#if defined(__cpp_exceptions)
    try {
      hook(*this);
    } catch (const std::bad_alloc&) {
      clear();
      holds_ = Holds::no_memory;
    }
#else
    hook(*this);
#endif
  }
  void use(const HandleRequest& request) noexcept {
    new (&leaf_) L(request);
    holds_ = Holds::leaf;
  }
  void use(Task<T> task) noexcept {
    new (&task_) Task<T>::State(std::move(task));
    holds_ = Holds::task;
  }

  /// False: another operation uses `operation`, which is this one's error; then leave it alone.
  [[nodiscard]] bool use(LayerIo& operation) noexcept {
    layer_ = &operation;
    holds_ = operation.user_ != nullptr ? Holds::second : Holds::layer;
    if (holds_ == Holds::layer) operation.user_ = &layer_;
    return holds_ == Holds::layer;
  }

  Start start(Waiter& waiter, Scope& scope) noexcept {
    switch (holds_) {
      case Holds::leaf: return leaf_.start(waiter, scope);
      case Holds::layer: return layer_->start(waiter, scope);
      case Holds::task: return task_.start(waiter, scope);
      case Holds::second:
      case Holds::no_memory: return {Start::Kind::failed, nullptr};
      case Holds::nothing: break;
    }
    IEUM_ASSERT(false, "a stream's hook began no operation");
    std::abort();
  }
  T take() {
    if (holds_ == Holds::task) return task_.take();
    if (holds_ == Holds::layer) {
      LayerIo& layer = *layer_;
      layer.release();  // now: it may be used again before this is destroyed, or go before it
      layer.rethrow();
      if constexpr (std::is_same_v<T, Lease>) {
        return std::move(layer.lease);
      } else {
        return layer.count;
      }
    }
    if constexpr (std::is_same_v<T, Lease>) {
      return leaf_.take();
    } else {
      return static_cast<T>(leaf_.result);
    }
  }
  Error take_error() noexcept {
    if (holds_ == Holds::no_memory) return {std::errc::not_enough_memory, "begin an operation"};
    if (holds_ == Holds::layer) {
      LayerIo& layer = *layer_;
      layer.release();
      return layer.take_error();
    }
    if (holds_ == Holds::second) return layer_->refusal();
    return leaf_.error();
  }

 private:
  void clear() noexcept {
    if (holds_ == Holds::leaf) leaf_.~L();
    if (holds_ == Holds::task) task_.~State();
    if (holds_ == Holds::layer && layer_ != nullptr) {
      layer_->lease.reset();
      layer_->release();
    }
  }

  enum class Holds : std::uint8_t { nothing, leaf, layer, task, second, no_memory };
  Holds holds_ = Holds::nothing;
  union {
    L leaf_;
    LayerIo* layer_;
    Task<T>::State task_;
  };
};

using StreamIo = BasicStreamIo<HandleLeaf, std::size_t>;
using StreamReceiveIo = BasicStreamIo<ReceiveLeaf, Lease>;
class StreamReceive;

template <class T, class Request>
class StreamOperation;
using StreamRead = StreamOperation<std::size_t, std::span<std::byte>>;
using StreamWriteSome = StreamOperation<std::size_t, WriteRequest>;
using StreamWriteAll = StreamOperation<void, WriteRequest>;
using StreamWaitReadable = StreamOperation<void, ReadableRequest>;

}  // namespace detail

/// A reliable, ordered, two-way flow of bytes: a socket, standard input and output, a TLS session.
///
/// At most one read and one write may be pending at a time (the two may run beside each other); of
/// a second one the error is `device_or_resource_busy`, with both in its detail, and the first goes
/// on. A library built with CMAKE_BUILD_TYPE=Debug aborts instead, with the same words. The stream,
/// and every buffer given to it, must stay where it is until the operation has ended. All
/// operations can be stopped: `operation_canceled`.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Reads at least 1 byte and at most `into.size()` (not 0) into `into`; 0 means that the peer has
  /// finished sending. Errors: `connection_reset`, `timed_out` (the network's, tcp(7)).
  [[nodiscard]] detail::StreamRead read_some(std::span<std::byte> into) noexcept;

  /// Reads at least 1 byte into a buffer of the runtime's pool and leases it; an empty lease means
  /// that the peer has finished sending. While it waits no buffer is held, so that idle connections
  /// cost none. While all are leased it waits. Errors as `read_some`.
  [[nodiscard]] detail::StreamReceive receive() noexcept;

  /// Waits until a read would not block: something has come, or the end, or an error, which the
  /// read then tells. Takes nothing, and no buffer. Counts as the pending read. Error, besides
  /// those of closing and stopping: `operation_not_supported`, of a kind of stream that cannot.
  [[nodiscard]] detail::StreamWaitReadable wait_readable() noexcept;

  /// Writes what can be taken at once, at least 1 byte; gives the number. Waiting for it is the
  /// backpressure: nothing is queued. Errors: `broken_pipe`, `connection_reset`; never SIGPIPE.
  [[nodiscard]] detail::StreamWriteSome write_some(ConstBuffer data) noexcept;
  /// The same of parts, in order. The array of parts must live as long as what they point to.
  [[nodiscard]] detail::StreamWriteSome write_some(std::span<const ConstBuffer> parts) noexcept;

  /// Writes all. After a failure or a stop, an unknown part of it has been written.
  [[nodiscard]] detail::StreamWriteAll write_all(ConstBuffer data) noexcept;
  [[nodiscard]] detail::StreamWriteAll write_all(std::string_view text) noexcept;
  /// The same for parts, in order, in as few system calls as can be. The array of parts must live
  /// as long as what they point to.
  [[nodiscard]] detail::StreamWriteAll write_all(std::span<const ConstBuffer> parts) noexcept;

  /// Fills `into`. Error, besides those of `read_some`: `Errc::end_of_stream` if the peer finishes
  /// before; what had come is then in `into`.
  [[nodiscard]] detail::ConsumingTask<void> read_exact(std::span<std::byte> into);

  /// Reads until `buffer` holds `delimiter` and gives the number of bytes up to and with it, or 0
  /// if the peer finished before: what had come without a delimiter is then in `buffer`. What came
  /// after a delimiter stays in `buffer` for the next call, so erase what you have used. Error:
  /// `Errc::limit_exceeded` if it is not within the first `bytes_max` bytes.
  [[nodiscard]] detail::ConsumingTask<std::size_t> read_until(std::string& buffer,
                                                              std::string_view delimiter,
                                                              std::size_t bytes_max);

  /// Tells the peer that nothing more will be sent (half-close); reading goes on.
  [[nodiscard]] virtual Task<> shutdown_write() = 0;
  /// Ends the stream: pending operations end with `operation_canceled`; the other side reads what
  /// was sent, then its end. Closing twice is an error, `bad_file_descriptor`.
  [[nodiscard]] virtual Task<> close() = 0;
  /// Ends it at once: what was not sent is thrown away, and the peer is told by a reset where there
  /// is such a thing. As it is here: closes.
  [[nodiscard]] virtual Task<> reset() { return close(); }
  /// Says goodbye: half-closes, reads and throws away what the peer still sends until it has
  /// finished too, at most `limit`, then closes. A close with unread data would reset a TCP
  /// connection, and the peer could lose the last of what we sent. It closes whatever happens;
  /// errors: `timed_out`, and what broke the connection.
  [[nodiscard]] Task<> close_gracefully(AnyDuration limit);

  /// Neither closed, nor moved from.
  [[nodiscard]] virtual bool is_open() const noexcept = 0;
  /// The far end's address, which errors name; none where there is no such thing.
  [[nodiscard]] virtual Address peer_address() const noexcept { return {}; }
  /// Our own; none where there is no such thing. Error: `bad_file_descriptor` if it is closed.
  [[nodiscard]] virtual Result<Address> local_address() const noexcept { return Address(); }

  /// Bytes that were written and that the peer's system has not acknowledged yet; 0 where that is
  /// not known.
  [[nodiscard]] virtual std::size_t bytes_on_way() const noexcept { return 0; }

  /// For implementers: put into `io` what serves the request, last of all. Of what they throw, a
  /// std::bad_alloc is the operation's error, `not_enough_memory`.
  virtual void begin_read(detail::StreamIo& io, std::span<std::byte> into) = 0;
  virtual void begin_write(detail::StreamIo& io, const detail::WriteRequest& request) = 0;
  /// As it is here: waits until something can be read, if `begin_wait_readable` can, then for a
  /// buffer, and reads into that.
  virtual void begin_receive(detail::StreamReceiveIo& io);
  /// What it gives is not looked at. As it is here: `operation_not_supported`.
  virtual void begin_wait_readable(detail::StreamIo& io);

 protected:
  Stream() = default;
  Stream(Stream&&) = default;
  Stream& operator=(Stream&&) = default;

 private:
  Task<> fill(std::span<std::byte> into);
  Task<std::size_t> find(std::string& buffer, std::string_view delimiter, std::size_t bytes_max);
  Task<> finish_both_ways();
  Task<Lease> lease_and_read();
};

/// Copies from one stream to the other until `from`'s end, with one buffer of `buffer_bytes`, and
/// gives the number of bytes. Closes neither; half-closing `to` is the caller's decision.
[[nodiscard]] Task<std::uint64_t> copy(Stream& from, Stream& to,
                                       std::size_t buffer_bytes = std::size_t{64} * 1024);

namespace detail {

template <class T, class Request>
class [[nodiscard]] StreamOperation {
 public:
  using value_type = T;
  static constexpr bool consumes = std::is_same_v<Request, std::span<std::byte>>;
  static constexpr bool partial = std::is_same_v<Request, WriteRequest> && std::is_void_v<T>;
  StreamOperation(Stream& stream, const Request& request) noexcept
      : stream_(&stream), request_(request) {}

  class State {
   public:
    explicit State(StreamOperation&& operation) noexcept {
      io_.begin([&operation](StreamIo& io) {
        if constexpr (std::is_same_v<Request, WriteRequest>) {
          operation.stream_->begin_write(io, operation.request_);
        } else if constexpr (std::is_same_v<Request, ReadableRequest>) {
          operation.stream_->begin_wait_readable(io);
        } else {
          operation.stream_->begin_read(io, operation.request_);
        }
      });
    }
    Start start(Waiter& waiter, Scope& scope) noexcept { return io_.start(waiter, scope); }
    T take() {
      const std::size_t count = io_.take();
      if constexpr (!std::is_void_v<T>) return count;
    }
    Error take_error() noexcept { return io_.take_error(); }

   private:
    StreamIo io_;
  };

 private:
  Stream* stream_;
  [[no_unique_address]] Request request_;
};

class [[nodiscard]] StreamReceive {
 public:
  using value_type = Lease;
  static constexpr bool consumes = true;
  explicit StreamReceive(Stream& stream) noexcept : stream_(&stream) {}

  class State {
   public:
    explicit State(StreamReceive&& receive) noexcept {
      io_.begin([&receive](StreamReceiveIo& io) { receive.stream_->begin_receive(io); });
    }
    Start start(Waiter& waiter, Scope& scope) noexcept { return io_.start(waiter, scope); }
    Lease take() { return io_.take(); }
    Error take_error() noexcept { return io_.take_error(); }

   private:
    StreamReceiveIo io_;
  };

 private:
  Stream* stream_;
};

}  // namespace detail

inline detail::StreamReceive Stream::receive() noexcept { return detail::StreamReceive(*this); }

inline detail::StreamRead Stream::read_some(std::span<std::byte> into) noexcept {
  return {*this, into};
}
inline detail::StreamWaitReadable Stream::wait_readable() noexcept { return {*this, {}}; }
inline detail::StreamWriteSome Stream::write_some(ConstBuffer data) noexcept {
  return {*this, detail::WriteRequest{data, {}, false}};
}
inline detail::StreamWriteSome Stream::write_some(std::span<const ConstBuffer> parts) noexcept {
  return {*this, detail::WriteRequest{{}, parts, false}};
}
inline detail::StreamWriteAll Stream::write_all(ConstBuffer data) noexcept {
  return {*this, detail::WriteRequest{data, {}, true}};
}
inline detail::StreamWriteAll Stream::write_all(std::string_view text) noexcept {
  return write_all(std::as_bytes(std::span(text)));
}
inline detail::StreamWriteAll Stream::write_all(std::span<const ConstBuffer> parts) noexcept {
  return {*this, detail::WriteRequest{{}, parts, true}};
}

}  // namespace ieum
#pragma GCC visibility pop
