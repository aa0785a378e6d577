// The driver contract: how the loop talks to a kernel, real or simulated. Written like a man page,
// because every driver is judged by it and nothing outside src/driver knows which one runs.
// On the data path: the driver is the first file; it fills the operation's buffer.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ieum/address.hpp>
#include <ieum/datagram.hpp>
#include <ieum/driver_kind.hpp>
#include <ieum/operation.hpp>
#include <ieum/socket_info.hpp>
#include <ieum/socket_option.hpp>
#include <ieum/unix_socket.hpp>

namespace ieum::detail {

/// The kind of socket that `Driver::open` makes (socket(2)).
enum class SocketType : std::uint8_t { stream, datagram };

/// The halves of a connection (shutdown(2)).
enum class Half : std::uint8_t { receiving, sending, both };

/// What becomes of an adopted descriptor's flags.
enum class Adopted : std::uint8_t {
  own,     ///< nothing: it came as a non-blocking one
  shared,  ///< it blocked, and shall block again for those who share its file
};

/// What waits in a datagram socket, in bytes of memory, and how many datagrams were thrown away
/// since it was made, as its queue was full.
struct DatagramQueues {
  std::size_t receive_bytes = 0;
  std::size_t send_bytes = 0;
  std::uint64_t dropped = 0;
};

/// The directions of a handle that an operation is pending in.
struct Pending {
  bool receive = false;
  bool send = false;
};

/// # The contract
///
/// A driver belongs to one thread, that of its loop; only `wake` may be called from others.
/// A **handle** is a small non-negative integer that the driver made (`open`, an accept) or was
/// given (`adopt`): with a kernel, a descriptor. It ends with an `Operation::Kind::close`, by
/// `discard` or by `release`.
///
/// ## Operations
/// The caller owns an `Operation`, keeps it and its buffers where they are from `submit` until it
/// gets it back, and has at most one operation a direction pending on a handle (receive,
/// receive_datagrams, accept and wait_readable are one direction; send, send_datagrams, connect and
/// wait_writable the other; of a second one the result is -EBUSY, or a debug build asserts).
///
/// `submit(op)` never fails. It answers true if the operation has completed already: `op.result` is
/// set and `wait` will not mention it. It answers false if it is pending: then exactly one later
/// `wait` hands it back, with `result` set and `state` completed. `result` is at least 0, or a
/// negated errno(3). A driver resumes nothing and calls nothing back.
///
/// | kind | takes | result |
/// |---|---|---|
/// | receive | `data`, `size` ≥ 1; or `pooled` | bytes, at least 1; 0: the peer has finished sending |
/// | send | `data`, `size` or `parts`, `size` of them; `whole` | bytes taken by the kernel; with `whole` all of them, or an error however many had gone |
/// | accept | `address` | the new handle (non-blocking, close-on-exec); `*address` is the peer's |
/// | connect | `address` | 0 once the connection stands; -EAGAIN: a Unix listener's backlog is full |
/// | wait_readable, wait_writable | a foreign descriptor | 0 once reading or writing would not block, or has an error to tell; regular files are always ready |
/// | receive_datagrams | `transfer` | how many of `transfer->datagrams` were filled, at least 1: those that have come |
/// | send_datagrams | `transfer` | how many were sent: all, or those before one that is refused; a negated errno if that is the first |
/// | lease | no handle; `size`, how many bytes it is for; `whole`: beyond the maximum rather than wait | bytes that the buffer holds; with `data` and `buffer` as of a pooled receive |
/// | close | | 0, or -EIO as close(2); the handle is gone either way |
///
/// A connection that broke (-ECONNRESET, -ETIMEDOUT) never looks like one that the peer has
/// finished: once an operation was told of it, so is every later receive. `shutdown` ends a pending
/// operation of its half: a receive with 0, a send with -EPIPE.
///
/// `send` raises no SIGPIPE. `receive` and `send` also serve pipes and terminals. `close` first
/// makes every pending operation on the handle complete with -ECANCELED (those are handed back by
/// `wait` as ever) and goes on when the kernel has let go of their buffers, so that no later owner
/// of the number can be confused with this one.
///
/// A `pooled` receive brings its own buffer, taken once there is something to put into it: with a
/// result above 0, `data` points to the bytes and `buffer` is to be given to `give_back`. A lease
/// gives such a buffer for any other use, of 64 KiB if it is for more than 4 KiB and there is one,
/// else of 4 KiB. While all `receive_buffers_max` buffers are leased, pooled receives and leases
/// wait, in the order of each; they go on as soon as one is given back, taking turns.
///
/// ## Datagrams
/// A batch is one operation. Receiving waits for the first datagram and takes those that are there
/// besides, in their order; each fills in its `Datagram`: `data` is cut to what came. `peer`,
/// `local`, `truncated` always; the rest where the options of the socket ask for it
/// (`ip_recvttl` and the like). Once `udp_gro` was set to 1, and that answered 0, one of them may
/// be several of one peer, of `segment_bytes` each.
///
/// Sending goes on until all have gone, waiting for room where there is none. A driver gives the
/// system several at once where it can (consecutive ones to one peer of one size, at most
/// `state->segment_bytes_max`), and one by one where the system refuses that. Where nothing tells
/// when there is room again, the queue of a Unix peer that we are not connected to, the result is
/// what has gone, or -EAGAIN. Other results: -EMSGSIZE, -EACCES (a broadcast that was not allowed),
/// -EDESTADDRREQ, -ENETUNREACH, -ECONNREFUSED (an earlier one, of a connected socket) and the like.
///
/// The driver keeps `state->counters` (all but `dropped`; the caller counts a `received` of several
/// further ones). With `ip_recverr` set, an error that the network sent back ends a receive, with
/// its number, and waits in the error queue to be told whole by `take_error`; it does not fail a
/// send to somebody else.
///
/// `cancel(op)` is a request, idempotent: a pending operation completes soon, with -ECANCELED or
/// with the result that it won; a completed one is left alone.
///
/// `wait(deadline, done)` appends what has completed since the last call to `done`. It returns when
/// at least one has, when `wake` was called since the last return, or not before `deadline`; at
/// once if the deadline has passed. It may also return early for no reason. Where much has been
/// received at once, it may leave receives for the next calls, which then do not wait.
///
/// ## Calls that do not wait
/// They answer at least 0, or a negated errno.
class Driver {
 public:
  Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;
  /// No operation may be pending.
  virtual ~Driver() = default;

  [[nodiscard]] virtual const char* name() const noexcept = 0;
  /// True: addresses, names, files and time are not this machine's; nothing of the system is asked
  /// about them, and blocking work is done on the loop's own thread.
  [[nodiscard]] virtual bool is_simulated() const noexcept { return false; }
  /// The time that deadlines are meant in.
  [[nodiscard]] virtual TimePoint now() const noexcept = 0;

  /// In a child of fork(2), which has the memory of this driver but shares what it has in the
  /// kernel: lets go of that, and answers with the driver to go on with there. Null: this one.
  /// Afterwards only `give_back` is called. Must do with what is allowed in a child of a process
  /// with many threads.
  virtual Driver* left_behind() noexcept { return nullptr; }

  virtual bool submit(Operation& operation) noexcept = 0;
  virtual void cancel(Operation& operation) noexcept = 0;
  virtual void wait(TimePoint deadline, OperationQueue& done) noexcept = 0;
  /// Makes the current or the next `wait` return. Any thread, also while `wait` runs.
  virtual void wake() noexcept = 0;

  virtual void give_back(std::uint32_t buffer) noexcept = 0;

  /// A new unbound socket of `family`, close-on-exec: its handle.
  virtual int open(Family family, SocketType type) noexcept = 0;
  /// Takes over an open, non-blocking descriptor: its handle. Drivers without a kernel: -ENOTSUP.
  /// An error that waits in a socket (SO_ERROR) is left there for its operations. Of a `shared`
  /// one O_NONBLOCK is taken away again when the handle is closed.
  virtual int adopt(int descriptor, Adopted adopted = Adopted::own) noexcept = 0;
  /// The opposite: the handle is no more, and its open, non-blocking descriptor is the answer, for
  /// another driver to adopt. No operation may be pending on it (a driver asserts it). Only what
  /// the kernel knows goes along, so a connection of which an operation was told that it broke is
  /// kept: -ECONNRESET and the like. Drivers without a kernel: -ENOTSUP.
  virtual int release(int handle) noexcept = 0;
  /// `close` for those who cannot wait: begun here, ended in later calls of `wait`.
  virtual void discard(int handle) noexcept = 0;

  /// Of a Unix socket `address` may be none: the system chooses an abstract name.
  virtual int bind(int handle, const Address& address) noexcept = 0;
  virtual int listen(int handle, int backlog) noexcept = 0;
  virtual int shutdown(int handle, Half half) noexcept = 0;
  virtual int local_address(int handle, Address& address) noexcept = 0;
  virtual int peer_address(int handle, Address& address) noexcept = 0;
  /// The local address that something sent to `to` would come from; -ENETUNREACH and the like if
  /// nothing can be sent there.
  virtual int source_address(const Address& to, Address& source) noexcept = 0;
  /// Appends the addresses of `name` (in lower case), without ports: 0; -ENOENT: there is no such
  /// name; -EAGAIN: this driver knows no names, ask the system.
  virtual int find_name(std::string_view name, std::vector<Address>& addresses) noexcept {
    static_cast<void>(name);
    static_cast<void>(addresses);
    return -EAGAIN;
  }
  /// Fills `into` with bytes that are drawn from a seed; false: the system has better ones.
  virtual bool random_bytes(std::span<std::byte> into) noexcept {
    static_cast<void>(into);
    return false;
  }
  virtual int set_option(int handle, SocketOption option, int value) noexcept = 0;
  virtual int get_option(int handle, SocketOption option, int& value) noexcept = 0;
  /// Closing will reset the connection and throw away what was not sent (SO_LINGER, zero seconds).
  virtual int reset_on_close(int handle) noexcept = 0;
  /// Bytes sent that the peer has not acknowledged, its FIN counting as one; -ECONNRESET and the
  /// like if the connection has failed.
  virtual std::int64_t unacknowledged(int handle) noexcept = 0;

  /// Which operations are pending on `handle`; none on one that the driver does not know.
  [[nodiscard]] virtual Pending pending(int handle) const noexcept = 0;
  /// Fills in all that is known of a stream socket or a listener, and changes nothing: above all it
  /// takes no error from the handle. `peer` stays empty before the connection stands. -EOPNOTSUPP:
  /// another kind of socket; -ENOTSOCK, -EBADF.
  virtual int information(int handle, SocketInfo& info) noexcept = 0;
  // Of datagram sockets; -EOPNOTSUPP and the like on others.
  /// Sets the only peer (connect(2)), which sends nothing; none: it has none any more.
  virtual int set_peer(int handle, const Address& peer) noexcept = 0;
  /// To a group, or out of it: as `Membership` says. -EADDRINUSE: it is a member already;
  /// -EADDRNOTAVAIL: it is none; -ENODEV: no such interface, or no route to the group.
  virtual int join_group(int handle, const Membership& membership) noexcept = 0;
  virtual int leave_group(int handle, const Membership& membership) noexcept = 0;
  /// The oldest error that the network sent back: 1; or 0: there is none.
  virtual int take_error(int handle, DatagramError& error) noexcept = 0;
  virtual int datagram_queues(int handle, DatagramQueues& queues) noexcept = 0;
  // Of Unix sockets; -EOPNOTSUPP on others.
  /// Two stream sockets that are connected to each other (socketpair(2)).
  virtual int open_pair(int& first, int& second) noexcept = 0;
  virtual int peer_credentials(int handle, PeerCredentials& peer) noexcept = 0;
  /// Sends what the kernel takes now of `data` (at least 1 byte), with `descriptors` (at most
  /// `descriptors_passed_max`) at its first byte: the bytes taken, at least 1, or -EAGAIN: wait
  /// until writable.
  virtual std::int64_t send_descriptors(int handle, ConstBuffer data,
                                        std::span<const int> descriptors) noexcept = 0;
  /// Receives what is there, at most `into.size()` bytes (at least 1), with at most `descriptors.
  /// size()` descriptors, close-on-exec, `count` of them: the bytes, or 0: the peer has finished,
  /// or -EAGAIN: wait until readable. Where more came (-EMSGSIZE), or the system could not give all
  /// of them (-EMFILE), those that came are closed, and the bytes are lost.
  virtual std::int64_t receive_descriptors(int handle, std::span<std::byte> into,
                                           std::span<int> descriptors,
                                           std::size_t& count) noexcept = 0;
};

struct DriverOptions {
  DriverKind kind = DriverKind::automatic;
  /// Zero: the driver's default.
  unsigned ring_entries = 0;
  unsigned receive_buffers_max = 0;
};

/// Why `make_driver` chose what it chose, or failed.
struct DriverChoice {
  int error_number = 0;
  std::string reason;
};

/// The one place that names concrete drivers. Null with `choice` filled in if `options.kind` cannot
/// be had: EINVAL: IEUM_DRIVER names none of this build; ENOSYS, EPERM and the like: the kernel
/// refuses it; EMFILE and the like.
std::unique_ptr<Driver> make_driver(const DriverOptions& options, DriverChoice& choice);

}  // namespace ieum::detail
