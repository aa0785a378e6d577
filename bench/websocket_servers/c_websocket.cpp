// The benchmark's WebSocket server by hand, on io_uring(7): the reference that the others are
// compared with. As bench/servers/c_uring.cpp: multishot accept and receive, a ring of provided
// buffers, sends submitted once a turn with the wait. A frame that has come as a whole is unmasked
// where it lies and goes back from there; what a buffer holds goes back in one send. Binary
// messages only: a text is refused, since nothing here checks UTF-8.
#include <liburing.h>
#include <openssl/evp.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "websocket_servers/websocket_server.hpp"

namespace {

constexpr unsigned buffers_first = 32;
constexpr unsigned buffers_max = 4096;  // both powers of two
constexpr unsigned queue_entries = 2048;
constexpr unsigned completions_max = 8192;
constexpr int buffer_group = 0;
constexpr std::uint16_t no_buffer = UINT16_MAX;
constexpr std::size_t message_bytes_max = std::size_t{16} << 20U;

/// What a completion is about: the lowest bits of its user data, with the descriptor above them.
enum Kind : std::uint64_t { accepted, received, sent, closed };

/// A message that goes to several.
struct Shared {
  std::string bytes;
  std::size_t users = 0;
};

/// What waits to be sent: of a buffer of the ring, of memory of its own, or of a shared message.
struct Chunk {
  const char* data = nullptr;
  std::size_t size = 0;
  std::size_t moved = 0;
  std::uint16_t buffer = no_buffer;
  Shared* shared = nullptr;
  std::string own;
  Chunk* next = nullptr;
};

/// Found by its descriptor.
struct Connection {
  Chunk* first = nullptr;
  Chunk* last = nullptr;
  std::string held;     // a request, or a frame, that has not come as a whole
  std::string message;  // of the fragments before
  bool upgraded = false;
  bool receiving = false;
  bool in_message = false;
  bool says_goodbye = false;  // nothing is looked at any more
  bool ended = false;
  bool closing = false;
  int member = -1;  // its place among the members
};

struct FrameHead {
  unsigned opcode = 0;
  bool fin = false;
  std::size_t size = 0;  // of the head; 0: it has not come as a whole
  std::uint64_t length = 0;
  std::array<char, 4> key{};
  bool is_bad = false;
};

io_uring ring;
io_uring_buf_ring* buffer_ring;
char* buffer_memory;
unsigned buffers_made;
int buffers_returned;  // in this turn; the kernel sees them at its end
std::vector<Connection> connections;
std::vector<int> starved;  // connections for which no buffer was left
std::vector<int> members;  // of a fan-out
std::vector<Chunk*> spare_chunks;
bench::WebSocketMode mode;

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

// ---- What goes ----------------------------------------------------------------------------------

Chunk* new_chunk() {
  if (spare_chunks.empty()) return new Chunk;
  Chunk* const chunk = spare_chunks.back();
  spare_chunks.pop_back();
  return chunk;
}

void free_chunk(Chunk* chunk) {
  if (chunk->buffer != no_buffer) give_back(chunk->buffer);
  if (chunk->shared != nullptr && --chunk->shared->users == 0) delete chunk->shared;
  if (chunk->own.capacity() > 64) {
    *chunk = Chunk{};
  } else {
    chunk->buffer = no_buffer;
    chunk->shared = nullptr;
    chunk->moved = 0;
    chunk->next = nullptr;
  }
  spare_chunks.push_back(chunk);
}

void send_first(int fd) {
  const Chunk& chunk = *connection_of(fd).first;
  io_uring_sqe* entry = next_entry();
  ::io_uring_prep_send(entry, fd, chunk.data + chunk.moved, chunk.size - chunk.moved,
                       MSG_NOSIGNAL | MSG_WAITALL);
  tag(entry, sent, fd);
}

void queue(int fd, Chunk* chunk) {
  Connection& connection = connection_of(fd);
  if (connection.first != nullptr) {
    connection.last->next = chunk;
    connection.last = chunk;
    return;
  }
  connection.first = connection.last = chunk;
  send_first(fd);
}

void queue_own(int fd, std::string bytes, std::size_t from = 0) {
  Chunk* const chunk = new_chunk();
  chunk->own = std::move(bytes);
  chunk->data = chunk->own.data() + from;
  chunk->size = chunk->own.size() - from;
  queue(fd, chunk);
}

void close_if_idle(int fd) {
  Connection& connection = connection_of(fd);
  if (connection.says_goodbye && connection.first == nullptr && !connection.ended) {
    ::shutdown(fd, SHUT_WR);
    return;
  }
  if (!connection.ended || connection.receiving || connection.first != nullptr) return;
  if (connection.closing) return;
  connection.closing = true;
  io_uring_sqe* entry = next_entry();
  ::io_uring_prep_close(entry, fd);
  tag(entry, closed, fd);
}

std::size_t server_head_size(std::uint64_t length) {
  return length < 126 ? 2 : length < 65536 ? 4 : 10;
}

void write_server_head(char* into, unsigned opcode, std::uint64_t length) {
  into[0] = static_cast<char>(0x80U | opcode);
  if (length < 126) {
    into[1] = static_cast<char>(length);
    return;
  }
  const int count = length < 65536 ? 2 : 8;
  into[1] = static_cast<char>(count == 2 ? 126 : 127);
  for (int i = 0; i < count; ++i) {
    into[2 + i] = static_cast<char>(length >> static_cast<unsigned>(8 * (count - 1 - i)));
  }
}

std::string server_frame(unsigned opcode, std::string_view payload) {
  std::string frame(server_head_size(payload.size()), '\0');
  write_server_head(frame.data(), opcode, payload.size());
  return frame.append(payload);
}

void tell_all(std::string_view payload) {
  auto* const shared = new Shared{.bytes = server_frame(2, payload), .users = members.size()};
  for (const int fd : members) {
    Chunk* const chunk = new_chunk();
    chunk->shared = shared;
    chunk->data = shared->bytes.data();
    chunk->size = shared->bytes.size();
    queue(fd, chunk);
  }
}

// ---- What comes ---------------------------------------------------------------------------------

FrameHead read_head(std::string_view bytes) {
  FrameHead head;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return head;
  head.fin = (at(0) & 0x80U) != 0;
  head.opcode = at(0) & 15U;
  head.length = at(1) & 127U;
  const bool control = head.opcode >= 8;
  if ((at(0) & 0x70U) != 0 || (at(1) & 0x80U) == 0 || (head.opcode > 2 && head.opcode < 8) ||
      head.opcode > 10 || (control && (!head.fin || head.length > 125))) {
    head.is_bad = true;
    return head;
  }
  std::size_t size = 2;
  if (head.length > 125) {
    const std::size_t count = head.length == 126 ? 2 : 8;
    if (bytes.size() < 2 + count) return head;
    const std::uint64_t least = count == 2 ? 126 : 65536;
    head.length = 0;
    for (std::size_t i = 0; i < count; ++i) head.length = head.length << 8U | at(2 + i);
    if (head.length < least) head.is_bad = true;
    size += count;
  }
  if (head.length > message_bytes_max) head.is_bad = true;
  if (head.is_bad || bytes.size() < size + 4) return head;
  std::memcpy(head.key.data(), &bytes[size], 4);
  head.size = size + 4;
  return head;
}

void unmask(char* at, std::size_t size, std::array<char, 4> key) {
  std::uint32_t half = 0;
  std::memcpy(&half, key.data(), 4);
  const std::uint64_t both = std::uint64_t{half} << 32U | half;
  for (; size >= 8; size -= 8, at += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, at, 8);
    eight ^= both;
    std::memcpy(at, &eight, 8);
  }
  for (std::size_t i = 0; i < size; ++i) at[i] ^= key[i % 4];
}

void say_goodbye(int fd, unsigned code) {
  const std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 255U)};
  connection_of(fd).says_goodbye = true;
  queue_own(fd, server_frame(8, payload));
}

/// What comes of a frame whose payload has been unmasked; false: nothing more is looked at. An echo
/// is left to the caller, who has the memory.
enum class Next : std::uint8_t { echo, go_on, end };
Next on_frame(int fd, const FrameHead& head, std::string_view payload) {
  Connection& connection = connection_of(fd);
  switch (head.opcode) {
    case 8:
      connection.says_goodbye = true;
      queue_own(fd, server_frame(8, payload.substr(0, 2)));
      return Next::end;
    case 9: queue_own(fd, server_frame(10, payload)); return Next::go_on;
    case 10: return Next::go_on;
    default: break;
  }
  if (head.opcode == 1) {
    say_goodbye(fd, 1003);
    return Next::end;
  }
  if ((head.opcode == 0) != connection.in_message) {
    say_goodbye(fd, 1002);
    return Next::end;
  }
  if (!connection.in_message && head.fin) {
    if (mode != bench::WebSocketMode::fanout) return Next::echo;
    tell_all(payload);
    return Next::go_on;
  }
  connection.in_message = !head.fin;
  connection.message.append(payload);
  if (connection.message.size() > message_bytes_max) {
    say_goodbye(fd, 1009);
    return Next::end;
  }
  if (!head.fin) return Next::go_on;
  std::string whole;
  whole.swap(connection.message);
  if (mode == bench::WebSocketMode::fanout) {
    tell_all(whole);
  } else {
    queue_own(fd, server_frame(2, whole));
  }
  return Next::go_on;
}

/// Whole frames of a buffer: echoes are put together in place, and go out in one send.
void take_frames(int fd, char* const data, std::size_t size, std::uint16_t buffer) {
  Connection& connection = connection_of(fd);
  char* at = data;
  char* const end = data + size;
  char* out_begin = nullptr;
  char* out_end = nullptr;
  while (at < end && !connection.says_goodbye) {
    const FrameHead head = read_head({at, static_cast<std::size_t>(end - at)});
    if (head.is_bad) {
      say_goodbye(fd, 1002);
      break;
    }
    if (head.size == 0 || static_cast<std::uint64_t>(end - at) - head.size < head.length) {
      if (head.size != 0) connection.held.reserve(head.size + head.length);
      connection.held.assign(at, static_cast<std::size_t>(end - at));
      break;
    }
    char* const payload = at + head.size;
    const auto length = static_cast<std::size_t>(head.length);
    unmask(payload, length, head.key);
    at = payload + length;
    const Next next = on_frame(fd, head, {payload, length});
    if (next == Next::end) break;
    if (next != Next::echo) continue;
    const std::size_t head_size = server_head_size(length);
    if (out_begin == nullptr) {
      out_begin = payload - head_size;
      write_server_head(out_begin, 2, length);
      out_end = payload + length;
    } else {
      std::memmove(out_end + head_size, payload, length);
      write_server_head(out_end, 2, length);
      out_end += head_size + length;
    }
  }
  if (out_begin == nullptr) return give_back(buffer);
  Chunk* const chunk = new_chunk();
  chunk->buffer = buffer;
  chunk->data = out_begin;
  chunk->size = static_cast<std::size_t>(out_end - out_begin);
  queue(fd, chunk);
}

/// A frame has not come as a whole before: what has is put together.
void take_held(int fd, std::string_view more) {
  Connection& connection = connection_of(fd);
  connection.held.append(more);
  while (!connection.held.empty() && !connection.says_goodbye) {
    const FrameHead head = read_head(connection.held);
    if (head.is_bad) return say_goodbye(fd, 1002);
    const std::size_t whole = head.size + static_cast<std::size_t>(head.length);
    if (head.size == 0) return;
    if (connection.held.size() < whole) return connection.held.reserve(whole);
    std::string frame;
    frame.swap(connection.held);
    if (frame.size() > whole) {
      connection.held.assign(frame, whole);
      frame.resize(whole);
    }
    char* const payload = frame.data() + head.size;
    const auto length = static_cast<std::size_t>(head.length);
    unmask(payload, length, head.key);
    const Next next = on_frame(fd, head, {payload, length});
    if (next == Next::end) return;
    if (next != Next::echo) continue;
    const std::size_t from = head.size - server_head_size(length);
    write_server_head(frame.data() + from, 2, length);
    queue_own(fd, std::move(frame), from);
  }
}

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> encoded{};
  const int length = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return {reinterpret_cast<char*>(encoded.data()), static_cast<std::size_t>(length)};
}

/// The value of a field; names as the generator writes them.
std::string_view field(std::string_view head, std::string_view name) {
  const std::size_t at = head.find(name);
  if (at == head.npos) return {};
  const std::size_t begin = at + name.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

void take_request(int fd, std::string_view more) {
  Connection& connection = connection_of(fd);
  connection.held.append(more);
  const std::size_t end = connection.held.find("\r\n\r\n");
  if (end == std::string::npos && connection.held.size() < 8192) return;
  const std::string_view head(connection.held);
  const std::string_view key = field(head, "\r\nSec-WebSocket-Key: ");
  if (end == std::string::npos || !head.starts_with("GET ") || key.size() != 24 ||
      field(head, "\r\nUpgrade: ") != "websocket" ||
      field(head, "\r\nSec-WebSocket-Version: ") != "13") {
    connection.says_goodbye = true;
    return queue_own(fd,
                     "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  }
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_of(key) + "\r\n\r\n";
  const std::string rest = connection.held.substr(end + 4);
  std::string().swap(connection.held);
  connection.upgraded = true;
  if (mode == bench::WebSocketMode::fanout) {
    connection.member = static_cast<int>(members.size());
    members.push_back(fd);
  }
  queue_own(fd, answer);
  if (!rest.empty()) take_held(fd, rest);
}

void leave(Connection& connection) {
  if (connection.member < 0) return;
  const auto place = static_cast<std::size_t>(connection.member);
  members[place] = members.back();
  connection_of(members[place]).member = connection.member;
  members.pop_back();
  connection.member = -1;
}

void on_accepted(int listener, const io_uring_cqe& completion) {
  if ((completion.flags & IORING_CQE_F_MORE) == 0) accept_from(listener);
  if (completion.res < 0) return;
  const auto fd = static_cast<std::size_t>(completion.res);
  if (fd >= connections.size()) connections.resize(2 * fd);
  connections[fd] = Connection{};
  receive(completion.res);
}

void on_data(int fd, std::uint16_t id, std::size_t size) {
  Connection& connection = connection_of(fd);
  if (connection.ended || connection.says_goodbye) return give_back(id);
  char* const data = memory_of(id);
  if (connection.upgraded && connection.held.empty()) return take_frames(fd, data, size, id);
  if (connection.upgraded) {
    take_held(fd, {data, size});
  } else {
    take_request(fd, {data, size});
  }
  give_back(id);
}

void on_received(int fd, const io_uring_cqe& completion) {
  Connection& connection = connection_of(fd);
  if ((completion.flags & IORING_CQE_F_MORE) == 0) connection.receiving = false;
  if (completion.res > 0) {
    on_data(fd, static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT),
            static_cast<std::size_t>(completion.res));
  } else if (completion.res != -ENOBUFS) {
    connection.ended = true;  // the peer has finished, or the connection has failed
    leave(connection);
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
  if (completion.res < 0) {
    // Nobody listens any more: what waits is dropped, and the receive will end.
    while (Chunk* const chunk = connection.first) {
      connection.first = chunk->next;
      free_chunk(chunk);
    }
    leave(connection);
    ::shutdown(fd, SHUT_RDWR);
    return close_if_idle(fd);
  }
  Chunk* const chunk = connection.first;
  chunk->moved += static_cast<std::size_t>(completion.res);
  if (chunk->moved == chunk->size) {
    connection.first = chunk->next;
    free_chunk(chunk);
  }
  if (connection.first != nullptr) {
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
  mode = bench::parse_websocket(argc, argv);
  connections.resize(1024);
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
  params.cq_entries = completions_max;
  const int status = ::io_uring_queue_init_params(queue_entries, &ring, &params);
  if (status < 0) bench::die("io_uring_queue_init_params", -status);
  make_buffer_ring();
  accept_from(bench::listen({}, 0));
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
