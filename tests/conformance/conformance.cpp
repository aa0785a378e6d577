// What the conformance tests share.
#include "conformance/conformance.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/driver.hpp"

namespace ieum::test {

std::string name_of(Transport transport) {
  switch (transport) {
    case Transport::ipv4: return "ipv4";
    case Transport::ipv6: return "ipv6";
    case Transport::unix_socket: return "unix_socket";
  }
  return {};
}

bool has(Transport transport) {
  if (transport != Transport::ipv6) return true;
  const Descriptor probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  const auto* name = reinterpret_cast<const sockaddr*>(&loopback);
  return probe.get() >= 0 && ::bind(probe.get(), name, sizeof loopback) == 0;
}

std::string any_address(Transport transport) {
  if (transport == Transport::ipv4) return "127.0.0.1:0";
  if (transport == Transport::ipv6) return "[::1]:0";
  static std::atomic<int> counter = 0;
  return "unix:@ieum-test-" + std::to_string(getpid()) + "-" + std::to_string(++counter);
}

Task<Pair> connected(Transport transport) {
  Listener listener = co_await Listener::bind(any_address(transport));
  Pair pair;
  pair.client = co_await StreamSocket::connect(listener.address());
  pair.server = co_await listener.accept();
  co_return pair;
}

Task<Pair> connected_with_small_buffers(Transport transport) {
  Pair pair = co_await connected(transport);
  for (StreamSocket* socket : {&pair.client, &pair.server}) {
    co_await socket->set_option(SocketOption::so_sndbuf, 16 * 1024);
    co_await socket->set_option(SocketOption::so_rcvbuf, 16 * 1024);
  }
  co_return pair;
}

namespace {

using detail::Driver;
using detail::Operation;

/// The driver of a simulated socket, or null.
Driver* simulated_driver(Runtime* runtime) {
  detail::Loop* loop = runtime != nullptr ? &runtime->loop() : detail::Loop::current();
  return loop != nullptr && loop->driver().is_simulated() ? &loop->driver() : nullptr;
}

/// An operation that completes at once.
std::size_t simulate(Driver& driver, Operation::Kind kind, int handle, std::byte* data,
                     std::size_t size) {
  Operation operation(kind, handle);
  operation.data = data;
  operation.size = size;
  const bool done = driver.submit(operation);
  EXPECT_TRUE(done && operation.result > 0) << operation.result;
  return static_cast<std::size_t>(operation.result);
}

std::size_t fill_simulated(Driver& driver, int handle) {
  std::vector<std::byte> block(64 * 1024, std::byte{'x'});
  std::size_t total = 0;
  for (;;) {
    SocketInfo info;
    driver.information(handle, info);
    const std::uint64_t room = info.send_buffer_bytes / 2 - info.send_queue_bytes;
    if (room == 0) return total;
    const std::size_t size = std::min<std::uint64_t>(room, block.size());
    total += simulate(driver, Operation::Kind::send, handle, block.data(), size);
  }
}

std::size_t drain_simulated(Driver& driver, int handle) {
  std::vector<std::byte> block(64 * 1024);
  std::size_t total = 0;
  for (;;) {
    SocketInfo info;
    driver.information(handle, info);
    if (info.receive_queue_bytes == 0) return total;
    total += simulate(driver, Operation::Kind::receive, handle, block.data(), block.size());
  }
}

}  // namespace

bool is_simulated(Runtime& runtime) { return simulated_driver(&runtime) != nullptr; }
bool is_simulated() { return simulated_driver(nullptr) != nullptr; }

void send_now(int descriptor, std::string_view text, Runtime& runtime) {
  if (Driver* driver = simulated_driver(&runtime)) {
    std::string copy(text);
    simulate(*driver, Operation::Kind::send, descriptor, bytes_of(copy).data(), copy.size());
  } else {
    EXPECT_EQ(::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
}

std::size_t fill(int descriptor, Runtime* runtime) {
  if (Driver* driver = simulated_driver(runtime)) return fill_simulated(*driver, descriptor);
  static const std::vector<char> block(64 * 1024, 'x');
  const int flags = ::fcntl(descriptor, F_GETFL);
  ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
  std::size_t total = 0;
  for (std::size_t size = block.size(); size > 0;) {
    const ssize_t count = ::write(descriptor, block.data(), size);
    if (count > 0) {
      total += static_cast<std::size_t>(count);
    } else {
      size /= 2;
    }
  }
  ::fcntl(descriptor, F_SETFL, flags);
  return total;
}

std::size_t drain(int descriptor, Runtime* runtime) {
  if (Driver* driver = simulated_driver(runtime)) return drain_simulated(*driver, descriptor);
  static std::vector<char> block(64 * 1024);
  const int flags = ::fcntl(descriptor, F_GETFL);
  ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
  std::size_t total = 0;
  for (;;) {
    const ssize_t count = ::read(descriptor, block.data(), block.size());
    if (count <= 0) break;
    total += static_cast<std::size_t>(count);
  }
  ::fcntl(descriptor, F_SETFL, flags);
  return total;
}

Task<std::string> read_text(Stream& from, std::size_t count) {
  std::string text(count, '\0');
  co_await from.read_exact(bytes_of(text));
  co_return text;
}

Task<std::string> read_to_end(Stream& from) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t count = co_await from.read_some(buffer);
    if (count == 0) break;
    text.append(reinterpret_cast<const char*>(buffer.data()), count);
  }
  co_return text;
}

Task<> echo(StreamSocket peer) {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t count = co_await peer.read_some(buffer);
    if (count == 0) break;
    co_await peer.write_all(ConstBuffer(buffer).first(count));
  }
}

void Descriptor::close() noexcept {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Pipe::Pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) std::abort();
  reader = Descriptor(ends[0]);
  writer = Descriptor(ends[1]);
}

ForkedChild::ForkedChild(const std::function<int()>& body) : pid_(::fork()) {
  if (pid_ == 0) ::_exit(body());
}

ForkedChild::~ForkedChild() {
  if (pid_ < 0) return;
  kill(SIGKILL);
  wait();
}

void ForkedChild::kill(int signal) const { ::kill(pid_, signal); }

int ForkedChild::wait() {
  int status = -1;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

std::string process_name() {
  std::ifstream file("/proc/self/comm");
  std::string name;
  std::getline(file, name);
  return name;
}

std::string held_by(pid_t pid) {
  return "held by " + process_name() + " (pid " + std::to_string(pid) + ")";
}

}  // namespace ieum::test
