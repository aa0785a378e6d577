// `ieum inspect` beside ss(8) of iproute2, at the same moment: no socket is missing, and all are in
// the same state. And what both cost.
#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "inspect/programs.hpp"

namespace ieum::test {
namespace {

/// Sockets in every state of TCP that can last, and of the other protocols, and `many` more.
constexpr std::string_view every_state = R"(
import resource
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
server = listener(8000, backlog=4096)
for i in range(many // 2):                               # ESTABLISHED
    client(server)
    keep(server.accept()[0])
v6 = listener(8001, host='::1')
one = keep(socket.socket(socket.AF_INET6)); one.connect(('::1', 8001))
dual = keep(socket.socket(socket.AF_INET6)); dual.bind(('::', 8002)); dual.listen(); client4 = keep(socket.socket())
client4.connect(('127.0.0.1', 8002))                     # not accepted, and mapped
full = listener(8003, backlog=1)
for i in range(4):                                       # SYN-SENT
    one = keep(socket.socket()); one.setblocking(False); one.connect_ex(('127.0.0.1', 8003))
for i in range(20): one, other = pair(); one.shutdown(socket.SHUT_WR)      # FIN-WAIT-2, CLOSE-WAIT
for i in range(20): one, other = pair(); one.close(); other.close()        # TIME-WAIT
one, other = pair(buffer=4096); fill(one); one.shutdown(socket.SHUT_WR)    # FIN-WAIT-1
one, other = pair(buffer=4096); fill(one); one.shutdown(socket.SHUT_WR)
other.shutdown(socket.SHUT_WR)                                             # CLOSING
one, other = pair(buffer=4096); other.shutdown(socket.SHUT_WR); time.sleep(0.1)
fill(one); one.shutdown(socket.SHUT_WR)                                    # LAST-ACK
for i in range(200):
    one = keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)); one.bind(('127.0.0.1', 0))
    if i % 2: one.connect(('127.0.0.1', 9))
six = keep(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)); six.bind(('::', 9000))
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    for i in range(100): keep(*socket.socketpair(socket.AF_UNIX, kind))
unix = keep(socket.socket(socket.AF_UNIX)); unix.bind('\0inspect-against-ss'); unix.listen(4)
waiting = keep(socket.socket(socket.AF_UNIX)); waiting.connect('\0inspect-against-ss')
if os.system("command -v nft > /dev/null") == 0:                           # SYN-RECEIVED
    os.system("nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }'")
    os.system("nft add rule inet t i tcp sport 8004 drop")
    listener(8004)
    one = keep(socket.socket()); one.setblocking(False); one.connect_ex(('127.0.0.1', 8004))
)";

std::string run(const std::vector<std::string>& command) {
  Child child(command);
  child.close_input();
  std::string text = child.read_all();
  EXPECT_EQ(child.wait(), 0);
  return text;
}

/// As ss writes it, in our words.
std::string state_in_words(const std::string& state) {
  static const std::map<std::string, std::string> words{
      {"ESTAB", "established"},     {"LISTEN", "listen"},         {"SYN-SENT", "syn-sent"},
      {"SYN-RECV", "syn-received"}, {"FIN-WAIT-1", "fin-wait-1"}, {"FIN-WAIT-2", "fin-wait-2"},
      {"CLOSE-WAIT", "close-wait"}, {"LAST-ACK", "last-ack"},     {"CLOSING", "closing"},
      {"TIME-WAIT", "time-wait"},   {"UNCONN", "unconnected"}};
  const auto found = words.find(state);
  return found == words.end() ? state : found->second;
}

/// One form for both: no mapped addresses, wildcards without a family.
std::string plain(std::string address) {
  const auto replace = [&](std::string_view what, std::string_view by) {
    const std::size_t at = address.find(what);
    if (at != std::string::npos) address.replace(at, what.size(), by);
  };
  replace("[::ffff:127.0.0.1]", "127.0.0.1");
  if (address == "0.0.0.0:*" || address == "[::]:*" || address == "*:*") return "";
  return address;
}

using Lines = std::multiset<std::string>;

/// "tcp established 127.0.0.1:1 127.0.0.1:2", "unix established 4711".
Lines sockets_of_ss() {
  Lines lines;
  std::istringstream text(run({"ss", "-tuxanH"}));
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string kind, state, receive, send, local, local_port, peer;
    words >> kind >> state >> receive >> send >> local;
    if (kind.starts_with("u_")) {
      words >> local_port;
      lines.insert("unix " + state_in_words(state) + " " + local_port);
    } else {
      words >> peer;
      lines.insert(kind + " " + state_in_words(state) + " " + plain(local) + " " + plain(peer));
    }
  }
  return lines;
}

Lines sockets_of_ieum() {
  Lines lines;
  for (const json& object : inspect_json({})) {
    const std::string protocol = object["protocol"];
    std::string state = object["state"];
    if (protocol == "unix") {
      // ss does not look at who has finished.
      if (state == "close-wait" || state == "fin-wait-2" || state == "closed")
        state = "established";
      lines.insert("unix " + state + " " + std::to_string(object["inode"].get<unsigned>()));
    } else if (protocol == "tcp" && state == "unconnected") {
      continue;  // bound only, which ss does not ask for
    } else {
      lines.insert(protocol + " " + state + " " + object["local"].get<std::string>() + " " +
                   object["peer"].get<std::string>());
    }
  }
  return lines;
}

void expect_equal(const Lines& ours, const Lines& theirs) {
  Lines missing;
  Lines extra;
  std::ranges::set_difference(theirs, ours, std::inserter(missing, missing.end()));
  std::ranges::set_difference(ours, theirs, std::inserter(extra, extra.end()));
  for (const std::string& line : missing) ADD_FAILURE() << "ss alone has it: " << line;
  for (const std::string& line : extra) ADD_FAILURE() << "ieum alone has it: " << line;
}

TEST(AgainstSs, NoneIsMissingAndAllAreInTheSameState) {
  if (!has_program("ss")) GTEST_SKIP() << "this needs ss (Debian: iproute2)";
  IN_NETWORK("", [] {
    Python program("many = 5000\n" + std::string(every_state));
    const Lines ours = sockets_of_ieum();
    expect_equal(ours, sockets_of_ss());
    EXPECT_GT(ours.size(), 5500U);
    std::set<std::string> states;
    for (const std::string& line : ours) {
      const std::size_t begin = line.find(' ') + 1;
      states.insert(line.substr(0, line.find(' ', begin)));
    }
    for (const std::string_view state :
         {"established", "listen", "syn-sent", "fin-wait-1", "fin-wait-2", "close-wait", "closing",
          "last-ack", "time-wait"}) {
      EXPECT_TRUE(states.contains("tcp " + std::string(state))) << state;
    }
    if (has_program("nft")) {
      EXPECT_TRUE(states.contains("tcp syn-received"));
    }
  });
}

/// User and system time of children that have ended, in seconds.
double time_of_children() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double cost_of(const std::vector<std::string>& command) {
  const double before = time_of_children();
  run(command);
  return time_of_children() - before;
}

TEST(AgainstSs, ItCostsNoMoreThanHalfAsMuchAgain) {
  if (!has_program("ss")) GTEST_SKIP() << "this needs ss (Debian: iproute2)";
  if (sanitized) GTEST_SKIP() << "a sanitizer is slow";
  IN_NETWORK("", [] {
    Python program("many = 15000\n" + std::string(every_state));
    std::vector<double> ratios;
    for (int i = 0; i < 7; ++i) {
      const double theirs = cost_of({"ss", "-tanpi"});
      ratios.push_back(cost_of({IEUM_COMMAND, "inspect", "tcp"}) / theirs);
    }
    std::ranges::sort(ratios);
    const double median = ratios[ratios.size() / 2];
    EXPECT_LE(median, 1.5) << "of the user and system time of ss -tanpi";
    RecordProperty("ratio", std::to_string(median));
    std::printf("15,000 sockets: %.2f of the time of ss -tanpi\n", median);

    // Some KiB for each socket, whatever is written of them.
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    EXPECT_LT(usage.ru_maxrss, 64 * 1024) << "KiB";
  });
}

}  // namespace
}  // namespace ieum::test
