// Child processes: how they end, what they inherit, their streams, their errors.
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "conformance/conformance.hpp"
#include "conformance/waiting.hpp"

namespace ieum::test {
namespace {

using Standard = ProcessOptions::Standard;
using Grouping = ProcessOptions::Group;

constexpr ProcessOptions all_streams{
    .input = Standard::stream, .output = Standard::stream, .error = Standard::stream};
constexpr ProcessOptions in_and_out{.input = Standard::stream, .output = Standard::stream};
constexpr ProcessOptions only_output{.input = Standard::null, .output = Standard::stream};

/// `command`: the program and its arguments, with a space between them.
Result<Process> start(const std::string& command, const ProcessOptions& options = {}) {
  std::istringstream words(command);
  const std::vector<std::string> split{std::istream_iterator<std::string>(words), {}};
  return Process::start(split, options);
}

Result<Process> shell(const std::string& script, const ProcessOptions& options = {}) {
  const std::vector<std::string> command{"sh", "-c", script};
  return Process::start(command, options);
}

std::string failure_of(const std::vector<std::string>& command,
                       const ProcessOptions& options = {}) {
  const Result<Process> process = Process::start(command, options);
  return process ? "it started" : process.error().to_string();
}

Task<std::string> output_of(std::string command, ProcessOptions options = {}) {
  options.output = Standard::stream;
  Process process = co_await start(command, options);
  const std::string text = co_await read_to_end(process.output());
  const ExitStatus status = co_await process.wait();
  EXPECT_TRUE(status.succeeded()) << command << " " << status.to_string();
  co_return text;
}

/// This process has no child, not even one that has ended.
void expect_no_child() {
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

/// The descriptors of a process, by number.
std::set<int> descriptors_of(int pid) {
  std::set<int> numbers;
  DIR* directory = ::opendir(("/proc/" + std::to_string(pid) + "/fd").c_str());
  if (directory == nullptr) return numbers;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') numbers.insert(std::atoi(entry->d_name));
  }
  ::closedir(directory);
  return numbers;
}

std::string write_file(const std::string& path, std::string_view content, mode_t mode) {
  std::ofstream(path, std::ios::binary) << content;
  ::chmod(path.c_str(), mode);
  return path;
}

// ---- Its end ------------------------------------------------------------------------------------

CO_TEST(Process, tells_how_it_ended) {
  Process good = co_await shell("exit 0");
  ExitStatus status = co_await good.wait();
  EXPECT_TRUE(status.succeeded());
  EXPECT_EQ(status.to_string(), "exited with 0");
  Process bad = co_await shell("exit 255");
  status = co_await bad.wait();
  EXPECT_FALSE(status.succeeded());
  EXPECT_EQ(status, (ExitStatus{.code = 255, .signal = 0}));
  EXPECT_EQ(status.to_string(), "exited with 255");
  Process killed = co_await shell("kill -TERM $$");
  status = co_await killed.wait();
  EXPECT_FALSE(status.succeeded());
  EXPECT_EQ(status.to_string(), "killed by SIGTERM");
  EXPECT_EQ((ExitStatus{.code = 0, .signal = 40}).to_string(), "killed by signal 40");
  expect_no_child();
}

CO_TEST(Process, gives_its_status_again) {
  Process process = co_await shell("exit 7");
  ExitStatus status = co_await process.wait();
  EXPECT_EQ(status.code, 7);
  status = co_await process.wait();
  EXPECT_EQ(status.code, 7);
  status = co_await process.stop(1h);
  EXPECT_EQ(status.code, 7);
  const Result<> killed = process.kill(SIGTERM);
  CO_ASSERT(!killed);
  EXPECT_EQ(killed.error().to_string(), "signal process: no such process");
}

CO_TEST(Process, whose_wait_was_stopped_is_waited_for_again) {
  Process process = co_await start("cat", in_and_out);
  for (int i = 0; i < 3; ++i) {
    Result<ExitStatus> early = co_await attempt(with_timeout(5ms, process.wait()));
    CO_ASSERT(!early);
    EXPECT_EQ(early.error().to_string(), "wait for process: timed out after 5 ms");
  }
  co_await process.input().write_all("still here");
  const std::string text = co_await read_text(process.output(), 10);
  EXPECT_EQ(text, "still here");
  co_await process.input().close();
  const ExitStatus status = co_await process.wait();
  EXPECT_TRUE(status.succeeded());
}

CO_TEST(Process, of_two_waits_at_a_time_the_second_is_an_error) {
  Process process = co_await start("sleep 100");
  ExitStatus status;
  auto waiting = [&]() -> Task<> { status = co_await process.wait(); };
  auto body = [&](Group& group) -> Task<> {
    group.start(waiting());
    co_await until_it_waits();
    const Result<ExitStatus> second = co_await attempt(process.wait());
    CO_ASSERT(!second);
    EXPECT_EQ(second.error(), std::errc::device_or_resource_busy);
    co_await process.kill(SIGKILL);
  };
  co_await with_group(body);
  EXPECT_EQ(status.signal, SIGKILL);
}

CO_TEST(Process, is_killed_and_reaped_with_its_object) {
  int pid = 0;
  {
    Process process = co_await start("sleep 1000");
    pid = process.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), -1);
  expect_no_child();
}

CO_TEST(Process, moves) {
  Process first = co_await start("cat", in_and_out);
  Process process(std::move(first));
  co_await process.input().write_all("moved");
  co_await process.input().shutdown_write();
  const std::string text = co_await read_to_end(process.output());
  EXPECT_EQ(text, "moved");
  const ExitStatus status = co_await process.wait();
  EXPECT_TRUE(status.succeeded());
  const Result<> killed = first.kill(SIGTERM);  // NOLINT: what was moved from holds nothing
  EXPECT_FALSE(killed);
}

TEST(Process, outside_of_any_task_belongs_to_the_threads_runtime) {
  Result<Process> process = shell("exit 4");
  ASSERT_TRUE(process) << process.error().to_string();
  const Result<ExitStatus> status = run(process->wait());
  ASSERT_TRUE(status) << status.error().to_string();
  EXPECT_EQ(status->code, 4);
}

CO_TEST(Process, that_something_else_has_reaped_is_told_as_an_error) {
  Process process = co_await shell("exit 0");
  CO_ASSERT(::waitpid(process.pid(), nullptr, 0) == process.pid());
  Result<ExitStatus> status = co_await attempt(process.wait());
  CO_ASSERT(!status);
  EXPECT_EQ(status.error(), std::errc::no_child_process);
  EXPECT_TRUE(status.error().to_string().starts_with("wait for process: no child processes: "))
      << status.error().to_string();
}

CO_TEST(Process, in_their_hundreds_leave_nothing) {
  const int before = open_descriptors();
  int answers = 0;
  auto one = [&](int number) -> Task<> {
    Process process = co_await shell("read line; echo $line; exit $line", in_and_out);
    const std::string line = std::to_string(number);
    co_await process.input().write_all(line + "\n");
    const std::string text = co_await read_to_end(process.output());
    EXPECT_EQ(text, line + "\n");
    const ExitStatus status = co_await process.wait();
    EXPECT_EQ(status.code, number);
    ++answers;
  };
  auto body = [&](Group& group) -> Task<> {
    for (int i = 0; i < 200; ++i) group.start(one(i));
    co_return;
  };
  co_await with_group(body);
  EXPECT_EQ(answers, 200);
  EXPECT_EQ(open_descriptors(), before);
  expect_no_child();
}

// ---- Ending it ----------------------------------------------------------------------------------

CO_TEST(Process, stops_when_asked) {
  Process process = co_await start("sleep 1000");
  const ExitStatus status = co_await process.stop(patience);
  EXPECT_EQ(status.to_string(), "killed by SIGTERM");
}

CO_TEST(Process, that_cleans_up_when_asked_is_given_the_time) {
  Process process =
      co_await shell("trap 'echo bye; exit 5' TERM; echo ready; read line", in_and_out);
  const std::string ready = co_await read_text(process.output(), 6);
  EXPECT_EQ(ready, "ready\n");
  const ExitStatus status = co_await process.stop(patience);
  EXPECT_EQ(status.code, 5);
  const std::string rest = co_await read_to_end(process.output());
  EXPECT_EQ(rest, "bye\n");
}

CO_TEST(Process, that_ignores_sigterm_is_killed_after_the_grace) {
  Process process =
      co_await shell("trap '' TERM; echo ready; while :; do sleep 1; done", in_and_out);
  const std::string ready = co_await read_text(process.output(), 6);
  EXPECT_EQ(ready, "ready\n");
  const auto begin = std::chrono::steady_clock::now();
  const ExitStatus status = co_await process.stop(100ms);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 90ms);  // a turn's clock is a little older
  EXPECT_EQ(status.to_string(), "killed by SIGKILL");
}

CO_TEST(Process, is_still_owned_when_its_stop_was_stopped) {
  Process process =
      co_await shell("trap '' TERM; echo ready; while :; do sleep 1; done", in_and_out);
  const std::string ready = co_await read_text(process.output(), 6);
  Result<ExitStatus> early = co_await attempt(with_timeout(20ms, process.stop(1h)));
  CO_ASSERT(!early);
  EXPECT_EQ(early.error(), std::errc::timed_out);
  EXPECT_EQ(::kill(process.pid(), 0), 0);
  const ExitStatus status = co_await process.stop(0ms);
  EXPECT_EQ(status.signal, SIGKILL);
}

CO_TEST(Process, with_a_group_of_its_own_is_stopped_with_what_it_has_started) {
  const std::array groups{Grouping::own, Grouping::session};
  for (const Grouping group : groups) {
    Process process = co_await shell(
        "sh -c 'trap \"\" TERM; echo inner; while :; do sleep 1; done' & echo outer; wait",
        {.input = Standard::stream, .output = Standard::stream, .group = group});
    EXPECT_EQ(::getpgid(process.pid()), process.pid());
    EXPECT_EQ(::getsid(process.pid()) == process.pid(), group == Grouping::session);
    const std::string both = co_await read_text(process.output(), 12);
    EXPECT_EQ(both.size(), 12U);
    const ExitStatus status = co_await process.stop(patience);
    EXPECT_EQ(status.signal, SIGTERM);
    // The inner one, which ignores SIGTERM, held the pipe too.
    const std::string rest = co_await read_to_end(process.output());
    EXPECT_EQ(rest, "");
  }
}

CO_TEST(Process, with_a_group_of_its_own_is_killed_with_it) {
  Pipe alive;  // its writer is held by the inner process alone, once we have closed ours
  const std::string path =
      "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(alive.writer.get());
  {
    Process process = co_await shell("sleep 1000 > " + path + " & echo started; wait",
                                     {.output = Standard::stream, .group = Grouping::own});
    const std::string started = co_await read_text(process.output(), 8);
    EXPECT_EQ(started, "started\n");
  }
  alive.writer.close();
  co_await wait_readable(alive.reader.get());
  std::array<char, 1> byte{};
  EXPECT_EQ(::read(alive.reader.get(), byte.data(), 1), 0);
}

CO_TEST(Process, refuses_what_is_no_signal) {
  Process process = co_await start("sleep 1000");
  const Result<> killed = process.kill(1000);
  CO_ASSERT(!killed);
  EXPECT_EQ(killed.error().to_string(), "signal process: invalid argument");
  co_await process.kill(0);
  co_await process.kill(SIGINT);
  const ExitStatus status = co_await process.wait();
  EXPECT_EQ(status.signal, SIGINT);
}

// ---- Its streams --------------------------------------------------------------------------------

CO_TEST(Process, talks_both_ways) {
  Process process = co_await start("cat", in_and_out);
  const std::array texts{"one", "two"};
  for (const char* text : texts) {
    co_await process.input().write_all(text);
    const std::string got = co_await read_text(process.output(), 3);
    EXPECT_EQ(got, text);
  }
  co_await process.input().shutdown_write();
  const std::string rest = co_await read_to_end(process.output());
  EXPECT_EQ(rest, "");
  const ExitStatus status = co_await process.wait();
  EXPECT_TRUE(status.succeeded());
}

Task<> expect_zeroes(Stream& from, std::size_t expected) {
  std::vector<std::byte> buffer(std::size_t{64} * 1024);
  std::size_t total = 0;
  for (;;) {
    const std::size_t count = co_await from.read_some(buffer);
    if (count == 0) break;
    total += count;
  }
  EXPECT_EQ(total, expected);
}

CO_TEST(Process, that_writes_megabytes_to_both_outputs_is_read_from_both) {
  constexpr std::size_t bytes = 10U << 20U;
  const std::string write = "head -c " + std::to_string(bytes) + " /dev/zero";
  Process process = co_await shell(write + " & " + write + " >&2; wait", all_streams);
  auto body = [&](Group& group) -> Task<> {
    group.start(expect_zeroes(process.output(), bytes));
    co_await expect_zeroes(process.error(), bytes);
  };
  co_await with_group(body);
  const ExitStatus status = co_await process.wait();
  EXPECT_TRUE(status.succeeded()) << status.to_string();
}

CO_TEST(Process, that_nobody_reads_from_waits) {
  constexpr std::size_t bytes = 1U << 20U;
  Process process = co_await start("head -c " + std::to_string(bytes) + " /dev/zero", only_output);
  Result<ExitStatus> early = co_await attempt(with_timeout(20ms, process.wait()));
  EXPECT_FALSE(early);
  co_await expect_zeroes(process.output(), bytes);
  const ExitStatus status = co_await process.wait();
  EXPECT_TRUE(status.succeeded());
}

CO_TEST(Process, that_closes_its_input_is_a_broken_pipe) {
  Process process = co_await shell("exec <&-; echo closed; exec sleep 1000", in_and_out);
  const std::string closed = co_await read_text(process.output(), 7);
  EXPECT_EQ(closed, "closed\n");
  Result<> written = co_await attempt(process.input().write_all("anybody?"));
  CO_ASSERT(!written);
  EXPECT_EQ(written.error().to_string(), "write to child: broken pipe");
  const ExitStatus status = co_await process.stop(patience);
  EXPECT_EQ(status.signal, SIGTERM);
}

CO_TEST(Process, that_reads_nothing_makes_us_wait) {
  Process process = co_await start("sleep 1000", in_and_out);
  const std::string much(std::size_t{1} << 20U, 'm');
  Result<> written = co_await attempt(with_timeout(20ms, process.input().write_all(much)));
  CO_ASSERT(!written);
  EXPECT_EQ(written.error().to_string(), "write to child: timed out after 20 ms");
  std::array<std::byte, 16> buffer;
  Result<std::size_t> read =
      co_await attempt(with_timeout(5ms, process.output().read_some(buffer)));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error().to_string(), "read from child: timed out after 5 ms");
}

CO_TEST(Process, has_streams_of_one_direction_that_can_be_closed) {
  Process process = co_await start("cat", all_streams);
  std::array<std::byte, 16> buffer;
  Result<std::size_t> read = co_await attempt(process.input().read_some(buffer));
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), std::errc::bad_file_descriptor);
  Result<> written = co_await attempt(process.output().write_all("x"));
  CO_ASSERT(!written);
  EXPECT_EQ(written.error(), std::errc::bad_file_descriptor);
  Result<> shut = co_await attempt(process.error().shutdown_write());
  CO_ASSERT(!shut);
  EXPECT_EQ(shut.error(), std::errc::bad_file_descriptor);
  co_await process.output().close();
  Result<> again = co_await attempt(process.output().close());
  EXPECT_FALSE(again);
  co_await process.input().write_all("for nobody");  // cat's write breaks: SIGPIPE ends it
  const ExitStatus status = co_await process.wait();
  EXPECT_EQ(status.to_string(), "killed by SIGPIPE");
}

CO_TEST(Process, has_standard_descriptors_that_block) {
  Process process = co_await start("cat /proc/self/fdinfo/0 /proc/self/fdinfo/1", in_and_out);
  const std::string text = co_await read_to_end(process.output());
  std::size_t flags = 0;
  for (std::size_t at = text.find("flags:"); at != std::string::npos;
       at = text.find("flags:", at + 1)) {
    ++flags;
    EXPECT_EQ(std::strtoul(text.c_str() + at + 6, nullptr, 8) & O_NONBLOCK, 0U) << text;
  }
  EXPECT_EQ(flags, 2U);
}

// ---- What it inherits ---------------------------------------------------------------------------

CO_TEST(Process, inherits_three_descriptors_of_a_thousand_sockets) {
  const ManyDescriptors many;
  std::vector<std::pair<StreamSocket, StreamSocket>> sockets;
  for (int i = 0; i < 500; ++i) sockets.push_back(co_await StreamSocket::pair());
  std::vector<Descriptor> careless;  // as a library might leave them: without close-on-exec
  for (int i = 0; i < 20; ++i) careless.emplace_back(::dup(sockets[0].first.native_handle()));
  CO_ASSERT(careless.back().get() >= 1000);

  const std::set<int> three{0, 1, 2};
  const std::array all_kinds{Standard::inherit, Standard::null, Standard::stream};
  for (const Standard error : all_kinds) {
    Process process = co_await start(
        "cat", {.input = Standard::stream, .output = Standard::stream, .error = error});
    co_await process.input().write_all("x");
    const std::string ready = co_await read_text(process.output(), 1);
    EXPECT_EQ(descriptors_of(process.pid()), three);
  }
  const std::string listed = co_await output_of("ls /proc/self/fd");
  EXPECT_EQ(listed, "0\n1\n2\n3\n");  // 3: the directory that ls reads
}

CO_TEST(Process, has_default_signals_though_we_ignore_and_block_them) {
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  struct sigaction pipe_before{};
  struct sigaction user_before{};
  ::sigaction(SIGPIPE, &ignore, &pipe_before);
  ::sigaction(SIGUSR1, &ignore, &user_before);
  sigset_t most;
  sigset_t mask_before;
  sigemptyset(&most);
  for (const int signal : {SIGTERM, SIGINT, SIGPIPE, SIGCHLD, SIGUSR2}) sigaddset(&most, signal);
  ::pthread_sigmask(SIG_BLOCK, &most, &mask_before);
  Result<std::string> signals =
      co_await attempt(output_of("grep -E ^Sig(Blk|Ign) /proc/self/status"));
  ::pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
  ::sigaction(SIGPIPE, &pipe_before, nullptr);
  ::sigaction(SIGUSR1, &user_before, nullptr);
  CO_ASSERT(signals);
  const std::string blocked = "SigBlk:\t0000000000000000\nSigIgn:\t";
  CO_ASSERT(signals->starts_with(blocked));
  const std::uint64_t ignored = std::strtoull(signals->c_str() + blocked.size(), nullptr, 16);
  constexpr std::uint64_t c_library = 0x180000000;  // 32 and 33, which it keeps from programs
  EXPECT_EQ(ignored & ~c_library, 0U) << *signals;
}

CO_TEST(Process, has_what_we_have_or_nothing_as_its_standard_descriptors) {
  const auto link_of = [](int number) {
    std::array<char, 256> target{};
    const std::string path = "/proc/self/fd/" + std::to_string(number);
    const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
    return std::string(target.data(), length < 0 ? 0 : static_cast<std::size_t>(length)) + "\n";
  };
  const std::string command = "readlink /proc/self/fd/0 /proc/self/fd/2";
  const std::string inherited = co_await output_of(command);
  EXPECT_EQ(inherited, link_of(0) + link_of(2));
  const std::string nothing =
      co_await output_of(command, {.input = Standard::null, .error = Standard::null});
  EXPECT_EQ(nothing, "/dev/null\n/dev/null\n");
}

CO_TEST(Process, inherits_a_standard_descriptor_that_is_close_on_exec) {
  const int flags = ::fcntl(0, F_GETFD);
  ::fcntl(0, F_SETFD, FD_CLOEXEC);
  Result<std::string> kept = co_await attempt(output_of("readlink /proc/self/fd/0"));
  ::fcntl(0, F_SETFD, flags);
  EXPECT_TRUE(kept) << kept.error().to_string();
}

CO_TEST(Process, runs_in_a_directory_with_an_environment) {
  const TemporaryDirectory directory;
  const std::string here = directory.path("");
  const std::string text = co_await output_of("pwd -P", {.directory = here});
  EXPECT_EQ(text + "/", here.substr(0, here.size() - 1) + "\n/");
  write_file(directory.path("program"), "#!/bin/sh\necho in the directory\n", 0755);
  const std::string relative = co_await output_of("./program", {.directory = here});
  EXPECT_EQ(relative, "in the directory\n");

  const std::vector<std::string> environment{"GREETING=안녕", "EMPTY="};
  const std::string variables = co_await output_of("env", {.environment = &environment});
  EXPECT_EQ(variables, "GREETING=안녕\nEMPTY=\n");
  const std::vector<std::string> none;
  const std::string nothing = co_await output_of("env", {.environment = &none});
  EXPECT_EQ(nothing, "");
}

// ---- What cannot be started ---------------------------------------------------------------------

CO_TEST(Process, that_cannot_be_started_says_why) {
  const TemporaryDirectory directory;
  const std::string plain = write_file(directory.path("plain"), "text", 0644);
  const std::string garbage = write_file(directory.path("garbage"), "\x01\x02\x03", 0755);
  const std::string orphan = write_file(directory.path("orphan"), "#!/no/such/program\n", 0755);
  EXPECT_EQ(failure_of({"no-such-program"}), "start no-such-program: no such file or directory");
  EXPECT_EQ(failure_of({"/no/such/program"}), "start /no/such/program: no such file or directory");
  EXPECT_EQ(failure_of({"/tmp"}), "start /tmp: permission denied: it is a directory");
  EXPECT_TRUE(failure_of({plain}).ends_with(": permission denied: it is not executable"))
      << failure_of({plain});
  EXPECT_TRUE(failure_of({garbage}).ends_with(": exec format error")) << failure_of({garbage});
  EXPECT_TRUE(failure_of({orphan}).ends_with(
      ": no such file or directory: the program that its #! line names, or its loader"))
      << failure_of({orphan});
  EXPECT_EQ(failure_of({}), "start process: invalid argument: no program is named");
  EXPECT_EQ(failure_of({""}), "start process: invalid argument: no program is named");
  EXPECT_EQ(failure_of({"cat", "a", std::string("b\0c", 3)}),
            "start cat: invalid argument: argument 2 has a zero byte in it");
  EXPECT_EQ(failure_of({"cat", std::string(std::size_t{1} << 20U, 'x')}),
            "start cat: argument list too long");
  EXPECT_EQ(failure_of({"cat"}, {.directory = "/no/such"}),
            "start cat: no such file or directory: its directory /no/such");
  EXPECT_EQ(failure_of({"cat"}, {.directory = "/dev/null"}),
            "start cat: not a directory: its directory /dev/null");
  const std::vector<std::string> environment{"NAME=VALUE", "nonsense"};
  EXPECT_EQ(failure_of({"cat"}, {.environment = &environment}),
            "start cat: invalid argument: the environment's \"nonsense\" is not NAME=VALUE");
  // The streams that were opened for it are closed again; the test's end counts.
  EXPECT_EQ(failure_of({"no-such-program"}, all_streams),
            "start no-such-program: no such file or directory");
  expect_no_child();
  co_return;
}

CO_TEST(Process, cannot_be_started_while_sigchld_is_ignored) {
  struct sigaction ignore{};
  struct sigaction before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGCHLD, &ignore, &before);
  const std::string ignored = failure_of({"cat"});
  ignore.sa_handler = SIG_DFL;
  ignore.sa_flags = SA_NOCLDWAIT;
  ::sigaction(SIGCHLD, &ignore, nullptr);
  const std::string not_kept = failure_of({"cat"});
  ::sigaction(SIGCHLD, &before, nullptr);
  EXPECT_EQ(ignored,
            "start cat: no child processes: this program ignores SIGCHLD, so that its end could "
            "not be known");
  EXPECT_EQ(not_kept, ignored);
  co_return;
}

/// Leaves this process `count` descriptors as long as the object lives.
class FewDescriptors {
 public:
  explicit FewDescriptors(std::size_t count) {
    getrlimit(RLIMIT_NOFILE, &before_);
    taken_.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit low = before_;
    low.rlim_cur = static_cast<rlim_t>(taken_[0].get()) + 40;
    setrlimit(RLIMIT_NOFILE, &low);
    for (;;) {
      Descriptor taken(::fcntl(taken_[0].get(), F_DUPFD_CLOEXEC, 0));
      if (taken.get() < 0) break;
      taken_.push_back(std::move(taken));
    }
    taken_.resize(taken_.size() - count);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
  std::vector<Descriptor> taken_;
};

CO_TEST(Process, is_not_started_when_descriptors_have_run_out) {
  constexpr std::size_t needed = 7;  // two for each stream, and its own
  for (std::size_t count = 0; count <= needed; ++count) {
    const int before = open_descriptors();
    {
      const FewDescriptors few(count);
      Result<Process> process = start("cat", all_streams);
      if (count < needed) {
        CO_ASSERT(!process);
        EXPECT_EQ(process.error().to_string(), "start cat: too many open files");
        expect_no_child();
      } else {
        CO_ASSERT(process);
        co_await process->input().write_all("enough");
        const std::string text = co_await read_text(process->output(), 6);
        EXPECT_EQ(text, "enough");
      }
    }
    EXPECT_EQ(open_descriptors(), before) << count;
  }
  expect_no_child();
}

}  // namespace
}  // namespace ieum::test
