// What the conformance tests share: a task as a test, the transports, connected pairs, whole texts,
// child processes and network namespaces.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/bytes.hpp"
#include "support/files.hpp"
#include "support/network_namespace.hpp"
#include "support/support.hpp"

/// A test that is a task: it runs on a runtime of its own and is expected to succeed, in time.
#define CO_TEST(suite, name)                                                    \
  static ::ieum::Task<> suite##_##name();                                       \
  TEST(suite, name) { ::ieum::test::expect_success_in_time(suite##_##name()); } \
  static ::ieum::Task<> suite##_##name()

/// The same once for each transport, of a suite that `EVERY_TRANSPORT` has declared.
#define CO_TEST_P(suite, name)                                                      \
  static ::ieum::Task<> suite##_##name(::ieum::test::Transport transport);          \
  TEST_P(suite, name) {                                                             \
    if (!::ieum::test::has(GetParam())) GTEST_SKIP() << "this machine has no IPv6"; \
    ::ieum::test::expect_success_in_time(suite##_##name(GetParam()));               \
  }                                                                                 \
  static ::ieum::Task<> suite##_##name(::ieum::test::Transport transport)

#define EVERY_TRANSPORT(suite)                                                      \
  class suite : public ::testing::TestWithParam<::ieum::test::Transport> {};        \
  INSTANTIATE_TEST_SUITE_P(                                                         \
      , suite,                                                                      \
      testing::Values(::ieum::test::Transport::ipv4, ::ieum::test::Transport::ipv6, \
                      ::ieum::test::Transport::unix_socket),                        \
      [](const auto& of) { return ::ieum::test::name_of(of.param); })

namespace ieum::test {

using namespace std::chrono_literals;

template <class A>
void expect_success_in_time(A op) {
  expect_success(with_timeout(patience, std::move(op)));
}

enum class Transport { ipv4, ipv6, unix_socket };
std::string name_of(Transport transport);
bool has(Transport transport);

/// An address to listen on: port 0 of a loopback address, or a new abstract name.
std::string any_address(Transport transport);

/// The two ends of a connection.
struct Pair {
  StreamSocket client;
  StreamSocket server;
};
Task<Pair> connected(Transport transport = Transport::ipv4);
/// The same with buffers so small that a few hundred kilobytes fill them.
Task<Pair> connected_with_small_buffers(Transport transport = Transport::ipv4);

/// Writes, by calls of its own, until the kernel takes no more; gives the number of bytes. Outside
/// of tasks a simulated socket needs its runtime.
std::size_t fill(int descriptor, Runtime* runtime = nullptr);
/// Reads, by calls of its own, until there is nothing; gives the number of bytes.
std::size_t drain(int descriptor, Runtime* runtime = nullptr);
/// Writes a few bytes, by a call of its own.
void send_now(int descriptor, std::string_view text, Runtime& runtime);
/// Whether sockets are simulated, so that system calls cannot reach them.
bool is_simulated(Runtime& runtime);
/// The same of the runtime whose task asks.
bool is_simulated();

inline std::span<std::byte> bytes_of(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}
inline ConstBuffer bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Exactly `count` bytes.
Task<std::string> read_text(Stream& from, std::size_t count);
/// All until the peer's end.
Task<std::string> read_to_end(Stream& from);
/// Sends back what comes until the peer's end.
Task<> echo(StreamSocket peer);

/// Allows as many descriptors as can be, as long as the object lives.
class ManyDescriptors {
 public:
  ManyDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit high = before_;
    high.rlim_cur = high.rlim_max;
    setrlimit(RLIMIT_NOFILE, &high);
  }
  ManyDescriptors(const ManyDescriptors&) = delete;
  ManyDescriptors& operator=(const ManyDescriptors&) = delete;
  ~ManyDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  [[nodiscard]] rlim_t count() const noexcept { return before_.rlim_max; }

 private:
  rlimit before_{};
};

/// Closes a descriptor at the end of a block.
class Descriptor {
 public:
  Descriptor() noexcept = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    number_ = std::exchange(other.number_, -1);
    return *this;
  }
  ~Descriptor() { close(); }
  [[nodiscard]] int get() const noexcept { return number_; }
  int release() noexcept { return std::exchange(number_, -1); }
  void close() noexcept;

 private:
  int number_ = -1;
};

struct Pipe {
  Pipe();
  Descriptor reader;
  Descriptor writer;
};

/// A copy of this process, for a program of its own see `Child`.
class ForkedChild {
 public:
  /// `body` makes system calls only; its value is the exit status. Fork before opening sockets:
  /// the child would hold them too.
  explicit ForkedChild(const std::function<int()>& body);
  ForkedChild(const ForkedChild&) = delete;
  ForkedChild& operator=(const ForkedChild&) = delete;
  /// Kills it if it still runs.
  ~ForkedChild();

  void kill(int signal) const;
  /// Waits for its end; gives the status of waitpid(2).
  int wait();
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  pid_t pid_ = -1;
};

/// This process's name as /proc has it.
std::string process_name();

/// "held by NAME (pid PID)".
std::string held_by(pid_t pid);

}  // namespace ieum::test
