// What `ieum` tells of a socket's life: -v, -vv, --json; and how it shows the payload: --hex,
// --timestamps.
#include <csignal>
#include <regex>
#include <sstream>

#include <nlohmann/json.hpp>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// Each of `patterns` matches a whole line, in this order; other lines may stand between.
void expect_in_order(const std::string& text, const std::vector<std::string>& patterns) {
  const std::vector<std::string> lines = lines_of(text);
  std::size_t at = 0;
  for (const std::string& pattern : patterns) {
    const std::regex regex(pattern);
    while (at < lines.size() && !std::regex_match(lines[at], regex)) ++at;
    if (at == lines.size()) {
      ADD_FAILURE() << "no line, or not in this place: " << pattern << "\nin:\n" << text;
      return;
    }
    ++at;
  }
}

/// What both sides tell of a talk in which each says one line.
struct Reports {
  std::string listener;
  std::string connector;
};

Reports report(const std::vector<std::string>& options,
               const std::string& address = "127.0.0.1:0") {
  std::vector<std::string> words{"listen", address};
  words.insert(words.end(), options.begin(), options.end());
  Child listener(ieum_command(words));
  const bool is_json = options.front() == "--json";
  std::string before = listener.read_error_until(is_json ? R"("event":"waiting")" : "waiting for");
  before += listener.read_error_until("\n");
  std::string where = address;
  if (address.ends_with(":0")) {
    const std::regex port(is_json ? R"re("listening","local":"([^"]+)")re"
                                  : R"(listening on (\S+))");
    std::smatch found;
    EXPECT_TRUE(std::regex_search(before, found, port)) << before;
    where = found.empty() ? address : found[1].str();
  }
  words[0] = "connect";
  words[1] = where;
  Child connector(ieum_command(words));
  connector.write("from afar\n");
  EXPECT_EQ(listener.read_until("\n"), "from afar\n");
  connector.close_input();
  before += listener.read_error_until(is_json ? R"("event":"peer_finished")" : "peer finished");
  listener.write("good bye\n");
  listener.close_input();
  EXPECT_EQ(connector.read_all(), "good bye\n");
  EXPECT_EQ(connector.wait(), 0);
  EXPECT_EQ(listener.wait(), 0);
  return {before + listener.error_output(), connector.error_output()};
}

TEST(Reporting, NothingIsReportedUnasked) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  const std::string address = where_it_listens(listener);
  listener.close_input();
  EXPECT_EQ(succeed(ask(address, "")), "");
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_EQ(listener.error_output(), "");
}

TEST(Reporting, EachEventInTheWordsOfATextbook) {
  const Reports reports = report({"-v"});
  expect_in_order(
      reports.listener,
      {R"(\* created a TCP \(IPv4\) socket)", R"(\* bound to 127\.0\.0\.1:\d+)",
       R"(\* listening on 127\.0\.0\.1:\d+ with a backlog of 4096)", R"(\* waiting for a client)",
       R"(\* accepted: connected from 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+)",
       R"(\* stopped listening)", R"(\* peer finished: nothing more will come)",
       R"(\* standard input has ended)", R"(\* half-closed: nothing more will be sent)",
       R"(\* closed: 9 bytes sent, 10 bytes received in .*; both sides had finished)"});
  expect_in_order(reports.connector,
                  {R"(\* created a TCP \(IPv4\) socket)", R"(\* connecting to 127\.0\.0\.1:\d+)",
                   R"(\* connected from 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+ in .*s)",
                   R"(\* standard input has ended)", R"(\* half-closed: nothing more will be sent)",
                   R"(\* peer finished: nothing more will come)",
                   R"(\* closed: 10 bytes sent, 9 bytes received in .*; both sides had finished)"});
  EXPECT_FALSE(reports.connector.contains('\x1b'));
  EXPECT_FALSE(reports.connector.contains("(2)"));  // calls are for -vv
}

TEST(Reporting, TheSystemCallsBehindTheEvents) {
  const Reports reports = report({"-vv"});
  expect_in_order(
      reports.listener,
      {R"(.*created.* socket\(AF_INET, SOCK_STREAM, 0\))", R"(.*bound.* bind\(2\))",
       R"(.*listening.* listen\(fd, 4096\))", R"(.*waiting.* (accept4\(2\)|IORING_OP_ACCEPT))",
       R"(\* received 10 bytes .*(recv\(2\)|IORING_OP_RECV))",
       R"(\* sent 9 bytes .*(send\(2\)|IORING_OP_SEND))",
       R"(.*closed.* (close\(2\)|IORING_OP_CLOSE))"});
  expect_in_order(reports.connector,
                  {R"(.*connecting.* (connect\(2\)|IORING_OP_CONNECT))", R"(\* sent 10 bytes .*)",
                   R"(.*half-closed.* shutdown\(fd, SHUT_WR\))", R"(\* received 9 bytes .*)"});
}

TEST(Reporting, AUnixSocketAndTheAddressesOfAName) {
  const std::string name = "unix:@ieum-test-telling-" + std::to_string(::getpid());
  const Reports reports = report({"-v"}, name);
  expect_in_order(reports.connector, {R"(\* created a Unix stream socket)",
                                      R"(\* connecting to unix:@ieum-test-telling-\d+)",
                                      R"(\* connected from a socket without a name to unix:@.*)"});
  const std::string port = std::to_string(free_port());
  Child refused(ieum_command({"connect", "-v", "localhost:" + port}), Input::nothing());
  EXPECT_EQ(refused.wait(), 7);
  expect_in_order(refused.error_output(),
                  {R"(\* resolved to .*127\.0\.0\.1:\d+.*)", R"(\* connecting to .*)",
                   R"(\* .*connection refused.*)", R"(ieum: connect .*)"});
}

TEST(Reporting, ABrokenConnectionIsAReset) {
  Child child(ieum_command({"listen", "-v", "127.0.0.1:0"}));
  const std::string where = where_it_listens(child);  // "127.0.0.1:7000 with a backlog of 4096"
  auto body = [](std::string to) -> Task<> {
    StreamSocket socket = co_await StreamSocket::connect(to);
    co_await socket.reset();
  };
  succeed(body(where.substr(0, where.find(' '))));
  EXPECT_EQ(child.wait(), 56);
  expect_in_order(child.error_output(), {R"(\* reset by the peer)",
                                         R"(\* closed: .*; the connection broke)", "ieum: .*"});
}

// ---- JSON
// -----------------------------------------------------------------------------------------

/// All lines as objects; each has what each has.
std::vector<json> objects_of(const std::string& text) {
  const std::regex time(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)");
  std::vector<json> objects;
  for (const std::string& line : lines_of(text)) {
    json object = json::parse(line, nullptr, false);
    EXPECT_TRUE(object.is_object()) << line;
    if (!object.is_object()) continue;
    EXPECT_EQ(object.value("schema", 0), 1) << line;
    EXPECT_TRUE(std::regex_match(object.value("time", ""), time)) << line;
    EXPECT_NE(object.value("event", ""), "") << line;
    objects.push_back(std::move(object));
  }
  return objects;
}

const json& event(const std::vector<json>& objects, std::string_view name) {
  static const json none = json::object();
  for (const json& object : objects) {
    if (object["event"] == name) return object;
  }
  ADD_FAILURE() << "no event " << name;
  return none;
}

TEST(Reporting, EventsAsJson) {
  const Reports reports = report({"--json"});
  const std::vector<json> listener = objects_of(reports.listener);
  EXPECT_EQ(event(listener, "listening").value("backlog", 0), 4096);
  EXPECT_EQ(event(listener, "accepted").value("local", ""),
            event(listener, "bound").value("local", "-"));
  const std::vector<json> connector = objects_of(reports.connector);
  EXPECT_EQ(event(connector, "connected").value("peer", ""),
            event(listener, "bound").value("local", "-"));
  const json& closed = event(connector, "closed");
  EXPECT_EQ(closed.value("sent", 0), 10);
  EXPECT_EQ(closed.value("received", 0), 9);
  EXPECT_EQ(closed.value("reason", ""), "both sides had finished");
  EXPECT_GT(closed.value("seconds", 0.0), 0.0);
  for (const char* name : {"created", "connecting", "input_ended", "half_closed", "peer_finished"})
    event(connector, name);
  EXPECT_FALSE(closed.contains("call"));
}

TEST(Reporting, CallsAsJson) {
  const std::vector<json> objects = objects_of(report({"--json", "-vv"}).connector);
  EXPECT_TRUE(event(objects, "connecting").value("call", "").contains("CONNECT") ||
              event(objects, "connecting").value("call", "") == "connect(2)");
  EXPECT_EQ(event(objects, "sent").value("bytes", 0), 10);
}

TEST(Reporting, FailuresAsJson) {
  Child child(ieum_command({"connect", "--json", at(free_port())}), Input::nothing());
  EXPECT_EQ(child.wait(), 7);
  const std::vector<json> objects = objects_of(child.error_output());
  ASSERT_FALSE(objects.empty());
  EXPECT_EQ(objects.back()["event"], "failed");
  EXPECT_EQ(objects.back()["status"], 7);
  EXPECT_TRUE(objects.back().value("message", "").contains("connection refused"));
}

TEST(Reporting, ManyClientsAsJsonSayWhichOneItWas) {
  Child server(ieum_command({"listen", "-k", "--echo", "--json", "127.0.0.1:0"}));
  std::string text = server.read_error_until(R"("event":"waiting")");
  const std::string address =
      event(objects_of(text.substr(0, text.rfind('\n') + 1)), "listening").value("local", "");
  for (const char* word : {"first", "second"}) EXPECT_EQ(succeed(ask(address, word)), word);
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(), 130);
  text += server.error_output();
  const std::vector<json> objects = objects_of(text);
  std::vector<int> closed;
  for (const json& object : objects) {
    if (object["event"] == "closed") closed.push_back(object.value("connection", 0));
  }
  EXPECT_EQ(closed, (std::vector<int>{1, 2}));
  EXPECT_EQ(objects.back()["status"], 130);
}

TEST(Reporting, NamesThatAreNoTextAreStillJson) {
  Child child(ieum_command({"connect", "--json", "unix:/nosuch/\xff\"\n"}), Input::nothing());
  child.wait();
  for (const std::string& line : lines_of(child.error_output())) {
    if (!line.starts_with("ieum: ")) {
      EXPECT_TRUE(json::accept(line)) << line;
    }
  }
}

// A C1 control (CSI, as UTF-8 and as the byte itself), one of C0, and a change of direction.
constexpr std::string_view obeyed_by_terminals =
    "\xc2\x9b"
    "2J\x9b"
    "2J\x1b[2J\xe2\x80\xae";

TEST(Reporting, NothingThatATerminalObeysIsWritten) {
  const std::string odd(obeyed_by_terminals);
  const std::vector<std::vector<std::string>> commands{
      {"connect", odd},
      {"connect", odd + ":80"},
      {"connect", "--" + odd + "=1", "localhost:80"},
      {"connect", "-w", odd, "localhost:80"},
      {"connect", "-v", "unix:/nosuch/" + odd},
      {"connect", "unix-dgram:/nosuch/" + odd},
      {"connect", "localhost:1", "-o", "/nosuch/" + odd},
      {"cast", "-v", "--receive", "mcast://239.1.2.3:5000?if=" + odd},
      {"help", odd},
      {odd},
  };
  for (std::vector<std::string> command : commands) {
    for (const bool as_json : {false, true}) {
      if (as_json) command.insert(command.begin() + 1, "--json");
      Child child(ieum_command(command), Input::nothing());
      EXPECT_NE(child.wait(), 0) << command[0];
      const std::string said = child.read_all() + child.error_output();
      EXPECT_NE(said, "");
      for (const std::string& line : lines_of(said)) EXPECT_EQ(printable(line), line);
    }
  }
}

// ---- The payload
// ----------------------------------------------------------------------------------

TEST(Reporting, AHexadecimalDumpOfBothWays) {
  Child listener(ieum_command({"listen", "--hex", "127.0.0.1:0"}));
  const std::string address = where_it_listens(listener);
  listener.write("0123456789abcdef\n");
  listener.close_input();
  EXPECT_EQ(succeed(ask(address, std::string("hello\0\xff", 7))), "0123456789abcdef\n");
  const std::string dump = listener.read_all();
  expect_in_order(
      dump,
      {R"(> 00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  \|0123456789abcdef\|)",
       R"(> 00000010  0a +\|\.\|)"});
  expect_in_order(dump, {R"(< 00000000  68 65 6c 6c 6f 00 ff +\|hello\.\.\|)"});
  EXPECT_EQ(listener.wait(), 0);
}

TEST(Reporting, TimesBeforeLines) {
  const TemporaryFile file("one\n\ntwo");
  Child child(ieum_command({"connect", "--timestamps", "-"}), Input::file(file.path()));
  EXPECT_EQ(child.wait(), 0);
  const std::string time = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)";
  expect_in_order(child.read_all(), {time + " one", time + " ", time + " two"});
}

// ---- Colours
// --------------------------------------------------------------------------------------

std::string on_a_terminal(const std::string& environment) {
  Child child({"env", "-u", "NO_COLOR", "TERM=xterm", environment, IEUM_COMMAND, "--help"},
              Input::terminal());
  std::string text = child.read_all();
  EXPECT_EQ(child.wait(), 0);
  return text;
}

TEST(Reporting, ColoursAreForTerminalsThatTakeThem) {
  EXPECT_TRUE(on_a_terminal("IEUM=1").contains('\x1b'));
  EXPECT_FALSE(on_a_terminal("NO_COLOR=1").contains('\x1b'));
  EXPECT_FALSE(on_a_terminal("TERM=dumb").contains('\x1b'));
  EXPECT_TRUE(on_a_terminal("NO_COLOR=").contains('\x1b'));  // empty: as if it were not set
  Child piped({"env", "TERM=xterm", IEUM_COMMAND, "--help"});
  EXPECT_FALSE(piped.read_all().contains('\x1b'));
  EXPECT_EQ(piped.wait(), 0);
}

}  // namespace
}  // namespace ieum::test
