// Programs that are stuck, each in a network of its own, and what `ieum inspect` says of them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/programs.hpp"
#include "support/support.hpp"

namespace ieum::test {

using nlohmann::json;

/// What the Python programs of these tests share.
inline constexpr std::string_view python_prelude = R"(
import os, select, socket, struct, sys, threading, time
kept = []
def keep(*things):
    kept.extend(things)
    return things[0] if len(things) == 1 else things
def listener(port=0, backlog=16, host='127.0.0.1', buffer=0):
    one = keep(socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if buffer: one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    if ':' in host: one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((host, port))
    one.listen(backlog)
    return one
def client(to, buffer=0):
    one = keep(socket.socket())
    if buffer:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
    one.connect(to.getsockname())
    return one
def pair(port=0, buffer=0):
    server = listener(port, buffer=buffer)
    one = client(server, buffer)
    other = keep(server.accept()[0])
    server.close()
    return one, other
def fill(one):
    one.setblocking(False)
    try:
        while True: one.send(b'x' * 65536)
    except BlockingIOError: pass
def background(work, *arguments):
    threading.Thread(target=work, args=arguments, daemon=True).start()
def ready():
    print('ready', flush=True)
    sys.stdin.read()
)";

/// The interpreter itself: what PATH calls python3 may be a script (pyenv's, for one) that starts
/// several programs, each with sockets of its own, before it.
inline const std::string& python3() {
  static const std::string path = [] {
    Child child({"python3", "-c", "import sys; print(sys.executable, end='')"});
    return child.read_all();
  }();
  return path;
}

/// Runs until the test lets go of it; by then its sockets are as they are to be.
class Python {
 public:
  explicit Python(std::string_view program)
      : child_(
            {python3(), "-c", std::string(python_prelude) + std::string(program) + "\nready()"}) {
    child_.read_until("ready\n");
  }
  [[nodiscard]] Child& child() noexcept { return child_; }
  [[nodiscard]] std::string pid() const { return std::to_string(child_.pid()); }

 private:
  Child child_;
};

/// What `ieum inspect` writes, with its exit status and what it says besides.
struct Inspected {
  std::string text;
  std::string errors;
  int status = 0;
};

inline Inspected inspect(std::vector<std::string> words,
                         const std::vector<std::string>& before = {}) {
  words.insert(words.begin(), "inspect");
  std::vector<std::string> all = before;
  const std::vector<std::string> command = ieum_command(words);
  all.insert(all.end(), command.begin(), command.end());
  Child child(all);
  child.close_input();
  Inspected result;
  result.text = child.read_all();
  result.status = child.wait();
  result.errors = child.error_output();
  return result;
}

/// The text as one line, to look for sentences in it.
inline std::string unwrapped(std::string_view text) {
  std::string line;
  for (const char letter : text) {
    const bool blank = letter == ' ' || letter == '\n';
    if (!blank) {
      line += letter;
    } else if (!line.ends_with(' ')) {
      line += ' ';
    }
  }
  return line;
}

inline std::vector<json> inspect_json(std::vector<std::string> words) {
  words.push_back("--json");
  std::vector<json> objects;
  const std::string text = inspect(words).text;
  for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    objects.push_back(json::parse(text.substr(begin, end - begin)));
  }
  return objects;
}

/// Waits until `ieum inspect words` says all of `sentences`, and gives what it wrote: many things
/// count only after a while.
inline std::string expect_said(const std::vector<std::string>& words,
                               const std::vector<std::string>& sentences) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string said;
  std::string missing;
  while (std::chrono::steady_clock::now() < deadline) {
    said = unwrapped(inspect(words).text);
    missing.clear();
    for (const std::string& sentence : sentences) {
      if (!said.contains(sentence)) missing = sentence;
    }
    if (missing.empty()) return said;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  ADD_FAILURE() << "never said: " << missing << "\nbut:\n" << said;
  return said;
}

/// Runs `body` in a network namespace after `commands`; skips the test where that cannot be.
#define IN_NETWORK(commands, ...)                                                        \
  if (!has_program("python3")) GTEST_SKIP() << "this needs python3";                     \
  if (std::string reason = in_network_namespace(commands, __VA_ARGS__); !reason.empty()) \
  GTEST_SKIP() << reason

}  // namespace ieum::test
