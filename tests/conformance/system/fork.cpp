// fork(2) after a runtime was made: the runtime stays the parent's, and the child is told so.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "conformance/conformance.hpp"

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
    const int status = status_of_child([&] {
      {
        const StreamSocket gone = std::move(pair.server);
      }
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

}  // namespace
}  // namespace ieum::test
