// Talking to gnutls-cli, gnutls-serv and nginx: versions, ALPN, certificates of clients, sessions
// that are resumed, new keys, half-closes.
#include <array>

#include <gmock/gmock.h>

#include "support/network_namespace.hpp"
#include "tls/nginx.hpp"
#include "tls/programs.hpp"

namespace ieum::test {
namespace {

struct Version {
  const char* name;
  std::string priority;  // as GnuTLS takes it
};
const std::array<Version, 2>& gnutls_versions() {
  static const std::array<Version, 2> all{
      {{"TLSv1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2"}, {"TLSv1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.3"}}};
  return all;
}

/// Of the tests' client, whom our servers and theirs ask for a certificate.
TlsClientContext known_client() {
  TlsClientContext context = client_context();
  const CertificateFiles& files = client_files();
  expect_good(context.use_certificate(files.certificate.path(), files.key.path()));
  return context;
}

// ---- gnutls-cli --------------------------------------------------------------------------------

std::vector<std::string> gnutls_client(const Version& version,
                                       const std::vector<std::string>& more = {}) {
  std::vector<std::string> command{"gnutls-cli",
                                   "--logfile=/dev/null",
                                   "--priority",
                                   version.priority,
                                   "--sni-hostname",
                                   "server.test",
                                   "--verify-hostname",
                                   "server.test",
                                   "--x509cafile",
                                   authority_file(),
                                   "-p",
                                   "PORT"};
  command.insert(command.end(), more.begin(), more.end());
  command.emplace_back("127.0.0.1");
  return command;
}

Task<> gnutls_client_half_closes() {
  TlsServerContext context = server_context();
  expect_good(context.set_alpn("h2,echo"));
  expect_good(context.require_clients(authority_file()));
  for (const Version& version : gnutls_versions()) {
    TlsPeer peer;
    auto answer = [&](TlsStream& stream) -> Task<> {
      peer = stream.peer();
      co_await echo_all(stream);
    };
    const std::vector<std::string> command = gnutls_client(
        version, {"--alpn", "echo", "--x509certfile", client_files().certificate.path(),
                  "--x509keyfile", client_files().key.path()});
    const std::string got = co_await client_program(context, command, long_text(), answer);
    EXPECT_EQ(got.size(), long_text().size());
    EXPECT_TRUE(got == long_text());
    EXPECT_EQ(peer.version, version.name);
    EXPECT_EQ(peer.alpn, "echo");
    CO_ASSERT(!peer.chain.empty());
    EXPECT_EQ(peer.chain[0].issuer, "CN=Test Authority");
  }
}
TEST(TlsPeers, gnutls_as_a_client_that_half_closes) {
  NEEDS("gnutls-cli", "gnutls-bin");
  expect_success_in_time(gnutls_client_half_closes());
}

/// It connects, takes the ticket, leaves, and connects again.
Task<> gnutls_client_resumes() {
  const TlsServerContext context = server_context();
  for (const Version& version : gnutls_versions()) {
    std::vector<bool> resumed;
    auto answer = [&](TlsStream& stream) -> Task<> {
      resumed.push_back(stream.peer().resumed);
      co_await stream.write_all("a ticket goes along\n");
      const Result<> echoed = co_await attempt(echo_all(stream));
      static_cast<void>(echoed);
    };
    const std::vector<std::string> command = gnutls_client(version, {"--resume"});
    static_cast<void>(co_await client_program(context, command, "hello\n", answer, 0, 2));
    EXPECT_THAT(resumed, testing::ElementsAre(false, true)) << version.name;
  }
}
TEST(TlsPeers, gnutls_as_a_client_resumes_a_session) {
  NEEDS("gnutls-cli", "gnutls-bin");
  expect_success_in_time(gnutls_client_resumes());
}

Task<> gnutls_client_updates() {
  const TlsServerContext context = server_context();
  auto answer = [](TlsStream& stream) -> Task<> {
    while (Lease data = co_await stream.receive()) {
      co_await stream.update_keys();
      co_await stream.write_all(data);
    }
    co_await stream.close();
  };
  const std::string input = "hello\n^rekey^\nagain\n^rekey^\nand again\n";
  const std::vector<std::string> command =
      gnutls_client(gnutls_versions()[1], {"--inline-commands"});
  const std::string got = co_await client_program(context, command, input, answer);
  EXPECT_EQ(got, "hello\nagain\nand again\n");
}
TEST(TlsPeers, gnutls_as_a_client_changes_keys) {
  NEEDS("gnutls-cli", "gnutls-bin");
  expect_success_in_time(gnutls_client_updates());
}

// ---- gnutls-serv -------------------------------------------------------------------------------

Task<> gnutls_server(Version version) {
  const std::uint16_t port = free_port();
  const CertificateFiles& files = server_files();
  const std::vector<std::string> command{"gnutls-serv",
                                         "--quiet",
                                         "--echo",
                                         "--priority",
                                         version.priority,
                                         "--alpn",
                                         "echo",
                                         "--require-client-cert",
                                         "--verify-client-cert",
                                         "--x509cafile",
                                         authority_file(),
                                         "--x509certfile",
                                         files.certificate.path(),
                                         "--x509keyfile",
                                         files.key.path(),
                                         "-p",
                                         std::to_string(port)};
  constexpr ProcessOptions quiet{.input = ProcessOptions::Standard::null,
                                 .output = ProcessOptions::Standard::null,
                                 .error = ProcessOptions::Standard::null};
  Process program = co_await Process::start(command, quiet);
  TlsClientContext context = known_client();
  expect_good(context.set_alpn("h2,echo"));
  TlsOptions options;
  options.context = &context;
  for (int i = 0; i < 2; ++i) {
    StreamSocket socket = co_await connect_patiently(port);
    TlsStream stream = co_await TlsStream::client(std::move(socket), "server.test", options);
    const TlsPeer peer = stream.peer();
    EXPECT_EQ(peer.version, version.name);
    EXPECT_EQ(peer.alpn, "echo");
    EXPECT_EQ(peer.resumed, i > 0);
    for (int j = 0; j < 3; ++j) {
      if (peer.version == "TLSv1.3") co_await stream.update_keys();
      co_await stream.write_all("hello\n");
      const std::string text = co_await read_text(stream, 6);
      EXPECT_EQ(text, "hello\n");
    }
    const std::string got = co_await send_and_read(stream, long_text());
    EXPECT_EQ(got.size(), long_text().size());
    EXPECT_TRUE(got == long_text());
    co_await stream.close();
  }
}
TEST(TlsPeers, gnutls_as_a_server_of_the_older_version) {
  NEEDS("gnutls-serv", "gnutls-bin");
  expect_success_in_time(gnutls_server(gnutls_versions()[0]));
}
TEST(TlsPeers, gnutls_as_a_server) {
  NEEDS("gnutls-serv", "gnutls-bin");
  expect_success_in_time(gnutls_server(gnutls_versions()[1]));
}

// ---- nginx -------------------------------------------------------------------------------------

/// It sends no farewell after ours, so none is sent before its own.
Task<> nginx_server(std::string program, std::string version) {
  const std::uint16_t port = free_port();
  const NginxRoot root(long_text());
  const Nginx nginx(
      program, nginx_tls_server(port, server_files().certificate.path(), server_files().key.path(),
                                "ssl_protocols " + version +
                                    "; ssl_verify_client on; ssl_client_certificate " +
                                    authority_file() + "; root " + root.directory.path("") + ";"));
  TlsClientContext context = known_client();
  expect_good(context.set_alpn("http/1.1"));
  TlsOptions options;
  options.context = &context;
  for (int i = 0; i < 3; ++i) {
    StreamSocket socket = co_await connect_patiently(port);
    TlsStream stream = co_await TlsStream::client(std::move(socket), "server.test", options);
    const TlsPeer peer = stream.peer();
    EXPECT_EQ(peer.version, version);
    EXPECT_EQ(peer.alpn, "http/1.1");
    EXPECT_EQ(peer.resumed, i > 0);
    if (version == "TLSv1.3") co_await stream.update_keys();
    co_await stream.write_all("GET /page HTTP/1.0\r\n\r\n");
    const std::string got = co_await read_to_end(stream);
    EXPECT_TRUE(got.starts_with("HTTP/1.1 200 ")) << got.substr(0, 200);
    EXPECT_TRUE(got.ends_with(long_text())) << got.size();
    co_await stream.close();
  }
}
TEST(TlsPeers, nginx_as_a_server_of_the_older_version) {
  NEEDS_NGINX(program);
  expect_success_in_time(nginx_server(program, "TLSv1.2"));
}
TEST(TlsPeers, nginx_as_a_server) {
  NEEDS_NGINX(program);
  expect_success_in_time(nginx_server(program, "TLSv1.3"));
}

}  // namespace
}  // namespace ieum::test
