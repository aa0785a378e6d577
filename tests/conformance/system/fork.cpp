// fork(2) after a runtime was made: the runtime stays the parent's, and the child is told so.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "conformance/conformance.hpp"
#include "conformance/names/dns_server.hpp"

namespace ieum::test {
namespace {

/// Forks; `body` runs in the child, whose status is the answer. A child that hangs is killed.
int status_of_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    body();
    ::_exit(0);
  }
  int status = -1;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

Task<std::string> ask(Address server) {
  StreamSocket socket = co_await StreamSocket::connect(server);
  co_await socket.write_all("hello");
  const std::string answer = co_await read_text(socket, 5);
  co_return answer;
}

Task<> bind_to(std::optional<Listener>& listener) {
  listener = co_await Listener::bind("127.0.0.1:0");
}

Task<> serve_attached(DetachedListener detached) {
  Listener listener = co_await Listener::attach(std::move(detached));
  StreamSocket peer = co_await listener.accept();
  co_await echo(std::move(peer));
}

const char* const is_the_parents = "a runtime made before fork\\(\\) is used in the child";

TEST(ForkDeath, the_parents_runtime_says_so_at_its_first_use_in_the_child) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  ASSERT_TRUE(run(*runtime, sleep(1ms)));
  EXPECT_DEATH(static_cast<void>(run(*runtime, sleep(1ms))), is_the_parents);
  EXPECT_DEATH(runtime->turn(Duration::zero()), is_the_parents);
  EXPECT_TRUE(run(*runtime, sleep(1ms)));
}

TEST(ForkDeath, a_listener_of_the_parents_says_so_on_another_runtime) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::optional<Listener> listener;
  ASSERT_TRUE(run(*runtime, bind_to(listener)));
  auto accept = [&]() -> Task<> { static_cast<void>(co_await listener->accept()); };
  EXPECT_DEATH(static_cast<void>(run(accept())),
               "a socket made before fork\\(\\) is used in the child on another runtime");
}

TEST(ForkDeath, a_task_that_forked_says_so_when_the_child_goes_on_with_it) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto task = []() -> Task<> {
    std::pair<StreamSocket, StreamSocket> pair = co_await StreamSocket::pair();
    const pid_t child = ::fork();
    if (child == 0) co_await pair.first.write_all("from the child");
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status;
  };
  EXPECT_TRUE(run(*runtime, task()));
}

TEST(Fork, within_a_task_a_child_that_exits_ends_well) {
  auto task = []() -> Task<> {
    co_await sleep(1ms);
    const int status = status_of_child([] { std::exit(7); });
    EXPECT_EQ(exit_code(status), 7);
  };
  expect_success(task());
  Result<> on_default = run(task());
  EXPECT_TRUE(on_default);
}

TEST(Fork, a_child_has_a_default_runtime_of_its_own) {
  ASSERT_TRUE(run(sleep(1ms)));
  const int status = status_of_child([] { ::_exit(run(sleep(1ms)) ? 7 : 1); });
  EXPECT_EQ(exit_code(status), 7);
  EXPECT_TRUE(run(sleep(1ms)));
}

/// The parent has used its runtime, the child serves the listener.
TEST(Fork, a_daemon_serves_what_was_detached_for_it) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  std::optional<Listener> listener;
  ASSERT_TRUE(run(*runtime, bind_to(listener)));
  const Address address = listener->address();
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::alarm(20);
    Result<DetachedListener> detached = listener->detach();
    ::_exit(detached && run(serve_attached(*std::move(detached))) ? 7 : 1);
  }
  const Result<std::string> answer = run(*runtime, with_timeout(10s, ask(address)));
  EXPECT_EQ(answer.value_or("none"), "hello");
  int status = 0;
  ::waitpid(daemon, &status, 0);
  EXPECT_EQ(exit_code(status), 7);
}

TEST(Fork, what_a_child_does_to_its_copies_leaves_the_parent_alone) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto task = [&]() -> Task<> {
    Pair pair = co_await connected();
    const int number = pair.server.native_handle();
    const int status = status_of_child([&] {
      {
        const StreamSocket gone = std::move(pair.server);
      }
      if (::fcntl(number, F_GETFD) >= 0) ::_exit(2);  // it was to be closed
      const std::unique_ptr<Runtime> own = make_runtime();
      ::_exit(run(*own, sleep(1ms)) ? 7 : 1);
    });
    EXPECT_EQ(exit_code(status), 7);
    co_await pair.client.write_all("hello");
    const std::string text = co_await read_text(pair.server, 5);
    EXPECT_EQ(text, "hello");
  };
  const Result<> result = run(*runtime, with_timeout(patience, task()));
  EXPECT_TRUE(result) << result.error().to_string_with_trace();
}

TEST(Fork, a_process_started_by_the_parent_outlives_the_childs_copy) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto task = [&]() -> Task<> {
    const std::vector<std::string> command{"sleep", "100"};
    std::optional<Process> process = co_await Process::start(command);
    EXPECT_EQ(exit_code(status_of_child([&] { process.reset(); })), 0);
    EXPECT_EQ(::kill(process->pid(), 0), 0);
    int state = 0;
    EXPECT_EQ(::waitpid(process->pid(), &state, WNOHANG), 0) << "it was killed";
  };
  EXPECT_TRUE(run(*runtime, task()));
}

// ---- What others share with a runtime
// --------------------------------------------------------------

TEST(ForkDeath, work_for_the_parents_runtime_is_refused_in_the_child) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  ASSERT_TRUE(run(*runtime, sleep(1ms)));
  EXPECT_DEATH(runtime->post([] {}), is_the_parents);
  runtime->post([] {});  // so that nobody needs to be woken
  EXPECT_DEATH(runtime->post([] {}), is_the_parents);
}

TEST(Fork, the_ends_of_a_mailbox_may_go_in_the_child_but_tell_nobody) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  MailboxEnds<int> ends = Mailbox<int>::create(1);
  std::optional<MailboxSender<int>> sender(std::move(ends.sender));
  Running<int> receiving = runtime->start(ends.mailbox.receive());
  runtime->turn(0s);
  const int status = status_of_child([&] {
    sender.reset();
    ::_exit(7);
  });
  EXPECT_EQ(exit_code(status), 7);
  EXPECT_DEATH(static_cast<void>(sender->try_send(1)), is_the_parents);
  EXPECT_TRUE(sender->try_send(1));
  while (!receiving.done()) runtime->turn();
  EXPECT_EQ(receiving.take().value(), 1);
}

/// Both the parent and the child return from it, past what goes on in the parent.
pid_t fork_while_tasks_wait() {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  Event never;
  SendQueue queue;
  Semaphore one(1);
  Semaphore held(1);  // nobody waits for it
  auto holding = [&]() -> Task<> {
    const Semaphore::Permit permit = co_await held.acquire();
    co_await never.wait();
  };
  auto waiting = [&]() -> Task<> {
    const Semaphore::Permit permit = co_await one.acquire();
    co_await never.wait();
  };
  auto popping = [&]() -> Task<> { co_await queue.pop(); };
  const Running<void> waits = runtime->start(waiting());
  const Running<void> waits_for_permit = runtime->start(waiting());
  const Running<void> holds = runtime->start(holding());
  const Running<void> pops = runtime->start(popping());
  for (int i = 0; i < 4; ++i) runtime->turn(0s);
  const pid_t child = ::fork();
  if (child == 0) ::alarm(20);
  return child;
}

/// The same from within a task.
pid_t fork_in_a_task() {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  const Running<void> other = runtime->start(sleep(1h));
  auto task = []() -> Task<pid_t> {
    co_await sleep(1ms);
    const pid_t child = ::fork();
    if (child == 0) ::alarm(20);
    co_return child;
  };
  return run(*runtime, task()).value_or(-1);
}

TEST(Fork, a_child_returns_past_what_the_parent_runs) {
  for (pid_t (*const forks)() : {&fork_while_tasks_wait, &fork_in_a_task}) {
    const pid_t child = forks();
    if (child == 0) ::_exit(run(sleep(1ms)) ? 7 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(exit_code(status), 7);
  }
}

CO_TEST(Fork, the_file_of_a_unix_socket_stays_the_parents) {
  const TemporaryDirectory directory;
  const Address stream_path = co_await Address::unix_path(directory.path("stream"));
  const Address datagram_path = co_await Address::unix_path(directory.path("datagram"));
  std::optional<Listener> listener(co_await Listener::bind(stream_path));
  std::optional<DatagramSocket> socket(co_await DatagramSocket::bind(datagram_path));
  const int status = status_of_child([&] {
    listener.reset();
    socket.reset();
  });
  EXPECT_EQ(exit_code(status), 0);
  StreamSocket client = co_await StreamSocket::connect(stream_path);
  EXPECT_TRUE(std::filesystem::exists(directory.path("datagram")));
  listener.reset();
  socket.reset();
  EXPECT_FALSE(std::filesystem::exists(directory.path("stream")));
  EXPECT_FALSE(std::filesystem::exists(directory.path("datagram")));
}

TEST(Fork, names_that_the_parent_looks_up_take_no_place_in_the_child) {
  DnsAnswer silence;
  silence.kind = DnsAnswer::Kind::silence;
  DnsAnswer address;
  address.addresses = {"192.0.2.1"};
  const DnsServer server(
      {{"silent.example", {silence, silence}}, {"ipv4.example", {address, DnsAnswer{}}}});
  ResolveOptions options;
  options.server = server.address();
  options.server_timeout = 1min;
  options.at_once_max = 1;
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto silent = runtime->start(resolve("silent.example", 80, options));
  auto waits = runtime->start(resolve("ipv4.example", 80, options));
  while (server.questions() < 2) runtime->turn(5ms);
  const int status = status_of_child([&] {
    const std::unique_ptr<Runtime> own = make_runtime();
    ::_exit(run(*own, with_timeout(5s, resolve("ipv4.example", 80, options))) ? 7 : 1);
  });
  EXPECT_EQ(exit_code(status), 7);
}

// ---- Signals
// -------------------------------------------------------------------------------------

volatile std::sig_atomic_t former_handler_ran = 0;
void former_handler(int /*number*/) { former_handler_ran = 1; }

CO_TEST(Fork, a_signal_that_the_parent_catches_ends_the_child) {
  Signals signals = co_await Signals::create(SIGTERM);
  const int status = status_of_child([] { ::raise(SIGTERM); });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
  Result<int> none = co_await attempt(with_timeout(1ms, signals.next()));
  EXPECT_FALSE(none) << "the child's";
  ::raise(SIGTERM);
  const int number = co_await signals.next();
  EXPECT_EQ(number, SIGTERM);
}

CO_TEST(Fork, a_signal_does_in_the_child_what_it_did_before) {
  struct sigaction before{};
  struct sigaction own{};
  own.sa_handler = former_handler;
  ::sigaction(SIGUSR1, &own, &before);
  {
    Signals signals = co_await Signals::create(SIGUSR1);
    const int status = status_of_child([] {
      ::raise(SIGUSR1);
      ::_exit(former_handler_ran == 1 ? 7 : 1);
    });
    EXPECT_EQ(exit_code(status), 7);
  }
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST(Fork, signals_of_the_childs_own_are_not_the_parents) {
  const std::unique_ptr<Runtime> runtime = make_runtime();
  auto task = []() -> Task<> {
    std::optional<Signals> signals(co_await Signals::create(SIGUSR1, SIGUSR2));
    ::raise(SIGUSR2);  // not taken yet: stays the parent's
    const int status = status_of_child([&] {
      const std::unique_ptr<Runtime> own_runtime = make_runtime();
      auto in_child = [&]() -> Task<> {
        Signals own = co_await Signals::create(SIGUSR1, SIGUSR2);
        signals.reset();
        ::raise(SIGUSR1);
        const int number = co_await own.next();
        if (number != SIGUSR1) ::_exit(1);
      };
      // On a thread of its own: this one is within a task.
      int code = 2;
      std::thread([&] { code = run(*own_runtime, in_child()) ? 7 : 3; }).join();
      ::_exit(code);
    });
    EXPECT_EQ(exit_code(status), 7);
    const int number = co_await signals->next();
    EXPECT_EQ(number, SIGUSR2);
  };
  const Result<> result = run(*runtime, with_timeout(patience, task()));
  EXPECT_TRUE(result) << result.error().to_string_with_trace();
}

}  // namespace
}  // namespace ieum::test
