// The benchmark's server by hand, on io_uring(7): the reference that the others are compared with.
// Multishot accept, multishot receive into a ring of provided buffers, sends queued and submitted
// once a turn with the wait. A buffer goes back to the ring once what it holds has been sent. The
// ring hands buffers out in turn, so that all of them pass through the cache: it has only as many
// as were ever needed at once.
#include <liburing.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <vector>

#include "servers/server.hpp"

namespace {

constexpr unsigned buffers_first = 32;
constexpr unsigned buffers_max = 4096;  // both powers of two
constexpr unsigned queue_entries = 2048;
constexpr unsigned completions_max = 8192;
constexpr int buffer_group = 0;
constexpr std::uint16_t none = UINT16_MAX;

/// What a completion is about: the lowest bits of its user data, with the descriptor above them.
enum Kind : std::uint64_t { accepted, received, sent, closed };

/// Found by its descriptor. What it received waits in a list: one send at a time is under way.
struct Connection {
  std::uint16_t first = none;
  std::uint16_t last = none;
  bool receiving = false;
  bool ended = false;
};

struct Buffer {
  std::uint32_t size = 0;
  std::uint32_t moved = 0;
  std::uint16_t next = none;
};

io_uring ring;
io_uring_buf_ring* buffer_ring;
char* buffer_memory;
unsigned buffers_made;
int buffers_returned;  // in this turn; the kernel sees them at its end
std::array<Buffer, buffers_max> buffers;
std::vector<Connection> connections;
std::vector<int> starved;  // connections for which no buffer was left
bool echoes;

Connection& connection_of(int fd) { return connections[static_cast<std::size_t>(fd)]; }

char* memory_of(std::uint16_t id) { return buffer_memory + std::size_t{id} * bench::buffer_bytes; }

void give_back(std::uint16_t id) {
  ::io_uring_buf_ring_add(buffer_ring, memory_of(id), bench::buffer_bytes, id,
                          ::io_uring_buf_ring_mask(buffers_max), buffers_returned++);
}

io_uring_sqe* next_entry() {
  io_uring_sqe* entry = ::io_uring_get_sqe(&ring);
  if (entry != nullptr) return entry;
  ::io_uring_submit(&ring);
  entry = ::io_uring_get_sqe(&ring);
  if (entry == nullptr) bench::die("io_uring_get_sqe", EBUSY);
  return entry;
}

void tag(io_uring_sqe* entry, Kind kind, int fd) {
  ::io_uring_sqe_set_data64(entry, static_cast<std::uint64_t>(fd) << 2U | kind);
}

void accept_from(int listener) {
  io_uring_sqe* entry = next_entry();
  ::io_uring_prep_multishot_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
  tag(entry, accepted, listener);
}

void receive(int fd) {
  io_uring_sqe* entry = next_entry();
  ::io_uring_prep_recv_multishot(entry, fd, nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = buffer_group;
  tag(entry, received, fd);
  connection_of(fd).receiving = true;
}

void send_first(int fd) {
  const std::uint16_t id = connection_of(fd).first;
  const Buffer& buffer = buffers[id];
  io_uring_sqe* entry = next_entry();
  ::io_uring_prep_send(entry, fd, memory_of(id) + buffer.moved, buffer.size - buffer.moved,
                       MSG_NOSIGNAL | MSG_WAITALL);
  tag(entry, sent, fd);
}

void close_if_idle(int fd) {
  const Connection& connection = connection_of(fd);
  if (!connection.ended || connection.receiving || connection.first != none) return;
  io_uring_sqe* entry = next_entry();
  ::io_uring_prep_close(entry, fd);
  tag(entry, closed, fd);
}

void on_accepted(int listener, const io_uring_cqe& completion) {
  if ((completion.flags & IORING_CQE_F_MORE) == 0) accept_from(listener);
  if (completion.res < 0) return;
  const auto fd = static_cast<std::size_t>(completion.res);
  if (fd >= connections.size()) connections.resize(2 * fd);
  connections[fd] = Connection{};
  receive(completion.res);
}

void on_received(int fd, const io_uring_cqe& completion) {
  Connection& connection = connection_of(fd);
  if ((completion.flags & IORING_CQE_F_MORE) == 0) connection.receiving = false;
  if (completion.res > 0) {
    const auto id = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    if (!echoes || connection.ended) {
      give_back(id);
    } else {
      buffers[id] = {.size = static_cast<std::uint32_t>(completion.res)};
      if (connection.first != none) {
        buffers[connection.last].next = id;
        connection.last = id;
      } else {
        connection.first = connection.last = id;
        send_first(fd);
      }
    }
  } else if (completion.res != -ENOBUFS) {
    connection.ended = true;  // the peer has finished, or the connection has failed
  }
  if (connection.ended) return close_if_idle(fd);
  if (connection.receiving) return;
  if (completion.res == -ENOBUFS) {
    starved.push_back(fd);
  } else {
    receive(fd);
  }
}

void on_sent(int fd, const io_uring_cqe& completion) {
  Connection& connection = connection_of(fd);
  Buffer& buffer = buffers[connection.first];
  if (completion.res < 0) {
    // Nobody listens any more: what waits is dropped, and the receive will end.
    for (std::uint16_t id = connection.first; id != none; id = buffers[id].next) give_back(id);
    connection.first = none;
    ::shutdown(fd, SHUT_RDWR);
    return close_if_idle(fd);
  }
  buffer.moved += static_cast<std::uint32_t>(completion.res);
  if (buffer.moved == buffer.size) {
    const std::uint16_t next = buffer.next;
    give_back(connection.first);
    connection.first = next;
  }
  if (connection.first != none) {
    send_first(fd);
  } else {
    close_if_idle(fd);
  }
}

void make_buffers(unsigned count) {
  for (; count > 0 && buffers_made < buffers_max; --count) {
    give_back(static_cast<std::uint16_t>(buffers_made++));
  }
}

void finish_turn() {
  if (!starved.empty()) make_buffers(buffers_made);
  if (buffers_returned == 0) return;
  ::io_uring_buf_ring_advance(buffer_ring, buffers_returned);
  buffers_returned = 0;
  for (const int fd : starved) receive(fd);
  starved.clear();
}

void make_buffer_ring() {
  const std::size_t ring_bytes = buffers_max * sizeof(io_uring_buf);
  const std::size_t bytes = ring_bytes + buffers_max * bench::buffer_bytes;
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  if (memory == MAP_FAILED) bench::die("mmap", errno);
  buffer_ring = static_cast<io_uring_buf_ring*>(memory);
  buffer_memory = static_cast<char*>(memory) + ring_bytes;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = buffers_max;
  registration.bgid = buffer_group;
  const int status = ::io_uring_register_buf_ring(&ring, &registration, 0);
  if (status < 0) bench::die("io_uring_register_buf_ring", -status);
  ::io_uring_buf_ring_init(buffer_ring);
  make_buffers(buffers_first);
  finish_turn();
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options = bench::parse(argc, argv);
  echoes = options.echo;
  connections.resize(1024);
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
  params.cq_entries = completions_max;
  const int status = ::io_uring_queue_init_params(queue_entries, &ring, &params);
  if (status < 0) bench::die("io_uring_queue_init_params", -status);
  make_buffer_ring();
  accept_from(bench::listen(options, 0));
  for (;;) {
    const int submitted = ::io_uring_submit_and_wait(&ring, 1);
    if (submitted < 0 && submitted != -EINTR && submitted != -EBUSY) {
      bench::die("io_uring_submit_and_wait", -submitted);
    }
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring, head, completion) {
      ++count;
      const int fd = static_cast<int>(completion->user_data >> 2U);
      switch (completion->user_data & 3U) {
        case accepted: on_accepted(fd, *completion); break;
        case received: on_received(fd, *completion); break;
        case sent: on_sent(fd, *completion); break;
        default: break;
      }
    }
    ::io_uring_cq_advance(&ring, count);
    finish_turn();
  }
}
