// Child: a program that a test runs beside itself; killed and reaped at the latest with the object.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/support.hpp"

namespace ieum::test {

/// Where a child's standard input comes from.
struct Input {
  enum class Kind : std::uint8_t { pipe, terminal, file, closed };
  Kind kind = Kind::pipe;
  std::string path;  // of a file

  static Input pipe() { return {}; }
  /// A pseudo-terminal, which is its standard output too.
  static Input terminal() { return {Kind::terminal, {}}; }
  static Input file(std::string path) { return {Kind::file, std::move(path)}; }
  static Input nothing() { return file("/dev/null"); }
  static Input closed() { return {Kind::closed, {}}; }
};

/// A child in a process group of its own. It is killed when the test's process ends, however that
/// ends. What it writes is kept until it is read; reading never blocks beyond its limit.
class Child {
 public:
  explicit Child(const std::vector<std::string>& command, const Input& input = {});
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// To its standard input; fails the test if it does not take it.
  void write(std::string_view text);
  void close_input();
  /// Goes away as the reader of its standard output: what it writes from now on is a broken pipe.
  void close_output();

  /// Waits until its standard output (or error output) contains `text`, and gives all up to and
  /// with it, which is then used up. Fails the test after `limit`, or when the output ends before.
  std::string read_until(std::string_view text, std::chrono::milliseconds limit = patience);
  std::string read_error_until(std::string_view text, std::chrono::milliseconds limit = patience);
  /// The same for the end of standard output.
  std::string read_all(std::chrono::milliseconds limit = patience);
  /// What has come and was not used up; takes what is there, never waits.
  std::string_view output_so_far();

  /// Waits until it has ended and gives its exit status; a signal that ended it as a negative
  /// number. Fails the test after `limit`.
  int wait(std::chrono::milliseconds limit = patience);
  [[nodiscard]] bool runs();
  /// All that it wrote as errors; call it after `wait`.
  std::string error_output();

  void signal(int number) const;
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// Resident memory, in bytes.
  [[nodiscard]] std::size_t memory_bytes() const;
  /// How many descriptors it has open.
  [[nodiscard]] std::size_t descriptors() const;
  /// Its own children, those included that have ended and were not waited for.
  [[nodiscard]] std::vector<pid_t> children() const;

 private:
  struct Output {
    int descriptor = -1;
    std::string text;
    bool ended = false;
  };
  void prepare_input(const Input& input, int& child_end);
  bool take(Output& output, std::chrono::milliseconds limit);
  std::string read_until(Output& output, std::string_view text, std::chrono::milliseconds limit);

  std::string name_;
  pid_t pid_ = -1;
  int input_ = -1;
  Output output_;
  Output error_;
  std::optional<int> status_;
};

/// A TCP port of 127.0.0.1 that nobody uses now.
std::uint16_t free_port();
/// The same of UDP.
std::uint16_t free_udp_port();
/// Waits until somebody listens on `port`, without connecting.
void wait_until_listening(std::uint16_t port);

}  // namespace ieum::test
