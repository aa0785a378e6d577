#include "ends/terminal_end.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <ieum/timeout.hpp>

namespace ieum::cli {

namespace {

/// What a line may take to send what it has been given, before its settings are restored.
constexpr Duration drain_max = std::chrono::seconds(5);

struct Speed {
  int bits_a_second;
  speed_t code;
};
constexpr std::array speeds{
    Speed{50, B50},           Speed{75, B75},           Speed{110, B110},
    Speed{134, B134},         Speed{150, B150},         Speed{200, B200},
    Speed{300, B300},         Speed{600, B600},         Speed{1200, B1200},
    Speed{1800, B1800},       Speed{2400, B2400},       Speed{4800, B4800},
    Speed{9600, B9600},       Speed{19200, B19200},     Speed{38400, B38400},
    Speed{57600, B57600},     Speed{115200, B115200},   Speed{230400, B230400},
    Speed{460800, B460800},   Speed{500000, B500000},   Speed{576000, B576000},
    Speed{921600, B921600},   Speed{1000000, B1000000}, Speed{1152000, B1152000},
    Speed{1500000, B1500000}, Speed{2000000, B2000000}, Speed{2500000, B2500000},
    Speed{3000000, B3000000}, Speed{3500000, B3500000}, Speed{4000000, B4000000}};

Result<> set_up(int descriptor, const TerminalOptions& options) noexcept {
  termios settings{};
  if (::tcgetattr(descriptor, &settings) < 0) return fail(Error::from_errno(errno, "open"));
  if (options.raw) ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;  // no modem has to answer first
  const auto* speed = std::ranges::find(speeds, options.speed, &Speed::bits_a_second);
  if (speed != speeds.end()) ::cfsetspeed(&settings, speed->code);
  if (::tcsetattr(descriptor, TCSANOW, &settings) < 0) {
    return fail(Error::from_errno(errno, "set up"));
  }
  return {};
}

}  // namespace

bool is_terminal_speed(int bits_a_second) noexcept {
  return std::ranges::find(speeds, bits_a_second, &Speed::bits_a_second) != speeds.end();
}

Result<> TerminalEnd::open_streams(int descriptor) {
  using Direction = DescriptorStream::Direction;
  Result<DescriptorStream> input = DescriptorStream::open(descriptor, Direction::input);
  if (!input) return fail(input.error());
  Result<DescriptorStream> output = DescriptorStream::open(descriptor, Direction::output);
  if (!output) return fail(output.error());
  input_.emplace(*std::move(input));
  output_.emplace(*std::move(output));
  return {};
}

Result<std::unique_ptr<TerminalEnd>> TerminalEnd::open(const TerminalOptions& options) {
  std::unique_ptr<TerminalEnd> end(new TerminalEnd);
  // O_NONBLOCK: else a serial line waits for a modem.
  end->device_ =
      Descriptor(::open(options.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!end->device_.is_open()) return fail(Error::from_errno(errno, "open"));
  const int number = end->device_.number();
  termios former{};
  if (::tcgetattr(number, &former) < 0) return fail(Error::from_errno(errno, "open"));
  end->former_ = former;
  const Result<> set = set_up(number, options);
  if (!set) return fail(set.error());
  const Result<> opened = end->open_streams(number);
  if (!opened) return fail(opened.error());
  return end;
}

Result<std::unique_ptr<TerminalEnd>> TerminalEnd::make(const TerminalOptions& options) {
  std::unique_ptr<TerminalEnd> end(new TerminalEnd);
  Result<PseudoTerminal> made = PseudoTerminal::open();
  if (!made) return fail(made.error());
  end->made_ = *std::move(made);
  const Result<> set = set_up(end->made_.slave.number(), options);
  if (!set) return fail(set.error());
  if (::symlink(end->made_.path.c_str(), options.path.c_str()) < 0) {
    return fail(Error::from_errno(errno, "link"));
  }
  end->link_ = options.path;
  const Result<> opened = end->open_streams(end->made_.master.number());
  if (!opened) return fail(opened.error());
  return end;
}

TerminalEnd::~TerminalEnd() { restore(); }

void TerminalEnd::restore() noexcept {
  if (former_) ::tcsetattr(device_.number(), TCSANOW, &*former_);
  former_.reset();
  if (link_.empty()) return;
  // Not one that somebody else has put there since.
  std::array<char, 64> target{};
  const ssize_t size = ::readlink(link_.c_str(), target.data(), target.size() - 1);
  if (size > 0 && made_.path == target.data()) ::unlink(link_.c_str());
  link_.clear();
}

Task<std::optional<std::size_t>> TerminalEnd::read(std::span<std::byte> into) {
  const Result<std::size_t> count = co_await attempt(input_->read_some(into));
  // The device has gone, as a USB adapter does.
  if (!count && count.error() == std::errc::io_error) co_return std::nullopt;
  if (!count) co_await fail(count.error());
  if (*count == 0) co_return std::nullopt;
  co_return *count;
}

Task<std::optional<std::size_t>> TerminalEnd::write(ConstBuffer data) {
  const std::size_t count = co_await output_->write_some(data);
  co_return count;
}

Task<> TerminalEnd::close() {
  const auto deadline = std::chrono::steady_clock::now() + drain_max;
  for (;;) {
    int left = 0;
    const bool known = device_.is_open() && ::ioctl(device_.number(), TIOCOUTQ, &left) == 0;
    if (!known || left == 0 || std::chrono::steady_clock::now() > deadline) break;
    co_await sleep(std::chrono::milliseconds(10));
  }
  restore();
}

}  // namespace ieum::cli
