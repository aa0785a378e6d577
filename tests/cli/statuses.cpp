// The exit statuses of the help, each with one sentence that says what, where and what to do.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <ostream>
#include <thread>

#include "cli/programs.hpp"
#include "cli/silent_host.hpp"
#include "support/support.hpp"

namespace ieum::test {
namespace {

using namespace std::chrono_literals;

/// One line, and one only, that begins with "ieum: " and holds all these.
void expect_sentence(const std::string& text, const std::vector<std::string>& parts) {
  EXPECT_TRUE(text.starts_with("ieum: ")) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 1) << text;
  EXPECT_TRUE(text.ends_with('\n')) << text;
  for (const std::string& part : parts) EXPECT_TRUE(text.contains(part)) << part << " in: " << text;
}

// ---- What fails by itself
// -------------------------------------------------------------------------

struct Failing {
  std::string name;
  std::string line;  ///< for sh; $1 is a port on which nobody listens
  int status = 0;
  std::vector<std::string> parts{};
};
void PrintTo(const Failing& failing, std::ostream* out) { *out << failing.line; }

class Statuses : public testing::TestWithParam<Failing> {};

TEST_P(Statuses, IsReportedWithASentence) {
  Child child(shell(GetParam().line, {std::to_string(free_port())}), Input::nothing());
  EXPECT_EQ(child.wait(), GetParam().status);
  EXPECT_EQ(child.read_all(), "");
  expect_sentence(child.error_output(), GetParam().parts);
}

constexpr const char* lack = "raise the limit of open files: see 'ulimit -n'";
const std::vector<std::string> full{"no space left on device", "make room"};

const std::vector<Failing> connecting{
    {"refused",
     "exec \"$0\" connect 127.0.0.1:$1",
     7,
     {"connect 127.0.0.1:", "connection refused", "nothing listens there", "start the server"}},
    {"refused_by_all",
     "exec \"$0\" connect localhost:$1",
     7,
     {"connection refused", "localhost", "start the server"}},
    {"refused_probe", "exec \"$0\" connect -z 127.0.0.1:$1", 7, {"connection refused"}},
    {"no_such_name",
     "exec \"$0\" connect nosuch.invalid:80",
     6,
     {"resolve nosuch.invalid: ", "; "}},
    {"no_such_name_to_listen",
     "exec \"$0\" listen nosuch.invalid:80",
     6,
     {"nosuch.invalid: ", "; "}},
    {"no_unix_socket",
     "exec \"$0\" connect unix:/nosuch/socket",
     7,
     {"connect unix:/nosuch/socket: no such file or directory", "start the server"}},
    {"no_abstract_socket",
     "exec \"$0\" connect unix:@nosuch-$1",
     7,
     {"connect unix:@nosuch-", "connection refused", "; "}},
    {"no_such_source",
     "exec \"$0\" connect -s 192.0.2.1 127.0.0.1:$1",
     7,
     {"cannot assign requested address", "this machine has no such address"}},
    {"no_socket_to_take_over",
     "exec \"$0\" connect fd:0",
     1,
     {"take over fd:0", "start ieum with a stream socket there"}},
    {"no_descriptors", "ulimit -n 8; exec \"$0\" connect 127.0.0.1:$1", 1, {"connect", lack}},
    {"no_descriptors_for_a_loop", "ulimit -n 4; exec \"$0\" connect 127.0.0.1:$1", 1, {lack}},
    {"no_descriptors_for_signals", "ulimit -n 5; exec \"$0\" connect 127.0.0.1:$1", 1, {lack}},
    {"no_descriptors_for_output",
     "ulimit -n 6; exec \"$0\" connect 127.0.0.1:$1",
     1,
     {"standard output", lack}},
    {"no_descriptors_for_input",
     "ulimit -n 7; exec \"$0\" connect 127.0.0.1:$1",
     1,
     {"standard input", lack}},
};

// Addresses that no connection can go to, and descriptors of another kind.
const std::vector<Failing> misleading{
    {"broadcast_datagrams",
     "exec \"$0\" connect udp://255.255.255.255:$1",
     7,
     {"permission denied", "it is a broadcast address", "use 'ieum cast'"}},
    {"broadcast_of_an_interface",
     "exec \"$0\" connect udp://127.255.255.255:$1",
     7,
     {"permission denied", "it is a broadcast address", "use 'ieum cast'"}},
    {"broadcast_connection",
     "exec \"$0\" connect 255.255.255.255:$1",
     7,
     {"it is a broadcast address, and a connection has one peer"}},
    {"multicast_connection",
     "exec \"$0\" connect 224.0.0.1:$1",
     7,
     {"it is a multicast group, and a connection has one peer"}},
    {"no_zone",
     "exec \"$0\" connect [fe80::1]:$1",
     7,
     {"a link-local address needs its interface, as [fe80::1%eth0]:", "see 'ip link'"}},
    {"no_zone_of_datagrams",
     "exec \"$0\" connect udp://[fe80::1]:$1",
     7,
     {"a link-local address needs its interface, as [fe80::1%eth0]:"}},
    {"no_zone_to_listen_on",
     "exec \"$0\" listen [fe80::1]:$1",
     1,
     {"a link-local address needs its interface, as [fe80::1%eth0]:"}},
    {"nothing_open", "exec \"$0\" connect fd:7", 1, {"take over fd:7: nothing is open there"}},
    {"nothing_open_to_listen",
     "exec \"$0\" listen fd:4",
     1,
     {"take over fd:4: nothing is open there", "as systemd and inetd do"}},
    {"a_file",
     "exec \"$0\" connect fd:5 5</etc/passwd",
     1,
     {"take over fd:5: it is no socket", "for files and pipes the address is -"}},
    {"a_directory_to_listen", "exec \"$0\" listen fd:5 5</", 1, {"fd:5: it is no socket"}},
};

const std::vector<Failing> listening{
    {"no_client_came",
     "exec \"$0\" listen -w 50ms unix:@nobody-$1",
     28,
     {"accept unix:@nobody-", "timed out after 50 ms", "no client came (-w)"}},
    {"not_our_address",
     "exec \"$0\" listen 192.0.2.1:$1",
     1,
     {"listen 192.0.2.1:", "this machine has no such address"}},
    {"no_directory_for_a_socket",
     "exec \"$0\" listen unix:/nosuch/socket",
     1,
     {"listen unix:/nosuch/socket", "there is no such directory"}},
    {"nothing_to_take_over_listening", "exec \"$0\" listen fd:77", 1, {"take over fd:77", "; "}},
    {"no_descriptors_to_listen", "ulimit -n 8; exec \"$0\" listen :$1", 1, {"listen", lack}},
};

const std::vector<Failing> writing{
    {"output_closed_for_an_echo_of_input",
     "exec \"$0\" listen --echo - >&-",
     1,
     {"standard output is closed", "-o FILE"}},
    {"output_closed",
     "exec \"$0\" connect 127.0.0.1:$1 >&-",
     1,
     {"standard output is closed", "-o FILE"}},
    {"output_closed_listening",
     "exec \"$0\" listen 127.0.0.1:$1 >&-",
     1,
     {"standard output is closed", "-o FILE"}},
    {"disk_full_under_standard_output",
     "echo much | \"$0\" connect - >/dev/full",
     1,
     {"write standard output", full[0], full[1]}},
    {"disk_full_under_a_file",
     "echo much | \"$0\" connect - -o /dev/full",
     1,
     {"write /dev/full", full[0], full[1]}},
    {"disk_full_under_the_help", "\"$0\" --help >/dev/full", 1, {"write standard output", full[0]}},
    {"no_directory_for_the_output",
     "exec \"$0\" connect 127.0.0.1:$1 -o /nosuch/file",
     1,
     {"open /nosuch/file: no such file or directory", "there is no such directory"}},
    {"output_is_a_directory",
     "exec \"$0\" connect 127.0.0.1:$1 -o /",
     1,
     {"open /: is a directory", "; "}},
};

const std::vector<Failing> wording{
    {"no_command", "exec \"$0\" conect :$1", 2, {"unknown command 'conect'", "'connect'"}},
    {"no_such_option", "exec \"$0\" connect --oneof=keep :$1", 2, {"--oneof", "--on-eof"}},
    {"no_such_scheme", "exec \"$0\" connect tpc://host:$1", 2, {"tpc://", "did you mean tcp://"}},
    {"no_such_key", "exec \"$0\" connect ':'$1'?no_delay=1'", 2, {"no_delay", "nodelay"}},
    {"scheme_of_a_later_version", "exec \"$0\" connect ws://host:$1", 2, {"not built into this"}},
    {"address_missing", "exec \"$0\" connect", 2, {"an address is missing", "localhost:7000"}},
    {"port_missing", "exec \"$0\" connect localhost", 2, {"has no port", "localhost:80"}},
    {"no_time", "exec \"$0\" connect -w soon :$1", 2, {"soon", "-w"}},
    {"no_effect", "exec \"$0\" connect :$1 --echo", 2, {"--echo"}},
};

std::string failing_name(const testing::TestParamInfo<Failing>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Connecting, Statuses, testing::ValuesIn(connecting), failing_name);
INSTANTIATE_TEST_SUITE_P(Misleading, Statuses, testing::ValuesIn(misleading), failing_name);
INSTANTIATE_TEST_SUITE_P(Listening, Statuses, testing::ValuesIn(listening), failing_name);
INSTANTIATE_TEST_SUITE_P(Writing, Statuses, testing::ValuesIn(writing), failing_name);
INSTANTIATE_TEST_SUITE_P(Wording, Statuses, testing::ValuesIn(wording), failing_name);

// ---- What takes another side
// ----------------------------------------------------------------------

struct Listening {
  Result<Listener> listener = Listener::bind(Address::ipv4_loopback(0));
  std::string address = listener->address().to_string();
};

TEST(Statuses, AllIsWell) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}), Input::nothing());
  Child connector(ieum_command({"connect", where_it_listens(listener)}), Input::nothing());
  EXPECT_EQ(connector.wait(), 0);
  EXPECT_EQ(listener.wait(), 0);
  EXPECT_EQ(connector.error_output() + listener.error_output(), "");
}

TEST(Statuses, AProbeFindsAListener) {
  const Listening here;
  Child probe(ieum_command({"connect", "-z", here.address}));  // its input stays open
  EXPECT_EQ(probe.wait(), 0);
  EXPECT_EQ(probe.error_output(), "");
}

TEST(Statuses, APortThatIsTaken) {
  const Listening here;
  Child child(ieum_command({"listen", here.address}), Input::nothing());
  EXPECT_EQ(child.wait(), 1);
  expect_sentence(child.error_output(), {"listen " + here.address + ": address already in use",
                                         "choose another port, or 0 for any free one"});
}

/// A ring outlives its process for a moment, and with it what it was waiting on.
void wait_until_unused(const std::string& unix_path) {
  for (int i = 0; i < 3000; ++i) {
    std::ifstream file("/proc/net/unix");
    const std::string table(std::istreambuf_iterator<char>(file), {});
    if (!table.contains(unix_path)) return;
    std::this_thread::sleep_for(10ms);
  }
  ADD_FAILURE() << unix_path << " is still in use";
}

TEST(Statuses, AUnixSocketWhoseServerHasEnded) {
  const std::string path = testing::TempDir() + "ieum-test-stale-" + std::to_string(::getpid());
  Child server(ieum_command({"listen", "unix:" + path, "-v"}));
  server.read_error_until("waiting for a client");
  server.signal(SIGKILL);
  EXPECT_EQ(server.wait(), -SIGKILL);
  wait_until_unused(path);
  Child connector(ieum_command({"connect", "unix:" + path}), Input::nothing());
  EXPECT_EQ(connector.wait(), 7);
  expect_sentence(connector.error_output(), {path, "its server has exited: start it again"});
  Child listener(ieum_command({"listen", "unix:" + path}), Input::nothing());
  EXPECT_EQ(listener.wait(), 1);
  expect_sentence(listener.error_output(), {path, "?replace=1"});
  Child replacing(ieum_command({"listen", "-v", "unix:" + path + "?replace=1"}), Input::nothing());
  replacing.read_error_until("waiting for a client");
  replacing.signal(SIGTERM);
  EXPECT_EQ(replacing.wait(), 143);
}

TEST(Statuses, AHostThatDoesNotAnswer) {
  const SilentHost host;
  Child child(ieum_command({"connect", "-w", "200ms", at(host.port())}), Input::nothing());
  EXPECT_EQ(child.wait(), 28);
  expect_sentence(child.error_output(), {"connect " + at(host.port()) + ": timed out",
                                         "no answer within 200 ms (-w)", "is the host up"});
}

TEST(Statuses, ConnectingIsInterrupted) {
  const SilentHost host;
  Child child(ieum_command({"connect", "-v", at(host.port())}));
  child.read_error_until("connecting to");
  child.read_error_until("\n");
  child.signal(SIGINT);
  EXPECT_EQ(child.wait(), 130);
  expect_sentence(child.error_output(), {"interrupted"});
}

TEST(Statuses, NothingComesOrGoes) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  Child connector(ieum_command({"connect", "-i", "200ms", where_it_listens(listener)}));
  connector.write("something\n");
  EXPECT_EQ(listener.read_until("\n"), "something\n");
  EXPECT_EQ(connector.wait(), 28);
  expect_sentence(connector.error_output(),
                  {"nothing was received or sent for 200 ms (-i)", "10 bytes sent"});
}

/// A peer that says something, takes what we say, and resets the connection.
Task<> speak_and_reset(StreamSocket peer) {
  std::array<std::byte, 6> heard;
  co_await peer.write_all("half a sent");
  co_await peer.read_exact(heard);
  co_await peer.reset();
}
Task<> accept_speak_and_reset(Listener& listener) {
  StreamSocket peer = co_await listener.accept();
  co_await speak_and_reset(std::move(peer));
}
Task<> connect_speak_and_reset(std::string to) {
  StreamSocket peer = co_await StreamSocket::connect(to);
  co_await speak_and_reset(std::move(peer));
}

void expect_reset_is_told(Child& child) {
  EXPECT_EQ(child.wait(), 56);
  EXPECT_EQ(child.read_all(), "half a sent");
  expect_sentence(child.error_output(), {"127.0.0.1:", "connection reset by peer",
                                         "6 bytes sent and 11 bytes received before"});
}

TEST(Statuses, TheConnectionBreaksWhileTalking) {
  Listening here;
  Child child(ieum_command({"connect", here.address}));
  child.write("hello\n");
  const Result<> spoken = run(with_timeout(patience, accept_speak_and_reset(*here.listener)));
  EXPECT_TRUE(spoken) << spoken.error().to_string();
  expect_reset_is_told(child);
}

TEST(Statuses, TheConnectionBreaksWhileTalkingToAClient) {
  Child child(ieum_command({"listen", "127.0.0.1:0"}));
  const std::string address = where_it_listens(child);
  child.write("hello\n");
  expect_success(with_timeout(patience, connect_speak_and_reset(address)));
  expect_reset_is_told(child);
}

TEST(Statuses, TheDiskIsFullWhileReceiving) {
  Child listener(shell("exec \"$0\" listen 127.0.0.1:0 >/dev/full"));
  Child connector(ieum_command({"connect", where_it_listens(listener)}));
  connector.write("something\n");
  EXPECT_EQ(listener.wait(), 1);
  expect_sentence(listener.error_output(), {"write standard output", full[0], full[1]});
}

class Interrupted : public testing::TestWithParam<int> {};

TEST_P(Interrupted, SaysGoodbyeAndSumsUp) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  Child connector(ieum_command({"connect", where_it_listens(listener)}));
  listener.write("before\n");
  EXPECT_EQ(connector.read_until("\n"), "before\n");
  connector.signal(GetParam());
  listener.write("its last words\n");
  listener.close_input();
  EXPECT_EQ(connector.wait(), 128 + GetParam());
  EXPECT_EQ(connector.read_all(), "its last words\n");
  expect_sentence(connector.error_output(), {"interrupted; 0 bytes sent, 22 bytes received in "});
  EXPECT_EQ(listener.wait(), 0);
}

TEST_P(Interrupted, WhileItWaitsForAClient) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  where_it_listens(listener);
  listener.signal(GetParam());
  EXPECT_EQ(listener.wait(), 128 + GetParam());
  expect_sentence(listener.error_output(), {"interrupted; 0 bytes sent, 0 bytes received"});
}

INSTANTIATE_TEST_SUITE_P(Signals, Interrupted, testing::Values(SIGINT, SIGTERM));

TEST(Interrupted, TheSecondTimeEndsAtOnce) {
  Child listener(ieum_command({"listen", "127.0.0.1:0"}));
  Child connector(ieum_command({"connect", "-v", where_it_listens(listener)}));
  connector.read_error_until("connected");
  connector.signal(SIGINT);
  connector.read_error_until("a second interrupt exits at once");
  connector.read_error_until("half-closed");
  connector.signal(SIGINT);
  EXPECT_EQ(connector.wait(), -SIGINT);
}

}  // namespace
}  // namespace ieum::test
