// tls:// in the places of the command that take an address: the same as over TCP, and both ends of
// it are ours.
#include <array>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "tls_command/tls_command.hpp"

namespace ieum::test {
namespace {

using testing::HasSubstr;

TEST(TlsTalk, both_ways_with_half_closes) {
  const TemporaryFile to_client(long_text() + "to the client");
  const TemporaryFile to_server(long_text() + "to the server");
  Server server({}, Input::file(to_client.path()));
  Child client(ieum_command(with({"connect", server.url()}, trusting())),
               Input::file(to_server.path()));
  EXPECT_TRUE(client.read_all() == long_text() + "to the client");
  EXPECT_TRUE(server->read_all() == long_text() + "to the server");
  EXPECT_EQ(client.wait(), 0) << client.error_output();
  EXPECT_EQ(server->wait(), 0) << server->error_output();
}

TEST(TlsTalk, a_half_close_is_answered) {
  Server server({"--exec", "sort"});
  const Said said = run_command(with({"connect", server.url()}, trusting()), "b\na\n");
  EXPECT_EQ(said.output, "a\nb\n");
  EXPECT_EQ(said.status, 0) << said.errors;
  EXPECT_EQ(server->wait(), 0);
}

TEST(TlsTalk, with_services_for_many) {
  Server echo({"-k", "--echo"});
  Server discard({"-k", "--discard"});
  Server exec({"-k", "--exec", "tr a-z A-Z"});
  for (int i = 0; i < 2; ++i) {
    const Said echoed = run_command(with({"connect", echo.url()}, trusting()), long_text());
    EXPECT_TRUE(echoed.output == long_text());
    EXPECT_EQ(echoed.status, 0) << echoed.errors;
    const Said discarded = run_command(with({"connect", discard.url()}, trusting()), long_text());
    EXPECT_EQ(discarded.output, "");
    EXPECT_EQ(discarded.status, 0) << discarded.errors;
    const Said executed = run_command(with({"connect", exec.url()}, trusting()), "shout\n");
    EXPECT_EQ(executed.output, "SHOUT\n");
    EXPECT_EQ(executed.status, 0) << executed.errors;
  }
}

TEST(TlsTalk, with_many_clients_on_one_input_and_output) {
  Server server({"-k", "--broker"}, Input::pipe());
  Child first(ieum_command(with({"connect", server.url()}, trusting())));
  Child second(ieum_command(with({"connect", server.url()}, trusting())));
  first.write("the first is here\n");
  second.write("the second is here\n");
  server->read_until("\n");
  server->read_until("\n");
  first.write("from the first\n");
  second.write("from the second\n");
  second.read_until("from the first\n");
  first.read_until("from the second\n");
  server->write("to all\n");
  first.read_until("to all\n");
  second.read_until("to all\n");
  first.close_input();
  second.close_input();
  server->close_input();
  server->signal(SIGINT);
  EXPECT_EQ(server->wait(), 130);
}

TEST(TlsTalk, with_a_client_that_comes_while_another_stalls) {
  Server server({"-k", "--echo"});
  Child stalled(ieum_command({"connect", server.where()}));  // says nothing of TLS
  const Said said = run_command(with({"connect", server.url()}, trusting()), "not held up");
  EXPECT_EQ(said.output, "not held up");
}

TEST(TlsTalk, probing) {
  Server server({"-k", "--echo"});
  EXPECT_EQ(run_command(with({"connect", "-z", server.url()}, trusting())).status, 0);
  const int port = std::stoi(server.port());
  const std::string range = "tls://127.0.0.1:" + std::to_string(port) + "-" + std::to_string(port);
  EXPECT_EQ(run_command(with({"connect", "-z", range}, trusting())).output,
            "127.0.0.1:" + server.port() + "\n");
  const Said unknown = run_command({"connect", "-z", server.url()});
  EXPECT_EQ(unknown.status, 60);
}

TEST(TlsTalk, retrying_until_there_is_a_server) {
  const std::string url = "tls://" + at(free_port());
  Child client(ieum_command(with({"connect", "--retry", "60", "-v", url}, trusting())));
  client.read_error_until("trying again");
  Child server(ieum_command(with({"listen", "--echo", url}, served())), Input::nothing());
  client.write("at last");
  client.close_input();
  EXPECT_EQ(client.read_all(), "at last");
  EXPECT_EQ(client.wait(), 0);
}

/// A proxy for one connection: to whom it connects the client, which speaks HTTP (CONNECT) or
/// SOCKS5.
Task<> serve_as_http_proxy(StreamSocket& client, std::string& target) {
  std::string head;
  static_cast<void>(co_await client.read_until(head, "\r\n\r\n", 8192));
  const std::size_t begin = head.find(' ') + 1;
  target = head.substr(begin, head.find(' ', begin) - begin);
  co_await client.write_all("HTTP/1.1 200 Connected\r\n\r\n");
}
Task<> serve_as_socks_proxy(StreamSocket& client, std::string& target) {
  std::array<std::byte, 10> bytes{};
  co_await client.read_exact(std::span(bytes).first(3));
  co_await client.write_all(std::string("\x05\x00", 2));
  co_await client.read_exact(bytes);  // to an IPv4 address
  const auto number = [&](std::size_t at) { return std::to_integer<unsigned>(bytes[at]); };
  target = std::to_string(number(4)) + "." + std::to_string(number(5)) + "." +
           std::to_string(number(6)) + "." + std::to_string(number(7)) + ":" +
           std::to_string(number(8) * 256 + number(9));
  co_await client.write_all(std::string("\x05\x00\x00\x01\0\0\0\0\0\0", 10));
}

using ServeAsProxy = Task<> (*)(StreamSocket&, std::string&);
Task<> serve_one_as_proxy(Listener& listener, ServeAsProxy serve_as) {
  StreamSocket client = co_await listener.accept();
  std::string target;
  co_await serve_as(client, target);
  StreamSocket server = co_await StreamSocket::connect(target);
  static_cast<void>(co_await relay(client, server));
}

Said through_proxy(const std::string& scheme, ServeAsProxy serve_as, const Words& words) {
  Said said;
  auto body = [&]() -> Task<> {
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    const std::string proxy = scheme + listener.address().to_string();
    Child client(ieum_command(with({"connect", "--proxy", proxy}, words)));
    client.write("by way of another");
    client.close_input();
    co_await serve_one_as_proxy(listener, serve_as);
    said.output = client.read_all();
    said.status = client.wait();
    said.errors = client.error_output();
  };
  succeed(body());
  return said;
}

/// The server beyond it is verified, as without one.
TEST(TlsTalk, through_a_proxy) {
  const std::vector<std::pair<std::string, ServeAsProxy>> kinds{
      {"http://", serve_as_http_proxy}, {"socks5://", serve_as_socks_proxy}};
  for (const auto& [scheme, serve_as] : kinds) {
    Server server({"-k", "--echo"});
    const Said said = through_proxy(scheme, serve_as, with(trusting(), {server.url()}));
    EXPECT_EQ(said.output, "by way of another") << scheme;
    EXPECT_EQ(said.status, 0) << said.errors;
    const Said refused = through_proxy(scheme, serve_as, {server.url()});
    EXPECT_EQ(refused.status, 60) << refused.errors;
    EXPECT_THAT(refused.errors, HasSubstr("its issuer Test Authority is unknown"));
  }
}

TEST(TlsTalk, through_ncat_as_a_proxy) {
  NEEDS("ncat", "ncat");
  const std::uint16_t port = free_port();
  const std::string there = "127.0.0.1:" + std::to_string(port);
  Child proxy({"ncat", "-l", "-k", "127.0.0.1", std::to_string(port), "--proxy-type", "http"});
  wait_until_listening(port);
  Server server({"-k", "--echo"});
  Child client(
      ieum_command(with({"connect", "--proxy", "http://" + there, server.url()}, trusting())));
  client.write("text\n");  // ncat ends both ways at the end of one
  EXPECT_EQ(client.read_until("\n"), "text\n");
}

TEST(TlsTalk, a_file_to_standard_output_and_to_one) {
  const TemporaryDirectory directory;
  Server server({"-o", directory.path("got")});
  const Said said = run_command(with({"connect", server.url()}, trusting()), long_text());
  EXPECT_EQ(said.status, 0) << said.errors;
  EXPECT_EQ(server->wait(), 0);
  std::ifstream file(directory.path("got"));
  EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(file), {}) == long_text());
}

// ---- Self-signed --------------------------------------------------------------------------------

TEST(TlsSelfSigned, is_connected_to_by_the_line_that_it_prints) {
  Server server({"-k", "--echo"}, Input::nothing(), {"--self-signed"});
  server->read_error_until("its pin is sha256//");
  server->read_error_until("connect with: ieum ");
  std::string line = server->read_error_until("\n");
  line.pop_back();
  EXPECT_TRUE(line.starts_with("connect --insecure --pin sha256//")) << line;
  Child client(shell("exec \"$0\" " + line));
  client.write("hello");
  client.close_input();
  EXPECT_EQ(client.read_all(), "hello");
  EXPECT_EQ(client.wait(), 0) << client.error_output();
  // Another server, another key.
  Server other({"-k", "--echo"}, Input::nothing(), {"--self-signed"});
  const std::string wrong = line.substr(0, line.find("tls://")) + other.url();
  Child refused(shell("exec \"$0\" " + wrong), Input::nothing());
  EXPECT_EQ(refused.wait(), 60);
  EXPECT_THAT(refused.error_output(), HasSubstr("its key is not the pinned one"));
}

TEST(TlsSelfSigned, tells_programs_too) {
  Child server(ieum_command({"listen", "--json", "--echo", "--self-signed", "tls://127.0.0.1:0"}),
               Input::nothing());
  server.read_error_until("\"event\":\"self_signed\",\"name\":\"127.0.0.1\",\"pin\":\"sha256//");
  server.read_error_until(
      "\"event\":\"connect_with\",\"command\":\"ieum connect --insecure --pin ");
}

// ---- What is told -------------------------------------------------------------------------------

TEST(TlsReport, has_each_step_and_what_came_of_it) {
  Server server({"-k", "--echo", "--alpn", "h2,echo"});
  const Said said = run_command(
      with({"connect", "-v", "--alpn", "echo", "--servername", "server.test", server.url()},
           trusting()),
      "x");
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.output, "x");
  for (const char* part :
       {"* TLS handshake with server.test\n", "* TLS: sent ClientHello, ",
        ": the client offers versions, ciphers and its half of a key",
        "* TLS: received ServerHello, ", "* TLS: received EncryptedExtensions, ",
        "* TLS: received Certificate, ", "* TLS: received CertificateVerify, ",
        "* TLS: received Finished, ", "* TLS: sent Finished, ",
        "* certificate 0: CN=server.test, for server.test, *.wild.test, localhost, 127.0.0.1, ::1; "
        "issued by CN=Test Authority; expires on ",
        "; EC 256 bits; sha256//", "* TLSv1.3 in ",
        ": TLS_AES_128_GCM_SHA256, key exchange x25519, "
        "ALPN echo, server name server.test, a new session\n",
        "* TLS: sent the alert close_notify: nothing more will come\n",
        "* TLS: received the alert close_notify: nothing more will come\n"}) {
    EXPECT_THAT(said.errors, HasSubstr(part));
  }
}

TEST(TlsReport, is_for_programs_too) {
  Server server({"-k", "--echo"});
  const Said said = run_command(with({"connect", "--json", "--insecure", server.url()}, {}), "x");
  EXPECT_EQ(said.status, 0) << said.errors;
  std::istringstream lines(said.errors);
  std::vector<std::string> names;
  nlohmann::json tls;
  nlohmann::json certificate;
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json event = nlohmann::json::parse(line);
    names.push_back(event["event"]);
    if (event["event"] == "tls") tls = event;
    if (event["event"] == "tls_certificate") certificate = event;
  }
  EXPECT_THAT(names, testing::Contains("tls_handshaking"));
  EXPECT_THAT(names, testing::Contains("tls_message"));
  EXPECT_EQ(tls["version"], "TLSv1.3");
  EXPECT_EQ(tls["resumed"], false);
  EXPECT_EQ(tls["problems"].size(), 1U) << tls;
  EXPECT_EQ(certificate["subject"], "CN=server.test");
  EXPECT_EQ(certificate["names"].size(), 5U);
}

TEST(TlsReport, of_a_server_has_its_clients) {
  Server server({"-k", "--echo", "-v", "--ca", authority_file()});
  const Words shown{"--cert", client_files().certificate.path(), "--key",
                    client_files().key.path()};
  const Said said = run_command(with(with({"connect", server.url()}, trusting()), shown), "x");
  EXPECT_EQ(said.status, 0) << said.errors;
  server->read_error_until("certificate 0: CN=a client; issued by CN=Test Authority; expires on ");
  server->read_error_until("TLSv1.3 in ");
  const Said stranger = run_command(with({"connect", server.url()}, trusting()), "x");
  EXPECT_EQ(stranger.status, 35) << stranger.errors;
  server->read_error_until("the client shows no certificate");
}

TEST(TlsReport, logs_keys_for_who_asks) {
  const TemporaryDirectory directory;
  Server server({"--echo", "--key-log", directory.path("server")});
  const Said said = run_command(
      with({"connect", "--key-log", directory.path("client"), server.url()}, trusting()), "x");
  EXPECT_EQ(said.status, 0) << said.errors;
  EXPECT_EQ(server->wait(), 0);
  std::string both[2];
  for (int i = 0; i < 2; ++i) {
    std::ifstream file(directory.path(i == 0 ? "server" : "client"));
    both[i].assign(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(both[i], HasSubstr("CLIENT_TRAFFIC_SECRET_0 "));
  }
}

}  // namespace
}  // namespace ieum::test
