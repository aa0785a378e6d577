// Child: a program that a test runs beside itself.
#include "support/child.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include <ieum/ieum.hpp>

namespace ieum::test {

namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) std::abort();
  ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);  // a slow test does not stop the child
  return {ends[0], ends[1]};
}

void close_if_open(int& descriptor) {
  if (descriptor >= 0) ::close(std::exchange(descriptor, -1));
}

/// A terminal that neither echoes nor changes what is written; Ctrl-D ends its input.
int make_terminal(int& child_end) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  std::array<char, 64> name{};
  if (terminal < 0 || ::grantpt(terminal) < 0 || ::unlockpt(terminal) < 0 ||
      ::ptsname_r(terminal, name.data(), name.size()) != 0) {
    std::abort();
  }
  child_end = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  termios settings{};
  ::tcgetattr(child_end, &settings);
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  ::tcsetattr(child_end, TCSANOW, &settings);
  return terminal;
}

std::chrono::milliseconds until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

}  // namespace

void Child::prepare_input(const Input& input, int& child_end) {
  switch (input.kind) {
    case Input::Kind::pipe: {
      const Pipe pipe = make_pipe();
      child_end = pipe.read;
      input_ = pipe.write;
      // The write end alone: `write` waits for room with a limit.
      ::fcntl(input_, F_SETFL, O_NONBLOCK);
      break;
    }
    case Input::Kind::terminal:
      input_ = make_terminal(child_end);
      output_.descriptor = ::fcntl(input_, F_DUPFD_CLOEXEC, 3);
      break;
    case Input::Kind::file: child_end = ::open(input.path.c_str(), O_RDONLY | O_CLOEXEC); break;
    case Input::Kind::closed: break;
  }
}

Child::Child(const std::vector<std::string>& command, const Input& input) : name_(command.at(0)) {
  int child_input = -1;
  prepare_input(input, child_input);
  Pipe output;
  if (output_.descriptor < 0) {
    output = make_pipe();
    output_.descriptor = output.read;
  }
  const Pipe errors = make_pipe();
  error_.descriptor = errors.read;
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  pid_ = ::fork();
  if (pid_ == 0) {  // from here to exec only what is safe after fork
    ::setsid();
    ::signal(SIGPIPE, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (child_input >= 0) {
      ::dup2(child_input, 0);
    } else {
      ::close(0);
    }
    ::dup2(output.write >= 0 ? output.write : child_input, 1);
    ::dup2(errors.write, 2);
    ::close_range(3, ~0U, 0);  // what whoever started us has left open
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
  }
  if (pid_ < 0) std::abort();
  close_if_open(child_input);
  close_if_open(output.write);
  int error_end = errors.write;
  close_if_open(error_end);
}

Child::~Child() {
  if (!status_ && pid_ > 0) {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);  // before its setsid
    ::waitpid(pid_, nullptr, 0);
  }
  close_if_open(input_);
  close_if_open(output_.descriptor);
  close_if_open(error_.descriptor);
}

void Child::write(std::string_view text) {
  ::signal(SIGPIPE, SIG_IGN);  // a child that has gone is a failed test, no more
  const Clock::time_point deadline = Clock::now() + patience;
  while (!text.empty()) {
    pollfd ready{.fd = input_, .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(until(deadline).count())) <= 0) {
      ADD_FAILURE() << name_ << " does not read its input";
      return;
    }
    const ssize_t count = ::write(input_, text.data(), text.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count < 0) {
      ADD_FAILURE() << "writing to " << name_ << ": " << std::strerror(errno);
      return;
    }
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Child::close_input() { close_if_open(input_); }

void Child::close_output() {
  close_if_open(output_.descriptor);
  output_.ended = true;
}

/// Takes what the child has written, waiting at most `limit` for it; false if nothing came.
bool Child::take(Output& output, std::chrono::milliseconds limit) {
  pollfd ready{.fd = output.descriptor, .events = POLLIN, .revents = 0};
  if (output.ended || ::poll(&ready, 1, static_cast<int>(limit.count())) <= 0) return false;
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(output.descriptor, buffer.data(), buffer.size());
  if (count < 0 && errno == EINTR) return true;
  if (count <= 0) {  // EIO: nobody has the terminal open any more
    output.ended = true;
    return false;
  }
  output.text.append(buffer.data(), static_cast<std::size_t>(count));
  return true;
}

std::string Child::read_until(Output& output, std::string_view text,
                              std::chrono::milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  std::size_t found = output.text.find(text);
  while (found == std::string::npos && !output.ended && Clock::now() < deadline) {
    const std::size_t before = output.text.size();
    take(output, until(deadline));
    found = output.text.find(text, before < text.size() ? 0 : before - text.size());
  }
  if (found == std::string::npos) {
    ADD_FAILURE() << name_ << " did not write \"" << text
                  << "\" but: " << output.text.substr(0, 2000)
                  << (output.ended ? " (its end)" : "");
    return "";
  }
  std::string all = output.text.substr(0, found + text.size());
  output.text.erase(0, found + text.size());
  return all;
}

std::string Child::read_until(std::string_view text, std::chrono::milliseconds limit) {
  return read_until(output_, text, limit);
}

std::string Child::read_error_until(std::string_view text, std::chrono::milliseconds limit) {
  return read_until(error_, text, limit);
}

std::string Child::read_all(std::chrono::milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  while (!output_.ended && Clock::now() < deadline) take(output_, until(deadline));
  EXPECT_TRUE(output_.ended) << name_ << " has not ended its output";
  return std::exchange(output_.text, {});
}

std::string_view Child::output_so_far() {
  while (take(output_, std::chrono::milliseconds(0))) {
  }
  return output_.text;
}

bool Child::runs() {
  if (status_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return false;
}

int Child::wait(std::chrono::milliseconds limit) {
  const Clock::time_point deadline = Clock::now() + limit;
  while (runs() && Clock::now() < deadline) {
    take(output_, std::chrono::milliseconds(0));  // so that it is not stopped by a full pipe
    take(error_, std::chrono::milliseconds(5));
    if (error_.ended) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_TRUE(status_.has_value()) << name_ << " has not ended";
  return status_.value_or(-1000);
}

std::string Child::error_output() {
  while (take(error_, std::chrono::milliseconds(0))) {
  }
  return error_.text;
}

void Child::signal(int number) const { ::kill(pid_, number); }

std::size_t Child::memory_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t Child::descriptors() const {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid_) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::vector<pid_t> Child::children() const {
  const std::string number = std::to_string(pid_);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  std::vector<pid_t> all;
  for (pid_t one = 0; file >> one;) all.push_back(one);
  return all;
}

namespace {

/// Below the ports that the system gives by itself (ip(7), ip_local_port_range): what other tests
/// open meanwhile does not take it.
template <class Socket>
std::uint16_t free_port_of() {
  std::uniform_int_distribution<std::uint16_t> ports(10'000, 32'000);
  std::random_device random;
  for (int tries = 0; tries < 1000; ++tries) {
    const std::uint16_t port = ports(random);
    if (Socket::bind(Address::ipv4_loopback(port))) return port;
  }
  std::abort();
}

}  // namespace

std::uint16_t free_port() { return free_port_of<Listener>(); }
std::uint16_t free_udp_port() { return free_port_of<DatagramSocket>(); }

void wait_until_listening(std::uint16_t port) {
  std::array<char, 16> suffix{};
  std::snprintf(suffix.data(), suffix.size(), ":%04X", unsigned{port});
  const Clock::time_point deadline = Clock::now() + patience;
  while (Clock::now() < deadline) {
    for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
      std::ifstream file(table);
      std::string number, local, remote, state;
      for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        fields >> number >> local >> remote >> state;
        if (local.ends_with(suffix.data()) && state == "0A") return;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ADD_FAILURE() << "nobody listens on port " << port;
}

}  // namespace ieum::test
