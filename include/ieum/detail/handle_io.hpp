// HandleIo: an awaitable operation on a handle of the driver: receive, send, connect, close, poll.
// On the data path: with the second file; the operation that the driver fills.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include <ieum/detail/loop.hpp>
#include <ieum/lease.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

/// The address that a socket's errors name, in 24 bytes, because every idle socket holds one.
///
/// A watched one knows as well when the socket last moved a byte, for a server that ends idle
/// sessions. Each operation asks its name anyway whether it is a plain one, so that only the
/// watched sockets pay for that.
class PeerName {
 public:
  PeerName() noexcept = default;
  explicit PeerName(const Address& address);
  /// Belongs to one thread, with all its copies.
  static PeerName watched(const Address& address, TimePoint now);
  PeerName(const PeerName& other) noexcept { copy(other); }
  PeerName(PeerName&& other) noexcept { take(other); }
  PeerName& operator=(PeerName other) noexcept {
    release();
    take(other);
    return *this;
  }
  ~PeerName() { release(); }

  [[nodiscard]] Address address() const noexcept;
  /// The same, not watched, for another thread.
  [[nodiscard]] PeerName unwatched() const;

  /// For `operation`, which holds this from its beginning to its end.
  void begin(const PeerName& other, Operation& operation) noexcept {
    std::memcpy(static_cast<void*>(this), &other, sizeof *this);
    if (is_shared_) [[unlikely]]
      begin_shared(operation);
  }
  void end(const Operation& operation) noexcept {
    if (is_shared_) [[unlikely]] {
      end_shared(operation);
      is_shared_ = false;
    }
  }
  /// Bytes have moved without an operation.
  void moved(TimePoint now) const noexcept;
  /// Of a watched one: when an operation on the socket last ended well; of a write that is under
  /// way, when it was last seen to have moved on.
  [[nodiscard]] TimePoint last_moved(TimePoint now) const noexcept;

 private:
  struct Shared;  // a Unix socket's name, which is long and rare, and a watched one
  void copy(const PeerName& other) noexcept {
    std::memcpy(static_cast<void*>(this), &other, sizeof *this);
    if (is_shared_) [[unlikely]]
      retain();
  }
  void take(PeerName& other) noexcept {
    std::memcpy(static_cast<void*>(this), &other, sizeof *this);
    other.is_shared_ = false;
    other.family_ = Family::none;
  }
  void release() noexcept {
    if (is_shared_) [[unlikely]]
      drop();
  }
  void retain() noexcept;
  void drop() noexcept;
  void begin_shared(Operation& operation) noexcept;
  void end_shared(const Operation& operation) noexcept;

  Family family_ = Family::none;
  bool is_shared_ = false;
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;
  union {
    std::uint8_t ip_[16] = {};
    Shared* shared_;
  };
};
static_assert(sizeof(PeerName) == 24);

/// What a write asks for: `data`, or `parts` one after another.
struct WriteRequest {
  ConstBuffer data;
  std::span<const ConstBuffer> parts;
  bool whole = false;
};

/// What a wait until something can be read asks for.
struct ReadableRequest {};

/// What is asked of a handle. The buffers and `peer` must live until the operation has completed.
struct HandleRequest {
  Operation::Kind kind = Operation::Kind::none;
  bool whole = false;
  int handle = -1;
  Loop* loop = nullptr;  ///< that the handle belongs to; null: any
  const char* name = "";
  const PeerName* peer = nullptr;
  std::byte* data = nullptr;
  std::size_t size = 0;
  const ConstBuffer* parts = nullptr;

  /// The same for reading into `into`.
  [[nodiscard]] HandleRequest to_read(std::span<std::byte> into) const noexcept {
    HandleRequest read = *this;
    read.data = into.data();
    read.size = into.size();
    return read;
  }
  /// The same for what `write` asks for.
  [[nodiscard]] HandleRequest to_write(const WriteRequest& write) const noexcept {
    HandleRequest send = *this;
    send.whole = write.whole;
    send.data = const_cast<std::byte*>(write.data.data());  // a send only reads it
    send.parts = write.parts.data();
    send.size = send.parts != nullptr ? write.parts.size() : write.data.size();
    return send;
  }
};

/// The operation in the awaiting frame.
class HandleLeafBase : public DriverLeaf {
 public:
  explicit HandleLeafBase(const HandleRequest& request) noexcept
      : DriverLeaf(request.kind, request.handle, request.loop), name_(request.name) {
    whole = request.whole;
    data = request.data;
    size = request.size;
    parts = request.parts;
    if (request.peer != nullptr) peer_.begin(*request.peer, *this);
  }

  [[nodiscard]] Error error() const noexcept override { return error_at(peer_.address()); }
  [[nodiscard]] const char* name() const noexcept override { return name_; }

 protected:
  ~HandleLeafBase() { peer_.end(*this); }

 private:
  const char* name_;
  PeerName peer_;
};

class HandleLeaf final : public HandleLeafBase {
 public:
  using HandleLeafBase::HandleLeafBase;
};

/// A receive into a buffer of the driver's. The request names the loop.
class ReceiveLeaf final : public HandleLeafBase {
 public:
  explicit ReceiveLeaf(const HandleRequest& request) noexcept : HandleLeafBase(request) {
    pooled = true;
  }
  ~ReceiveLeaf();
  Lease take() noexcept {
    if (result <= 0) return {};
    return {loop().driver(), buffer, data, static_cast<std::size_t>(std::exchange(result, 0))};
  }
};

/// An awaitable that gives the number of bytes (`T` = size_t) or nothing (`T` = void).
template <class T>
class [[nodiscard]] HandleIo {
 public:
  using value_type = T;
  explicit HandleIo(const HandleRequest& request) noexcept : request_(request) {}

  class State {
   public:
    explicit State(HandleIo&& io) noexcept : leaf_(io.request_) {}
    Start start(Waiter& waiter, Scope& scope) noexcept { return leaf_.start(waiter, scope); }
    T take() const noexcept {
      if constexpr (!std::is_void_v<T>) return static_cast<T>(leaf_.result);
    }
    Error take_error() const noexcept { return leaf_.error(); }

   private:
    HandleLeaf leaf_;
  };

 private:
  HandleRequest request_;
};

}  // namespace ieum::detail
#pragma GCC visibility pop
