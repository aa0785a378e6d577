// What goes wrong over TLS: each its own sentence, and its exit status.
#include <gmock/gmock.h>

#include <ieum/tls_stream.hpp>

#include "tls_command/tls_command.hpp"

namespace ieum::test {
namespace {

using testing::HasSubstr;

void expect_failure(const Said& said, int status, const std::vector<std::string>& parts) {
  EXPECT_EQ(said.status, status);
  EXPECT_TRUE(said.errors.starts_with("ieum: ")) << said.errors;
  EXPECT_EQ(std::ranges::count(said.errors, '\n'), 1) << said.errors;
  for (const std::string& part : parts) EXPECT_THAT(said.errors, HasSubstr(part));
}

/// A server with a certificate made by `plan`, of `issuer` or its own.
struct Wrong {
  explicit Wrong(const CertificatePlan& plan, const Certificate* issuer = &authority())
      : files(Certificate(plan, issuer)),
        server({"-k", "--echo"}, Input::nothing(),
               {"--cert", files.certificate.path(), "--key", files.key.path()}) {}
  CertificateFiles files;
  Server server;
};

CertificatePlan plan_for(const std::string& names) {
  CertificatePlan plan;
  plan.common_name = "server.test";
  plan.names = names;
  return plan;
}

TEST(TlsFailure, certificate_that_has_expired) {
  CertificatePlan plan = plan_for("IP:127.0.0.1");
  plan.begins = -2L * 24 * 3600;
  plan.ends = -24L * 3600;
  const Wrong wrong(plan);
  expect_failure(
      run_command(with({"connect", wrong.server.url()}, trusting())), 60,
      {"TLS handshake 127.0.0.1:", ": the server's certificate is refused: it expired on ",
       "a new one is needed, unless this machine's clock is wrong"});
}

TEST(TlsFailure, certificate_that_is_not_valid_yet) {
  CertificatePlan plan = plan_for("IP:127.0.0.1");
  plan.begins = 24L * 3600;
  plan.ends = 48L * 3600;
  const Wrong wrong(plan);
  expect_failure(run_command(with({"connect", wrong.server.url()}, trusting())), 60,
                 {"it is not valid until "});
}

TEST(TlsFailure, certificate_for_another_name) {
  const Wrong wrong(plan_for("DNS:a.test,DNS:b.test"));
  expect_failure(
      run_command(with({"connect", "--servername", "c.test", wrong.server.url()}, trusting())), 60,
      {"it is for a.test, b.test, not for c.test", "--servername names the one to expect"});
  EXPECT_EQ(run_command(with({"connect", "--servername", "b.test", wrong.server.url()}, trusting()))
                .status,
            0);
}

TEST(TlsFailure, certificate_of_somebody_unknown) {
  const Server server({"-k", "--echo"});
  expect_failure(run_command({"connect", server.url()}), 60,
                 {"its issuer Test Authority is unknown", "--ca", "--insecure --pin"});
  const Wrong alone(plan_for("IP:127.0.0.1"), nullptr);
  expect_failure(run_command({"connect", alone.server.url()}), 60, {"it is self-signed"});
}

TEST(TlsFailure, certificate_with_all_that_is_wrong) {
  CertificatePlan plan = plan_for("DNS:a.test");
  plan.begins = -2L * 24 * 3600;
  plan.ends = -24L * 3600;
  const Wrong wrong(plan);
  expect_failure(run_command({"connect", wrong.server.url()}), 60,
                 {"its issuer Test Authority is unknown", "it expired on ",
                  "it is for a.test, not for 127.0.0.1"});
  EXPECT_EQ(run_command({"connect", "--insecure", wrong.server.url()}).status, 0);
}

TEST(TlsFailure, key_that_was_not_pinned) {
  const Server server({"-k", "--echo"});
  const std::string other = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  for (const Words& options : {Words{"--insecure"}, trusting()}) {
    expect_failure(run_command(with({"connect", "--pin", other, server.url()}, options)), 60,
                   {"its key is not the pinned one", "its key is sha256//"});
  }
  const Said shown = run_command({"connect", "-v", "--insecure", server.url()});
  const std::size_t begin = shown.errors.find("sha256//");
  ASSERT_NE(begin, std::string::npos);
  const std::string pin = shown.errors.substr(begin, 52);
  EXPECT_EQ(
      run_command(with({"connect", "--pin", other + ";" + pin, server.url()}, trusting())).status,
      0);
  EXPECT_EQ(run_command({"connect", "--pin", pin, server.url()}).status, 60)
      << "it replaces nothing";
}

TEST(TlsFailure, handshake_with_what_is_no_tls) {
  Child echo(ieum_command({"listen", "-k", "--echo", "127.0.0.1:0"}), Input::nothing());
  const std::string url = "tls://" + where_it_listens(echo);
  expect_failure(run_command({"connect", url}), 35,
                 {"TLS handshake 127.0.0.1:", ": the handshake failed: "});
  Child http(
      ieum_command({"listen", "-k", "--exec", "echo HTTP/1.1 400 Bad Request", "127.0.0.1:0"}),
      Input::nothing());
  expect_failure(run_command({"connect", "tls://" + where_it_listens(http)}), 35,
                 {"what the peer sent is not TLS", "for plain TCP write tcp://"});
}

TEST(TlsFailure, handshake_that_the_other_end_cuts) {
  Child nobody(ieum_command({"listen", "-k", "--exec", "true", "127.0.0.1:0"}), Input::nothing());
  expect_failure(run_command({"connect", "tls://" + where_it_listens(nobody)}), 35,
                 {"does it speak TLS?"});
}

TEST(TlsFailure, handshake_that_takes_too_long) {
  Child silent(ieum_command({"listen", "-k", "--discard", "127.0.0.1:0"}), Input::nothing());
  expect_failure(run_command({"connect", "-w", "300ms", "tls://" + where_it_listens(silent)}), 28,
                 {"timed out", "300 ms (-w)"});
}

TEST(TlsFailure, no_protocol_in_common) {
  const Server server({"-k", "--echo", "--alpn", "h2"});
  expect_failure(
      run_command(with({"connect", "--alpn", "http/1.1", server.url()}, trusting())), 35,
      {"the peer refuses: no protocol in common, ALPN (no_application_protocol)", "see --alpn"});
}

TEST(TlsFailure, client_without_a_certificate) {
  const Server server({"-k", "--echo", "--ca", authority_file()});
  expect_failure(
      run_command(with({"connect", server.url()}, trusting())), 35,
      {"the peer refuses: it wants a certificate of ours (certificate_required)", "see --cert"});
}

TEST(TlsFailure, client_with_a_strangers_certificate) {
  const CertificateFiles stranger{Certificate(CertificatePlan{})};
  Server server({"--echo", "--ca", authority_file()});
  const Said said =
      run_command(with(with({"connect", server.url()}, trusting()),
                       {"--cert", stranger.certificate.path(), "--key", stranger.key.path()}));
  EXPECT_EQ(said.status, 35) << said.errors;
  EXPECT_EQ(server->wait(), 60);
  EXPECT_THAT(server->error_output(),
              HasSubstr("the client's certificate is refused: it is self-signed; name its issuer "
                        "with --ca"));
}

TEST(TlsFailure, server_whose_client_speaks_no_tls) {
  Server server({"--echo"});
  const Said said = run_command({"connect", server.where()}, "GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(server->wait(), 35);
  EXPECT_THAT(server->error_output(), HasSubstr("the peer speaks HTTP without TLS"));
}

/// A server that sends something and goes without a farewell, or with a reset.
Task<> serve_and_vanish(Listener& listener, const TlsServerContext& context) {
  StreamSocket socket = co_await listener.accept();
  TlsStream stream = co_await TlsStream::server(socket, context);
  co_await stream.write_all("half of i");
  co_await socket.shutdown_write();  // beneath
  std::vector<std::byte> rest(1000);
  for (;;) {
    const std::size_t count = co_await socket.read_some(rest);
    if (count == 0) co_return;
  }
}

TEST(TlsFailure, end_without_a_farewell) {
  Said said;
  auto body = [&]() -> Task<> {
    TlsServerContext context = co_await TlsServerContext::load(server_files().certificate.path(),
                                                               server_files().key.path());
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    Child client(
        ieum_command(with({"connect", "tls://" + listener.address().to_string()}, trusting())),
        Input::nothing());
    co_await serve_and_vanish(listener, context);
    said.output = client.read_all();
    said.status = client.wait();
    said.errors = client.error_output();
  };
  succeed(body());
  EXPECT_EQ(said.output, "half of i");
  expect_failure(said, 56,
                 {"cut off: the peer ended the connection without TLS's close_notify",
                  "what was received may lack its end", "9 bytes received"});
}

TEST(TlsFailure, files_that_are_not_there_or_hold_something_else) {
  const TemporaryFile nothing("no certificate");
  const std::string url = "tls://127.0.0.1:" + std::to_string(free_port());
  expect_failure(run_command({"connect", "--ca", "/nosuch", url}), 1,
                 {"load certificate /nosuch: no such file or directory"});
  expect_failure(run_command({"connect", "--ca", nothing.path(), url}), 1,
                 {"there is no certificate in it"});
  expect_failure(run_command({"connect", "--cert", server_files().certificate.path(), url}), 1,
                 {"there is no key in it"});
  expect_failure(run_command({"listen", "--cert", server_files().certificate.path(), "--key",
                              client_files().key.path(), url}),
                 1, {"it is not the key of "});
  expect_failure(run_command({"connect", "--insecure", "--key-log", "/nosuch/file", url}), 1,
                 {"open key log /nosuch/file"});
}

}  // namespace
}  // namespace ieum::test
