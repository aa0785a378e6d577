// HandleIo: an awaitable operation on a handle of the driver: receive, send, connect, close, poll.
// On the data path: with the second file; the operation that the driver fills.
#pragma once

#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <ieum/detail/loop.hpp>
#include <ieum/lease.hpp>

#pragma GCC visibility push(default)
namespace ieum::detail {

/// The address that a socket's errors name, in 8 bytes, because every idle socket holds several of
/// them: IPv4 as it is, and of the longer ones where it is, which all copies share. All copies
/// belong to one thread.
///
/// A watched one knows as well when the socket last moved a byte, for a server that ends idle
/// sessions. Each operation asks its name anyway whether it is a plain one, so that only the
/// watched sockets pay for that.
class PeerName {
 public:
  PeerName() noexcept = default;
  explicit PeerName(const Address& address);
  static PeerName watched(const Address& address, TimePoint now);
  PeerName(const PeerName& other) noexcept : word_(other.word_) {
    if (is_shared()) [[unlikely]]
      retain();
  }
  PeerName(PeerName&& other) noexcept : word_(std::exchange(other.word_, none)) {}
  PeerName& operator=(PeerName other) noexcept {
    std::swap(word_, other.word_);
    return *this;
  }
  ~PeerName() {
    if (is_shared()) [[unlikely]]
      drop();
  }

  [[nodiscard]] Address address() const noexcept;
  /// The same, shared with none and not watched, for another thread.
  [[nodiscard]] PeerName for_another_thread() const { return PeerName(address()); }

  /// For `operation`, which holds this from its beginning to its end.
  void begin(const PeerName& other, Operation& operation) noexcept {
    word_ = other.word_;
    if (is_shared()) [[unlikely]]
      begin_shared(operation);
  }
  void end(const Operation& operation) noexcept {
    if (is_shared()) [[unlikely]] {
      end_shared(operation);
      word_ = none;
    }
  }
  /// Bytes have moved without an operation.
  void moved(TimePoint now) const noexcept;
  /// Of a watched one: when an operation on the socket last ended well; of a write that is under
  /// way, when it was last seen to have moved on.
  [[nodiscard]] TimePoint last_moved(TimePoint now) const noexcept;

 private:
  struct Shared;
  struct Ipv6;
  struct Long;     // a Unix socket's name
  struct Watched;  // whatever the address
  explicit PeerName(Shared* shared) noexcept : word_(reinterpret_cast<std::uintptr_t>(shared)) {}
  [[nodiscard]] bool is_shared() const noexcept { return (word_ & 1U) == 0; }
  [[nodiscard]] Shared& shared() const noexcept { return *reinterpret_cast<Shared*>(word_); }
  [[nodiscard]] Watched* watch() const noexcept;
  void retain() const noexcept;
  void drop() noexcept;
  void begin_shared(Operation& operation) noexcept;
  void end_shared(const Operation& operation) noexcept;

  // Where a shared one is, an even number; or an odd one: of IPv4 the port and the address above.
  static constexpr std::uintptr_t none = 1;
  static constexpr std::uintptr_t ipv4 = 3;
  std::uintptr_t word_ = none;
};
static_assert(sizeof(PeerName) == 8);

/// What errors call an operation: one of a socket, which also has a peer, or what the request says.
enum class HandleName : std::uint8_t {
  own,
  read,
  receive,
  write,
  wait_readable,
  close,
  send_descriptors,
  receive_descriptors,
};

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
  HandleName called = HandleName::own;
  int handle = -1;
  Loop* loop = nullptr;            ///< that the handle belongs to; null: any
  const char* name = "";           ///< if it is called that, and
  const PeerName* peer = nullptr;  ///< if it is not
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
      : DriverLeaf(request.kind, request.handle, request.loop) {
    whole = request.whole;
    data = request.data;
    size = request.size;
    parts = request.parts;
    called = static_cast<std::uint8_t>(request.called);
    if (request.called == HandleName::own) {
      name_ = request.name;
    } else {
      new (&peer_) PeerName;
      peer_.begin(*request.peer, *this);
    }
  }

  [[nodiscard]] Error error() const noexcept override;
  [[nodiscard]] const char* name() const noexcept override;

 protected:
  ~HandleLeafBase() {
    if (has_peer()) peer_.end(*this);
  }

 private:
  [[nodiscard]] bool has_peer() const noexcept {
    return called != static_cast<std::uint8_t>(HandleName::own);
  }

  union {
    const char* name_;
    PeerName peer_;
  };
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
  ~ReceiveLeaf() {
    if (result > 0) give_back();  // nobody took it
  }
  Lease take() noexcept {
    if (result <= 0) return {};
    return {loop().driver(), buffer, data, static_cast<std::size_t>(std::exchange(result, 0))};
  }

 private:
  void give_back() noexcept;
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
