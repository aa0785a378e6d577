// DescriptorStream: descriptors that others share, of every kind, with their flags left alone.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "conformance/conformance.hpp"

namespace ieum::test {
namespace {

constexpr auto input = DescriptorStream::Direction::input;
constexpr auto output = DescriptorStream::Direction::output;

/// The status flags of a descriptor, which a stream must not change.
class SameFlags {
 public:
  explicit SameFlags(int descriptor) : descriptor_(descriptor), before_(now()) {}
  SameFlags(const SameFlags&) = delete;
  SameFlags& operator=(const SameFlags&) = delete;
  ~SameFlags() {
    EXPECT_EQ(now(), before_) << "the flags of a shared descriptor were changed";
    EXPECT_EQ(before_ & O_NONBLOCK, 0);
  }

 private:
  [[nodiscard]] int now() const { return ::fcntl(descriptor_, F_GETFL); }
  int descriptor_;
  int before_;
};

struct SocketPair {
  SocketPair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) < 0) std::abort();
    near = Descriptor(ends[0]);
    far = Descriptor(ends[1]);
  }
  Descriptor near;
  Descriptor far;
};

struct PseudoTerminal {
  PseudoTerminal() {
    master = Descriptor(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    std::array<char, 64> name{};
    if (master.get() < 0 || ::grantpt(master.get()) < 0 || ::unlockpt(master.get()) < 0 ||
        ::ptsname_r(master.get(), name.data(), name.size()) != 0) {
      std::abort();
    }
    slave = Descriptor(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios raw{};
    ::tcgetattr(slave.get(), &raw);
    ::cfmakeraw(&raw);
    ::tcsetattr(slave.get(), TCSANOW, &raw);
  }
  Descriptor master;
  Descriptor slave;
};

std::string text_of(int descriptor) {
  std::array<char, 256> buffer{};
  const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
  return {buffer.data(), static_cast<std::size_t>(count < 0 ? 0 : count)};
}

Task<std::string> failure_of_write(Stream& stream, std::string_view text) {
  Result<> result = co_await attempt(stream.write_all(text));
  co_return result ? std::string("succeeded") : result.error().to_string();
}

Task<std::string> failure_of_read(Stream& stream) {
  std::array<std::byte, 16> buffer;
  Result<std::size_t> result = co_await attempt(stream.read_some(buffer));
  co_return result ? std::to_string(*result) + " bytes" : result.error().to_string();
}

/// Waits for a read while nothing comes, until it is cancelled; then what comes is not lost.
Task<> expect_cancelled_read_loses_nothing(DescriptorStream& stream, int writer) {
  std::array<std::byte, 16> buffer;
  for (int i = 0; i < 3; ++i) {
    Result<std::size_t> result = co_await attempt(with_timeout(2ms, stream.read_some(buffer)));
    CO_ASSERT(!result);
    EXPECT_EQ(result.error(), std::errc::timed_out);
  }
  CO_ASSERT(::write(writer, "later", 5) == 5);
  const std::string text = co_await read_text(stream, 5);
  EXPECT_EQ(text, "later");
}

/// Closes the stream while a read waits.
Task<> expect_close_ends_a_pending_read(DescriptorStream& stream) {
  std::string failure;
  auto reading = [&]() -> Task<> { failure = co_await failure_of_read(stream); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    co_await sleep(2ms);
    co_await stream.close();
  };
  co_await with_timeout(10s, with_group(body));
  EXPECT_EQ(failure, "read: canceled");
}

/// Writes more than fits; nobody reads at first.
Task<> expect_backpressure(DescriptorStream& stream, int reader) {
  const std::string much(std::size_t{2} << 20U, 'm');
  bool written = false;
  auto writing = [&]() -> Task<> {
    co_await stream.write_all(much);
    written = true;
  };
  std::size_t got = 0;
  auto body = [&](Group& group) -> Task<> {
    group.start(writing());
    co_await sleep(10ms);
    EXPECT_FALSE(written);
    while (got < much.size()) {
      co_await wait_readable(reader);
      got += drain(reader);
    }
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_TRUE(written);
  EXPECT_EQ(got, much.size());
}

// ---- Pipes --------------------------------------------------------------------------------------

CO_TEST(DescriptorStreamOnPipe, reads_until_the_writer_has_gone) {
  Pipe pipe;
  const SameFlags same(pipe.reader.get());
  DescriptorStream stream = co_await DescriptorStream::open(pipe.reader.get(), input);
  co_await expect_cancelled_read_loses_nothing(stream, pipe.writer.get());
  CO_ASSERT(::write(pipe.writer.get(), "end", 3) == 3);
  pipe.writer.close();
  const std::string rest = co_await read_to_end(stream);
  EXPECT_EQ(rest, "end");
  const std::string again = co_await failure_of_read(stream);
  EXPECT_EQ(again, "0 bytes");
}

CO_TEST(DescriptorStreamOnPipe, writes_and_its_close_is_the_readers_end) {
  Pipe pipe;
  DescriptorStream stream = co_await DescriptorStream::open(pipe.writer.get(), output);
  {
    const SameFlags same(pipe.writer.get());
    const std::array<ConstBuffer, 4> parts{bytes_of(std::string_view("one ")), ConstBuffer{},
                                           bytes_of(std::string_view("two ")),
                                           bytes_of(std::string_view("three"))};
    co_await stream.write_all(parts);
    EXPECT_EQ(text_of(pipe.reader.get()), "one two three");
  }
  pipe.writer.release();
  co_await stream.shutdown_write();
  EXPECT_EQ(text_of(pipe.reader.get()), "");  // would block if a writer were left
  const std::string late = co_await failure_of_write(stream, "late");
  EXPECT_EQ(late, "write: bad file descriptor");
}

CO_TEST(DescriptorStreamOnPipe, holds_the_writer_back_when_it_is_full) {
  Pipe pipe;
  const SameFlags same(pipe.writer.get());
  DescriptorStream stream = co_await DescriptorStream::open(pipe.writer.get(), output);
  co_await expect_backpressure(stream, pipe.reader.get());
}

CO_TEST(DescriptorStreamOnPipe, without_a_reader_is_a_broken_pipe_and_no_signal) {
  void (*former)(int) = std::signal(SIGPIPE, SIG_DFL);
  Pipe gone_later;
  DescriptorStream first = co_await DescriptorStream::open(gone_later.writer.get(), output);
  gone_later.reader.close();
  const std::string failure = co_await failure_of_write(first, "text");
  EXPECT_EQ(failure, "write: broken pipe");

  Pipe gone_before;
  gone_before.reader.close();
  DescriptorStream second = co_await DescriptorStream::open(gone_before.writer.get(), output);
  const std::string failure2 = co_await failure_of_write(second, "text");
  EXPECT_EQ(failure2, "write: broken pipe");
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
  std::signal(SIGPIPE, former);
}

CO_TEST(DescriptorStreamOnPipe, the_readers_end_during_a_write_is_a_broken_pipe) {
  void (*former)(int) = std::signal(SIGPIPE, SIG_DFL);
  Pipe pipe;
  DescriptorStream stream = co_await DescriptorStream::open(pipe.writer.get(), output);
  const std::string much(std::size_t{2} << 20U, 'm');
  std::string failure;
  auto writing = [&]() -> Task<> { failure = co_await failure_of_write(stream, much); };
  auto body = [&](Group& group) -> Task<> {
    group.start(writing());
    co_await sleep(2ms);
    pipe.reader.close();
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(failure, "write: broken pipe");
  std::signal(SIGPIPE, former);
}

CO_TEST(DescriptorStreamOnPipe, closing_ends_a_pending_read) {
  Pipe pipe;
  DescriptorStream stream = co_await DescriptorStream::open(pipe.reader.get(), input);
  pipe.reader.release();
  co_await expect_close_ends_a_pending_read(stream);
}

CO_TEST(DescriptorStreamOnPipe, in_the_wrong_direction) {
  Pipe pipe;
  Result<DescriptorStream> wrong = DescriptorStream::open(pipe.reader.get(), output);
  CO_ASSERT(!wrong);
  EXPECT_EQ(wrong.error().to_string(),
            "open output: bad file descriptor: it is open in the other direction only");
  DescriptorStream stream = co_await DescriptorStream::open(pipe.reader.get(), input);
  const std::string failure = co_await failure_of_write(stream, "text");
  EXPECT_EQ(failure, "write: bad file descriptor");
  const SocketPair pair;
  DescriptorStream both = co_await DescriptorStream::open(pair.near.get(), output);
  const std::string failure2 = co_await failure_of_read(both);
  EXPECT_EQ(failure2, "read: bad file descriptor");
}

CO_TEST(DescriptorStreamOnPipe, leaves_the_descriptor_to_its_owner) {
  Pipe pipe;
  {
    DescriptorStream stream = co_await DescriptorStream::open(pipe.writer.get(), output);
    co_await stream.write_all("text");
  }
  EXPECT_EQ(text_of(pipe.reader.get()), "text");
  EXPECT_EQ(::write(pipe.writer.get(), "still", 5), 5);
}

// ---- Sockets, which can only be polled ----------------------------------------------------------

CO_TEST(DescriptorStreamOnSocket, reads_until_the_end) {
  SocketPair pair;
  const SameFlags same(pair.near.get());
  DescriptorStream stream = co_await DescriptorStream::open(pair.near.get(), input);
  co_await expect_cancelled_read_loses_nothing(stream, pair.far.get());
  CO_ASSERT(::write(pair.far.get(), "end", 3) == 3);
  pair.far.close();
  const std::string rest = co_await read_to_end(stream);
  EXPECT_EQ(rest, "end");
}

CO_TEST(DescriptorStreamOnSocket, holds_the_writer_back_when_it_is_full) {
  SocketPair pair;
  const SameFlags same(pair.near.get());
  DescriptorStream stream = co_await DescriptorStream::open(pair.near.get(), output);
  co_await expect_backpressure(stream, pair.far.get());
}

CO_TEST(DescriptorStreamOnSocket, without_a_reader_is_a_broken_pipe_and_no_signal) {
  void (*former)(int) = std::signal(SIGPIPE, SIG_DFL);
  SocketPair pair;
  DescriptorStream stream = co_await DescriptorStream::open(pair.near.get(), output);
  pair.far.close();
  const std::string failure = co_await failure_of_write(stream, "text");
  EXPECT_EQ(failure, "write: broken pipe");
  std::signal(SIGPIPE, former);
}

CO_TEST(DescriptorStreamOnSocket, closing_ends_a_pending_read) {
  SocketPair pair;
  DescriptorStream stream = co_await DescriptorStream::open(pair.near.get(), input);
  pair.near.release();
  co_await expect_close_ends_a_pending_read(stream);
}

CO_TEST(DescriptorStreamOnSocket, two_streams_on_one_descriptor) {
  SocketPair pair;
  DescriptorStream in = co_await DescriptorStream::open(pair.near.get(), input);
  DescriptorStream out = co_await DescriptorStream::open(pair.near.get(), output);
  std::string got;
  auto reading = [&]() -> Task<> { got = co_await read_text(in, 6); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    co_await out.write_all("question");
    EXPECT_EQ(text_of(pair.far.get()), "question");
    CO_ASSERT(::write(pair.far.get(), "answer", 6) == 6);
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(got, "answer");
}

// ---- Terminals ----------------------------------------------------------------------------------

CO_TEST(DescriptorStreamOnTerminal, reads_and_writes) {
  PseudoTerminal terminal;
  const SameFlags same(terminal.slave.get());
  DescriptorStream in = co_await DescriptorStream::open(terminal.slave.get(), input);
  DescriptorStream out = co_await DescriptorStream::open(terminal.slave.get(), output);
  co_await expect_cancelled_read_loses_nothing(in, terminal.master.get());
  co_await out.write_all("prompt> ");
  EXPECT_EQ(text_of(terminal.master.get()), "prompt> ");
}

CO_TEST(DescriptorStreamOnTerminal, closing_ends_a_pending_read) {
  PseudoTerminal terminal;
  DescriptorStream stream = co_await DescriptorStream::open(terminal.slave.get(), input);
  terminal.slave.release();
  co_await expect_close_ends_a_pending_read(stream);
}

CO_TEST(DescriptorStreamOnTerminal, is_at_its_end_when_it_hangs_up) {
  PseudoTerminal terminal;
  DescriptorStream stream = co_await DescriptorStream::open(terminal.slave.get(), input);
  std::string failure;
  auto reading = [&]() -> Task<> { failure = co_await failure_of_read(stream); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    co_await sleep(2ms);
    terminal.master.close();
  };
  co_await with_timeout(10s, with_group(body));
  EXPECT_EQ(failure, "0 bytes");
}

/// What a shell does between two commands, and `stty` from elsewhere.
void change_settings(int terminal) {
  termios settings{};
  ASSERT_EQ(::tcgetattr(terminal, &settings), 0);
  settings.c_lflag ^= ECHO;
  ASSERT_EQ(::tcsetattr(terminal, TCSANOW, &settings), 0);
}

/// Changes the terminal's settings several times while something waits for it.
Task<> change_settings_often(int terminal) {
  for (int i = 0; i < 3; ++i) {
    co_await sleep(100ms);
    change_settings(terminal);
  }
  co_await sleep(100ms);
}

CO_TEST(DescriptorStreamOnTerminal, reads_on_when_its_settings_change) {
  PseudoTerminal terminal;
  DescriptorStream stream = co_await DescriptorStream::open(terminal.slave.get(), input);
  std::string got;
  auto reading = [&]() -> Task<> { got = co_await read_text(stream, 5); };
  auto body = [&](Group& group) -> Task<> {
    group.start(reading());
    co_await change_settings_often(terminal.slave.get());
    CO_ASSERT(::write(terminal.master.get(), "later", 5) == 5);
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(got, "later");
}

CO_TEST(DescriptorStreamOnTerminal, waits_on_when_its_settings_change) {
  PseudoTerminal terminal;
  bool readable = false;
  auto waiting = [&]() -> Task<> {
    co_await wait_readable(terminal.slave.get());
    readable = true;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(waiting());
    co_await change_settings_often(terminal.slave.get());
    EXPECT_FALSE(readable);
    CO_ASSERT(::write(terminal.master.get(), "later", 5) == 5);
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_TRUE(readable);
}

CO_TEST(DescriptorStreamOnTerminal, writes_on_when_its_settings_change) {
  PseudoTerminal terminal;
  DescriptorStream stream = co_await DescriptorStream::open(terminal.slave.get(), output);
  const std::string much(std::size_t{256} * 1024, 'm');
  auto writing = [&]() -> Task<> { co_await stream.write_all(much); };
  std::size_t got = 0;
  auto body = [&](Group& group) -> Task<> {
    group.start(writing());
    co_await change_settings_often(terminal.slave.get());
    while (got < much.size()) {
      co_await wait_readable(terminal.master.get());
      got += text_of(terminal.master.get()).size();
    }
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(got, much.size());
}

// Opening the master's file again would make another terminal.
CO_TEST(DescriptorStreamOnTerminal, from_the_masters_side) {
  PseudoTerminal terminal;
  const SameFlags same(terminal.master.get());
  DescriptorStream in = co_await DescriptorStream::open(terminal.master.get(), input);
  DescriptorStream out = co_await DescriptorStream::open(terminal.master.get(), output);
  co_await out.write_all("keys");
  EXPECT_EQ(text_of(terminal.slave.get()), "keys");
  co_await expect_cancelled_read_loses_nothing(in, terminal.slave.get());
}

// ---- Files and devices --------------------------------------------------------------------------

CO_TEST(DescriptorStreamOnFile, shares_the_offset_with_others) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("file");
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const SameFlags same(file.get());
  DescriptorStream out = co_await DescriptorStream::open(file.get(), output);
  co_await out.write_all("first ");
  CO_ASSERT(::write(file.get(), "between ", 8) == 8);
  const std::array<ConstBuffer, 3> parts{bytes_of(std::string_view("la")), ConstBuffer{},
                                         bytes_of(std::string_view("st"))};
  co_await out.write_all(parts);
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  DescriptorStream in = co_await DescriptorStream::open(file.get(), input);
  const std::string first = co_await read_text(in, 6);
  EXPECT_EQ(first, "first ");
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), 6);
  const std::string rest = co_await read_to_end(in);
  EXPECT_EQ(rest, "between last");
}

CO_TEST(DescriptorStreamOnFile, takes_much) {
  const TemporaryDirectory directory;
  const std::string path = directory.path("file");
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const std::vector<std::byte> source = random_bytes(std::size_t{8} << 20U, seed());
  DescriptorStream out = co_await DescriptorStream::open(file.get(), output);
  co_await out.write_all(source);
  ::lseek(file.get(), 0, SEEK_SET);
  DescriptorStream in = co_await DescriptorStream::open(file.get(), input);
  std::vector<std::byte> got(source.size());
  co_await in.read_exact(got);
  EXPECT_EQ(got, source);
}

CO_TEST(DescriptorStreamOnFile, is_copied_to_a_socket_and_back) {
  const TemporaryDirectory directory;
  const Descriptor from(::open(directory.path("from").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const Descriptor to(::open(directory.path("to").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const std::string text(100'000, 't');
  CO_ASSERT(::write(from.get(), text.data(), text.size()) == 100'000);
  ::lseek(from.get(), 0, SEEK_SET);
  Pair pair = co_await connected();
  DescriptorStream in = co_await DescriptorStream::open(from.get(), input);
  DescriptorStream out = co_await DescriptorStream::open(to.get(), output);
  auto sending = [&]() -> Task<> {
    co_await copy(in, pair.client);
    co_await pair.client.shutdown_write();
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(sending());
    const std::uint64_t count = co_await copy(pair.server, out);
    EXPECT_EQ(count, text.size());
  };
  co_await with_group(body);
  EXPECT_EQ(::lseek(to.get(), 0, SEEK_CUR), 100'000);
}

CO_TEST(DescriptorStreamOnFile, closing_closes_it) {
  const TemporaryDirectory directory;
  Descriptor file(::open(directory.path("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  DescriptorStream out = co_await DescriptorStream::open(file.get(), output);
  const int number = file.release();
  co_await out.close();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  Result<> again = co_await attempt(out.close());
  CO_ASSERT(!again);
  EXPECT_EQ(again.error().to_string(), "close: bad file descriptor");
}

CO_TEST(DescriptorStreamOnDevice, null_is_at_its_end_and_takes_everything) {
  const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const SameFlags same(null.get());
  DescriptorStream in = co_await DescriptorStream::open(null.get(), input);
  DescriptorStream out = co_await DescriptorStream::open(null.get(), output);
  const std::string nothing = co_await read_to_end(in);
  EXPECT_EQ(nothing, "");
  const std::string much(std::size_t{1} << 20U, 'm');
  co_await out.write_all(much);
}

CO_TEST(DescriptorStreamOnDevice, a_full_one_says_so) {
  const Descriptor full(::open("/dev/full", O_RDWR | O_CLOEXEC));
  DescriptorStream out = co_await DescriptorStream::open(full.get(), output);
  const std::string failure = co_await failure_of_write(out, "text");
  EXPECT_EQ(failure, "write: no space left on device");
}

CO_TEST(DescriptorStream, on_what_is_no_descriptor_or_a_directory) {
  Descriptor closed(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const int number = closed.get();
  closed.close();
  const Result<DescriptorStream> none = DescriptorStream::open(number, input);
  CO_ASSERT(!none);
  EXPECT_EQ(none.error().to_string(), "open input: bad file descriptor");
  const Descriptor directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DescriptorStream stream = co_await DescriptorStream::open(directory.get(), input);
  const std::string failure = co_await failure_of_read(stream);
  EXPECT_EQ(failure, "read: is a directory");
}

// ---- The standard three, in a process of their own ----------------------------------------------

Task<> upper_case() {
  DescriptorStream in = co_await DescriptorStream::standard_input();
  DescriptorStream out = co_await DescriptorStream::standard_output();
  std::string text = co_await read_to_end(in);
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  co_await out.write_all(text);
  co_await out.close();
  co_await in.close();
  // 0 and 1 are /dev/null now: no later file gets their number.
  const Descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_GT(next.get(), 2);
}

int upper_case_of(int in, int out) {
  ::dup2(in, 0);
  ::dup2(out, 1);
  ::close(in);
  ::close(out);
  return run_alone(upper_case()) && !testing::Test::HasFailure() ? 0 : 1;
}

TEST(StandardStreams, on_pipes) {
  Pipe to;
  Pipe from;
  ForkedChild child([&] {
    to.writer.close();
    from.reader.close();
    return upper_case_of(to.reader.release(), from.writer.release());
  });
  from.writer.close();
  ASSERT_EQ(::write(to.writer.get(), "some text", 9), 9);
  to.writer.close();
  EXPECT_EQ(text_of(from.reader.get()), "SOME TEXT");
  EXPECT_EQ(text_of(from.reader.get()), "");
  EXPECT_EQ(child.wait(), 0);
}

TEST(StandardStreams, on_files) {
  const TemporaryDirectory directory;
  {
    std::ofstream file(directory.path("in"));
    file << "some text";
  }
  Descriptor in(::open(directory.path("in").c_str(), O_RDONLY | O_CLOEXEC));
  Descriptor out(::open(directory.path("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ForkedChild child([&] { return upper_case_of(in.release(), out.release()); });
  EXPECT_EQ(child.wait(), 0);
  std::ifstream file(directory.path("out"));
  std::string text;
  std::getline(file, text);
  EXPECT_EQ(text, "SOME TEXT");
}

TEST(StandardStreams, an_error_names_them) {
  ForkedChild child([] {
    const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    ::dup2(full.get(), 1);
    ::dup2(full.get(), 2);
    auto writing = [](Result<DescriptorStream> stream) -> Task<> {
      DescriptorStream out = co_await std::move(stream);
      co_await out.write_all("text");
    };
    const auto failure = [&](Result<DescriptorStream> (*open)()) {
      auto task = [&]() -> Task<> { co_await writing(open()); };
      return run_alone(task()).error().to_string();
    };
    const bool right = failure(DescriptorStream::standard_output) ==
                           "write standard output: no space left on device" &&
                       failure(DescriptorStream::standard_error) ==
                           "write standard error: no space left on device";
    return right ? 0 : 1;
  });
  EXPECT_EQ(child.wait(), 0);
}

// A descriptor of the driver's would get the number, and a peer what the program prints.
TEST(StandardDescriptors, that_were_left_closed_become_dev_null) {
  ForkedChild child([] {
    for (int i = 0; i <= 2; ++i) ::close(i);
    const Result<std::unique_ptr<Runtime>> runtime = Runtime::create();
    if (!runtime) return 1;
    for (int i = 0; i <= 2; ++i) {
      struct stat status{};
      if (::fstat(i, &status) < 0 || status.st_rdev != makedev(1, 3)) return 10 + i;
    }
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
}

// ---- Waiting for a foreign descriptor -----------------------------------------------------------

CO_TEST(WaitForDescriptor, that_is_none) {
  Descriptor closed(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const int number = closed.get();
  closed.close();
  Result<> readable = co_await attempt(wait_readable(number));
  CO_ASSERT(!readable);
  EXPECT_EQ(readable.error().to_string(), "wait until readable: bad file descriptor");
  Result<> writable = co_await attempt(wait_writable(-1));
  CO_ASSERT(!writable);
  EXPECT_EQ(writable.error().to_string(), "wait until writable: bad file descriptor");
}

CO_TEST(WaitForDescriptor, of_a_regular_file_is_always_ready) {
  const TemporaryDirectory directory;
  const Descriptor file(::open(directory.path("file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  co_await wait_readable(file.get());
  co_await wait_writable(file.get());
}

CO_TEST(WaitForDescriptor, in_both_directions_at_once) {
  SocketPair pair;
  fill(pair.near.get());
  int order = 0;
  int readable_at = 0;
  int writable_at = 0;
  auto readable = [&]() -> Task<> {
    co_await wait_readable(pair.near.get());
    readable_at = ++order;
  };
  auto writable = [&]() -> Task<> {
    co_await wait_writable(pair.near.get());
    writable_at = ++order;
  };
  auto body = [&](Group& group) -> Task<> {
    group.start(readable());
    group.start(writable());
    co_await sleep(2ms);
    EXPECT_EQ(order, 0);
    CO_ASSERT(::write(pair.far.get(), "x", 1) == 1);
    while (order == 0) co_await yield();
    EXPECT_EQ(readable_at, 1);
    drain(pair.far.get());
  };
  co_await with_timeout(patience, with_group(body));
  EXPECT_EQ(writable_at, 2);
}

CO_TEST(WaitForDescriptor, whose_other_end_has_gone_is_ready) {
  Pipe pipe;
  auto body = [&](Group& group) -> Task<> {
    auto waiting = [&]() -> Task<> { co_await wait_readable(pipe.reader.get()); };
    Task<> task = waiting();
    group.start(std::move(task));
    co_await sleep(2ms);
    pipe.writer.close();
    while (group.running() > 0) co_await yield();
  };
  co_await with_timeout(patience, with_group(body));
  Pipe other;
  other.reader.close();
  co_await wait_writable(other.writer.get());
}

CO_TEST(WaitForDescriptor, whose_number_is_used_again_and_again) {
  for (int i = 0; i < 20; ++i) {
    Pipe pipe;
    Result<> early = co_await attempt(with_timeout(500us, wait_readable(pipe.reader.get())));
    CO_ASSERT(!early);
    CO_ASSERT(::write(pipe.writer.get(), "x", 1) == 1);
    co_await with_timeout(patience, wait_readable(pipe.reader.get()));
    co_await with_timeout(patience, wait_readable(pipe.reader.get()));
  }
}

CO_TEST(WaitForDescriptor, of_a_socket_of_our_own) {
  Pair pair = co_await connected();
  co_await wait_writable(pair.client.native_handle());
  Result<> early = co_await attempt(with_timeout(2ms, wait_readable(pair.client.native_handle())));
  CO_ASSERT(!early);
  co_await pair.server.write_all("hello");
  co_await with_timeout(patience, wait_readable(pair.client.native_handle()));
  const std::string text = co_await read_text(pair.client, 5);
  EXPECT_EQ(text, "hello");
  early = co_await attempt(with_timeout(2ms, wait_readable(pair.client.native_handle())));
  CO_ASSERT(!early);
  co_await pair.server.write_all("again");
  co_await with_timeout(patience, wait_readable(pair.client.native_handle()));
  const std::string again = co_await read_text(pair.client, 5);
  EXPECT_EQ(again, "again");
}

}  // namespace
}  // namespace ieum::test
