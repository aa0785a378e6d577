// `ieum` on a terminal, driven through tmux; and that a terminal or a pipe which it shares with a
// shell is as it was while it runs and after it has ended, however it ended.
#include <fcntl.h>
#include <algorithm>
#include <csignal>

#include <filesystem>
#include <fstream>
#include <optional>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

/// The status flags with which `pid` has `descriptor` open, from /proc.
int flags_of(pid_t pid, int descriptor) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/fdinfo/" + std::to_string(descriptor));
  for (std::string name, value; file >> name >> value;) {
    if (name == "flags:") return std::stoi(value, nullptr, 8);
  }
  ADD_FAILURE() << "process " << pid << " has no descriptor " << descriptor;
  return 0;
}

void expect_blocking(pid_t pid) {
  for (const int descriptor : {0, 1, 2}) {
    EXPECT_EQ(flags_of(pid, descriptor) & O_NONBLOCK, 0) << "descriptor " << descriptor;
  }
}

/// A shell in a window of a tmux server of its own.
class Window {
 public:
  explicit Window(const std::string& shell = "sh")
      : name_("ieum-test-" + std::to_string(::getpid())) {
    directory_ = testing::TempDir() + "ieum-test-tmux-XXXXXX";
    if (::mkdtemp(directory_.data()) == nullptr) std::abort();
    // In the foreground (-D): it ends with this process, however that ends.
    server_.emplace(tmux({"-f", "/dev/null", "-D"}));
    expect_soon("tmux starts", [&] {
      return Child(tmux({"new-session", "-d", "-x", "150", "-y", "40",
                         "env PS1='$ ' IEUM=" IEUM_COMMAND " " + shell}))
                 .wait() == 0;
    });
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() {
    Child(tmux({"kill-server"})).wait();
    server_->wait();
    std::filesystem::remove_all(directory_);
  }

  /// Types `text` as it is, or keys by their names, as C-d.
  void type(const std::string& text) { run({"send-keys", "-l", text}); }
  void press(const std::string& key) { run({"send-keys", key}); }
  void type_line(const std::string& text) {
    type(text);
    press("Enter");
  }
  /// What is seen, without the blanks at the ends of lines.
  std::string screen() { return run({"capture-pane", "-p", "-J"}); }
  void wait_for(const std::string& text) {
    std::string seen;
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
      seen = screen();
      if (seen.contains(text)) return;
      std::this_thread::sleep_for(10ms);
    }
    ADD_FAILURE() << "not on the screen: " << text << "\nbut:\n" << seen;
  }
  /// The shell's, and that of the program which it runs.
  pid_t shell() { return std::stoi("0" + run({"display-message", "-p", "#{pane_pid}"})); }
  pid_t program() {
    const std::string number = std::to_string(shell());
    std::ifstream file("/proc/" + number + "/task/" + number + "/children");
    pid_t pid = 0;
    file >> pid;
    return pid;
  }

 private:
  std::vector<std::string> tmux(const std::vector<std::string>& words) const {
    std::vector<std::string> all{"env",  "-u", "TMUX", "TMUX_TMPDIR=" + directory_,
                                 "tmux", "-u", "-L",   name_};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  std::string run(const std::vector<std::string>& words) {
    Child child(tmux(words));
    const std::string text = child.read_all();
    EXPECT_EQ(child.wait(), 0) << child.error_output();
    return text;
  }

  std::string name_;
  std::string directory_;
  std::optional<Child> server_;
};

#define SKIP_WITHOUT_TMUX() \
  if (!has_program("tmux")) GTEST_SKIP() << "tmux is not installed"

struct Other {
  Child child{ieum_command({"listen", "127.0.0.1:0"})};
  std::string address = where_it_listens(child);
};

TEST(Terminal, TypingGoesToThePeerUntilCtrlD) {
  SKIP_WITHOUT_TMUX();
  Other other;
  Window window;
  window.type_line("$IEUM connect " + other.address + "; echo status $?");
  window.type_line("typed by hand");
  EXPECT_EQ(other.child.read_until("\n"), "typed by hand\n");
  other.child.write("heard from afar\n");
  window.wait_for("heard from afar");
  expect_blocking(window.shell());
  expect_blocking(window.program());
  window.press("C-d");
  std::this_thread::sleep_for(200ms);
  EXPECT_FALSE(window.screen().contains("status 0"));  // the peer has not finished
  other.child.write("a late reply\n");
  other.child.close_input();
  EXPECT_EQ(other.child.wait(), 0);
  window.wait_for("a late reply\nstatus 0");
  window.type_line("read -r line; echo \"read $line\"");
  window.type_line("by the shell");
  window.wait_for("read by the shell");
  expect_blocking(window.shell());
}

TEST(Terminal, ThePeersEndEndsItWithoutAKey) {
  SKIP_WITHOUT_TMUX();
  Other other;
  Window window;
  window.type_line("$IEUM connect " + other.address + "; echo status $?");
  window.type_line("hello");
  EXPECT_EQ(other.child.read_until("\n"), "hello\n");
  other.child.write("bye\n");
  other.child.close_input();
  window.wait_for("bye\nstatus 0");
  expect_blocking(window.shell());
}

TEST(Terminal, CtrlCSumsUp) {
  SKIP_WITHOUT_TMUX();
  Other other;
  Window window;
  window.type_line("$IEUM connect " + other.address + "; echo status $?");
  window.type_line("hello");
  EXPECT_EQ(other.child.read_until("\n"), "hello\n");
  window.press("C-c");
  EXPECT_EQ(other.child.read_all(), "");  // it was half-closed
  other.child.close_input();
  window.wait_for("ieum: interrupted; 6 bytes sent, 0 bytes received in ");
  window.wait_for("status 130");
  EXPECT_EQ(other.child.wait(), 0);
}

TEST(Terminal, ASecondCtrlCEndsAtOnce) {
  SKIP_WITHOUT_TMUX();
  // A peer that takes no notice of our goodbye.
  Child other(
      ieum_command({"listen", "-k", "--exec", "trap '' HUP TERM; sleep 1000", "127.0.0.1:0"}));
  const std::string address = where_it_listens(other);
  Window window;
  window.type_line("$IEUM connect -v " + address);
  window.wait_for("connected from");
  window.press("C-c");
  window.wait_for("half-closed: nothing more will be sent");
  window.press("C-c");
  window.type_line("echo status $?");
  window.wait_for("\nstatus 130");  // of a program that SIGINT has ended
  EXPECT_FALSE(window.screen().contains("ieum: interrupted; "));
  expect_blocking(window.shell());
}

TEST(Terminal, ATerminalWorksAfterItWasKilled) {
  SKIP_WITHOUT_TMUX();
  Other other;
  Window window;
  window.type_line("stty -a > /dev/null && stty -g | tr -d '\\n' | md5sum");
  window.wait_for("  -");
  const std::string before = window.screen();
  const std::string settings = before.substr(before.find("  -") - 32, 32);
  window.type_line("clear; $IEUM connect " + other.address + "; echo status $?");
  window.type_line("hello");
  EXPECT_EQ(other.child.read_until("\n"), "hello\n");
  ASSERT_GT(window.program(), 1);
  ::kill(window.program(), SIGKILL);
  window.wait_for("status 137");
  expect_blocking(window.shell());
  window.type_line("read -r line; echo \"read $line\"");
  window.type_line("by the shell");
  window.wait_for("read by the shell");
  window.type_line("stty -g | tr -d '\\n' | md5sum");
  window.wait_for(settings);
}

// ---- Job control --------------------------------------------------------------------------------

// A shell changes the terminal's settings whenever a job stops and goes on.
TEST(JobControl, CtrlZAndFgGoOn) {
  SKIP_WITHOUT_TMUX();
  Other other;
  Window window("bash --norc");
  window.type_line("$IEUM connect " + other.address + "; echo status $?");
  window.type_line("before");
  EXPECT_EQ(other.child.read_until("\n"), "before\n");
  for (const char* const word : {"once", "twice"}) {
    window.press("C-z");
    window.wait_for("Stopped");
    window.type_line("clear; stty -a | head -n 1");
    window.wait_for("speed");
    window.type_line("fg");
    window.wait_for("connect 127.0.0.1");
    window.type_line(word);
    EXPECT_EQ(other.child.read_until("\n"), word + std::string("\n"));
  }
  other.child.write("still heard\n");
  other.child.close_input();
  window.wait_for("still heard");
  EXPECT_EQ(other.child.wait(), 0) << other.child.error_output();
}

TEST(JobControl, AJobInTheBackgroundReceivesAndLeavesTheKeysToTheShell) {
  SKIP_WITHOUT_TMUX();
  Other other;
  Window window("bash --norc");
  window.type_line("$IEUM connect " + other.address + " &");
  other.child.write("heard in the background\n");
  window.wait_for("heard in the background");
  window.type_line("echo by the $((1 + 1))nd");
  window.wait_for("by the 2nd");
  other.child.write("heard again\n");
  window.wait_for("heard again");
  window.type_line("jobs");
  window.wait_for("Running");
  window.type_line("clear; fg");
  window.wait_for("connect 127.0.0.1");
  window.type_line("typed in the foreground");
  EXPECT_EQ(other.child.read_until("\n"), "typed in the foreground\n");
  window.press("C-d");
  other.child.close_input();
  EXPECT_EQ(other.child.wait(), 0) << other.child.error_output();
}

TEST(JobControl, BgGoesOnReceiving) {
  SKIP_WITHOUT_TMUX();
  Other other;
  Window window("bash --norc");
  window.type_line("$IEUM connect " + other.address);
  window.type_line("before");
  EXPECT_EQ(other.child.read_until("\n"), "before\n");
  window.press("C-z");
  window.wait_for("Stopped");
  window.type_line("bg");
  window.type_line("echo by the $((1 + 1))nd");
  window.wait_for("by the 2nd");
  other.child.write("heard in the background\n");
  window.wait_for("heard in the background");
}

// ---- A pipe shared with a shell
// -------------------------------------------------------------------

TEST(SharedPipe, KeepsItsFlagsAndWorksAfterwards) {
  Other other;
  Child shared(shell("\"$0\" connect $1; echo status $?; read -r line; echo \"read $line\"",
                     {other.address}));
  other.child.write("first\n");
  EXPECT_EQ(shared.read_until("\n"), "first\n");
  expect_blocking(shared.pid());
  other.child.close_input();
  EXPECT_EQ(shared.read_until("\n"), "status 0\n");
  expect_blocking(shared.pid());
  shared.write("for the shell\n");
  EXPECT_EQ(shared.read_until("\n"), "read for the shell\n");
  EXPECT_EQ(shared.wait(), 0);
}

TEST(SharedPipe, KeepsItsFlagsWhenItIsKilled) {
  Other other;
  Child shared(shell("\"$0\" connect $1; echo status $?; read -r line; echo \"read $line\"",
                     {other.address}));
  other.child.write("first\n");
  EXPECT_EQ(shared.read_until("\n"), "first\n");
  ASSERT_EQ(shared.children().size(), 1U);
  ::kill(shared.children().front(), SIGKILL);
  EXPECT_EQ(shared.read_until("\n"), "status 137\n");
  expect_blocking(shared.pid());
  shared.write("for the shell\n");
  EXPECT_EQ(shared.read_until("\n"), "read for the shell\n");
  EXPECT_EQ(shared.wait(), 0);
}

TEST(SharedPipe, AnotherWriterOfItIsNotDisturbed) {
  // Both write far more than the pipe holds, while nobody reads; EAGAIN would be a failure of dd.
  Child server(ieum_command(
      {"listen", "-k", "--exec", "head -c 8388608 /dev/zero | tr '\\0' a", "127.0.0.1:0"}));
  Child both(
      shell("\"$0\" connect $1 </dev/null & dd if=/dev/zero bs=65536 count=128 status=none || "
            "echo failed; wait",
            {where_it_listens(server)}));
  std::this_thread::sleep_for(200ms);
  const std::string text = both.read_all();
  EXPECT_EQ(text.size(), std::size_t{16} << 20U);
  EXPECT_EQ(std::ranges::count(text, 'a'), std::ptrdiff_t{8} << 20U);
  EXPECT_EQ(both.wait(), 0);
  EXPECT_EQ(both.error_output(), "");
}

}  // namespace
}  // namespace ieum::test
