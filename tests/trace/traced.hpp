// Programs that are traced, each in a network of its own, and what `ieum trace` draws of them.
#pragma once

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "inspect/programs.hpp"

namespace ieum::test {

/// Whether this machine lets a program trace its child.
inline bool can_trace() {
  static const bool can = [] {
    const pid_t child = ::fork();
    if (child == 0) {
      ::pause();
      ::_exit(0);
    }
    const bool traced = ::ptrace(PTRACE_SEIZE, child, nullptr, nullptr) == 0;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, __WALL);
    return traced;
  }();
  return can;
}

/// Runs `body` with a loopback of its own; skips the test where that, or tracing, cannot be.
#define TRACED_IN_NETWORK(...)                                     \
  if (!can_trace()) GTEST_SKIP() << "tracing is not allowed here"; \
  IN_NETWORK("", __VA_ARGS__)

/// What `ieum trace` wrote: the ladder, and what the programs wrote.
struct Traced {
  std::string ladder;
  std::string output;
  int status = 0;

  /// The ladder with single blanks, to look for sentences in it.
  [[nodiscard]] std::string text() const { return unwrapped(ladder); }
  /// Where `row` stands in it.
  [[nodiscard]] std::size_t place_of(std::string_view row) const { return ladder.find(row); }
  [[nodiscard]] std::string line_with(std::string_view words) const {
    const std::size_t at = ladder.find(words);
    if (at == std::string::npos) return {};
    const std::size_t begin = ladder.rfind('\n', at) + 1;
    return ladder.substr(begin, ladder.find('\n', at) - begin);
  }
};

inline Traced trace(std::vector<std::string> words) {
  words.insert(words.begin(), "trace");
  Child child(ieum_command(words));
  child.close_input();
  Traced result;
  result.output = child.read_all();
  result.status = child.wait();
  result.ladder = child.error_output();
  return result;
}

/// For programs that are to do something only after another one has done its part.
inline constexpr std::string_view in_turn = R"(
here = os.path.dirname(os.path.abspath(__file__))
def mark(name): open(os.path.join(here, name), 'w').close()
def wait_for(name):
    while not os.path.exists(os.path.join(here, name)): time.sleep(0.02)
)";

/// Python programs as files, so that their columns have names.
class Scripts {
 public:
  std::string add(std::string_view name, std::string_view program) {
    const std::string path = folder_.path(name);
    std::ofstream(path) << python_prelude << in_turn << program << '\n';
    return path;
  }
  [[nodiscard]] std::string path(std::string_view name) const { return folder_.path(name); }

 private:
  TemporaryDirectory folder_;
};

/// A server that is traced with its client; both are Python.
inline Traced trace_pair(std::string_view server, std::string_view client,
                         std::vector<std::string> options = {}) {
  Scripts scripts;
  options.insert(options.end(), {"--with", python3() + " " + scripts.add("server.py", server), "--",
                                 python3(), scripts.add("client.py", client)});
  return trace(options);
}

/// One program.
inline Traced trace_one(std::string_view program, std::vector<std::string> options = {}) {
  Scripts scripts;
  options.insert(options.end(), {"--", python3(), scripts.add("client.py", program)});
  return trace(options);
}

inline void expect_text(const Traced& traced, const std::vector<std::string>& sentences) {
  const std::string text = traced.text();
  for (const std::string& sentence : sentences) {
    EXPECT_TRUE(text.contains(sentence)) << "missing: " << sentence << "\nin:\n" << traced.ladder;
  }
}

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The events of a recording.
inline std::vector<json> events_of(const std::string& path) {
  std::vector<json> events;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) events.push_back(json::parse(line));
  return events;
}

/// The ladder of a recording whose times, chosen ports and numbers of processes are made equal, so
/// that it is the same each time.
inline std::string ladder_made_equal(const std::string& recording) {
  std::map<std::string, std::string> ports;
  std::map<int, int> pids;
  std::string equal;
  int number = 0;
  for (json event : events_of(recording)) {
    // Whether the system's answer came before the kernel was asked is a matter of microseconds.
    if (event["event"] == "state" || event["event"] == "waiting") continue;
    for (const char* member : {"state", "peer_state"}) {
      if (event.value(member, "") == "fin-wait-1") event[member] = "fin-wait-2";
    }
    const std::string kind = event["event"];
    // What an interpreter does to other files before its program begins differs from one to
    // another.
    if ((kind == "call" && event.contains("socket")) || kind == "exit") ++number;
    event["us"] = 100 * number;
    event.erase("took_us");
    for (const char* member : {"pid", "tid", "other_pid"}) {
      if (!event.contains(member)) continue;
      const int pid = event[member];
      event[member] = pids.try_emplace(pid, 100 + static_cast<int>(pids.size())).first->second;
    }
    std::string line = event.dump();
    static const std::regex chosen(R"((?:127\.0\.0\.1|0\.0\.0\.0):([3-6][0-9]{4})\b)");
    for (std::smatch found; std::regex_search(line, found, chosen);) {
      const std::string port = found[1];
      const auto by = ports.try_emplace(port, std::to_string(20'000 + ports.size()));
      line = std::regex_replace(line, std::regex("0\\.([01]):" + port + "\\b"),
                                "0.$1:" + by.first->second);
    }
    equal += line + "\n";
  }
  const TemporaryFile file(equal);
  return trace({"--replay", file.path()}).output;
}

/// What most servers and clients of these tests begin with.
inline constexpr std::string_view accept_one =
    "server = listener(7000)\npeer = keep(server.accept()[0])\n";
inline constexpr std::string_view connect_one =
    "peer = keep(socket.socket())\npeer.connect(('127.0.0.1', 7000))\n";
inline std::string serve(std::string_view rest) {
  return std::string(accept_one) + std::string(rest);
}
inline std::string call(std::string_view rest) {
  return std::string(connect_one) + std::string(rest);
}

}  // namespace ieum::test
