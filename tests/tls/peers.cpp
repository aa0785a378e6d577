// Talking to openssl, curl and socat, in both roles.
#include <fstream>

#include <gmock/gmock.h>

#include "tls/programs.hpp"
#include "tls/wrong_certificates.hpp"

namespace ieum::test {
namespace {

// ---- openssl -----------------------------------------------------------------------------------

Task<> openssl_client() {
  const TlsServerContext context = server_context();
  for (const std::string& version : versions()) {
    TlsPeer peer;
    auto answer = [&](TlsStream& stream) -> Task<> {
      peer = stream.peer();
      const std::string text = co_await read_text(stream, 6);
      EXPECT_EQ(text, "hello\n");
      co_await stream.write_all("and hello to you\n");
      co_await stream.close();
    };
    std::vector<std::string> command{"openssl",        "s_client",    "-quiet",      "-connect",
                                     "127.0.0.1:PORT", "-servername", "server.test", "-CAfile"};
    command.push_back(authority_file());
    for (const char* more : {"-verify_return_error", "-verify_hostname", "server.test"}) {
      command.emplace_back(more);
    }
    command.push_back(version);
    const std::string got = co_await client_program(context, command, "hello\n", answer);
    EXPECT_EQ(got, "and hello to you\n");
    EXPECT_EQ(peer.version, version_name(version));
    EXPECT_EQ(peer.server_name, "server.test");
  }
}
TEST(TlsPeers, openssl_as_a_client) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_client());
}

Task<> openssl_client_resumes() {
  const TlsServerContext context = server_context();
  const TemporaryDirectory directory;
  for (const std::string& version : versions()) {
    for (const char* use : {"-sess_out", "-sess_in"}) {
      TlsPeer peer;
      auto answer = [&](TlsStream& stream) -> Task<> {
        peer = stream.peer();
        co_await stream.write_all("a ticket goes along\n");
        co_await stream.close();
      };
      std::vector<std::string> command{"openssl",  "s_client",       "-ign_eof",
                                       "-connect", "127.0.0.1:PORT", use};
      command.push_back(directory.path("session" + version));
      command.push_back(version);
      const std::string got = co_await client_program(context, command, "", answer);
      EXPECT_EQ(peer.resumed, std::string_view(use) == "-sess_in") << version;
    }
  }
}
TEST(TlsPeers, openssl_as_a_client_resumes_a_session) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_client_resumes());
}

Task<> openssl_client_asks_for_a_staple() {
  const Certificate certificate(server_plan(), &authority());
  const CertificateFiles files(certificate);
  const TemporaryFile response(ocsp_response(certificate, authority()));
  TlsServerContext context =
      expect_value(TlsServerContext::load(files.certificate.path(), files.key.path()));
  expect_good(context.staple(response.path()));
  auto answer = [](TlsStream& stream) -> Task<> { co_await stream.close(); };
  const std::vector<std::string> command{"openssl", "s_client",       "-ign_eof", "-status",
                                         "-CAfile", authority_file(), "-connect", "127.0.0.1:PORT"};
  for (int round = 0; round < 2; ++round) {
    const std::string said = co_await client_program(context, command, "", answer);
    EXPECT_THAT(said, testing::HasSubstr("OCSP Response Status: successful"));
    EXPECT_THAT(said, testing::HasSubstr("Cert Status: good"));
    expect_good(context.reload());
  }
}
TEST(TlsPeers, openssl_as_a_client_gets_the_stapled_response) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_client_asks_for_a_staple());
}

/// The first certificate was made here, so that no reload loads it.
Task<> openssl_client_after_a_reload_that_failed() {
  const TemporaryDirectory directory;
  const std::string response = directory.path("response");
  const auto say = [&](const Certificate& of) {
    std::ofstream(response, std::ios::trunc) << ocsp_response(of, authority());
  };
  const Certificate first(server_plan(), &authority());
  const Certificate second(server_plan(), &authority());
  const CertificateFiles files(first);
  TlsServerContext context = expect_value(TlsServerContext::self_signed("server.test"));
  say(first);
  expect_good(context.staple(response));
  expect_good(context.add(files.certificate.path(), files.key.path()));
  auto answer = [](TlsStream& stream) -> Task<> { co_await stream.close(); };
  const std::vector<std::string> command{"openssl", "s_client", "-ign_eof",
                                         "-status", "-connect", "127.0.0.1:PORT"};
  const auto response_in = [](const std::string& said) {
    const std::size_t at = said.find("Serial Number:");
    return at == std::string::npos ? "none" : said.substr(at, said.find('\n', at) - at);
  };
  const std::string before = co_await client_program(context, command, "", answer);
  EXPECT_NE(response_in(before), "none");
  say(second);
  std::ofstream(files.certificate.path(), std::ios::trunc) << "no certificate";
  EXPECT_FALSE(context.reload());
  const std::string after = co_await client_program(context, command, "", answer);
  EXPECT_EQ(response_in(after), response_in(before));
}
TEST(TlsPeers, openssl_as_a_client_gets_the_same_response_after_a_reload_that_failed) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_client_after_a_reload_that_failed());
}

/// What it is told by "K" and "k": new keys, also of ours.
Task<> openssl_client_updates() {
  const TlsServerContext context = server_context();
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string to = listener.address().to_string();
  const std::vector<std::string> command{"openssl", "s_client", "-connect", to, "-tls1_3"};
  Process program = co_await Process::start(command, on_pipes);
  StreamSocket socket = co_await listener.accept();
  TlsStream stream = co_await TlsStream::server(std::move(socket), context);
  std::string said;
  auto listening = [&]() -> Task<> { said = co_await read_to_end(program.output()); };
  auto body = [&](Group& group) -> Task<> {
    group.start(listening());
    for (int i = 0; i < 5; ++i) {
      co_await program.input().write_all(i % 2 == 0 ? "K\n" : "k\n");
      co_await sleep(20ms);  // it looks at the first byte of what it reads at once
      co_await program.input().write_all("hello\n");
      const std::string text = co_await read_text(stream, 6);
      EXPECT_EQ(text, "hello\n");
      co_await stream.update_keys();
      co_await stream.write_all("with new keys " + std::to_string(i) + "\n");
    }
    co_await stream.close();
  };
  co_await with_group(body);
  EXPECT_THAT(said, testing::HasSubstr("with new keys 4"));
}
TEST(TlsPeers, openssl_as_a_client_changes_keys) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_client_updates());
}

/// `openssl s_server` with these arguments, and our client, which does `talk` with it.
template <class Talk>
Task<> openssl_server(std::vector<std::string> arguments, const CertificateFiles& files,
                      const TlsClientContext& context, int times, Talk talk_with) {
  const std::uint16_t port = free_port();
  std::vector<std::string> command{"openssl", "s_server",
                                   "-accept", "127.0.0.1:" + std::to_string(port),
                                   "-cert",   files.certificate.path(),
                                   "-key",    files.key.path()};
  for (std::string& argument : arguments) command.push_back(std::move(argument));
  constexpr ProcessOptions quiet{.input = ProcessOptions::Standard::stream,
                                 .output = ProcessOptions::Standard::null,
                                 .error = ProcessOptions::Standard::null};
  Process program = co_await Process::start(command, quiet);
  TlsOptions options;
  options.context = &context;
  for (int i = 0; i < times; ++i) {
    StreamSocket socket = co_await connect_patiently(port);
    Result<TlsStream> stream =
        co_await attempt(TlsStream::client(std::move(socket), "server.test", options));
    co_await talk_with(stream, i);
  }
}

Task<> openssl_servers() {
  for (const std::string& version : versions()) {
    const TlsClientContext context = client_context();
    auto reversed = [&](Result<TlsStream>& stream, int round) -> Task<> {
      CO_ASSERT(stream);
      const TlsPeer peer = stream->peer();
      EXPECT_EQ(peer.version, version_name(version));
      EXPECT_EQ(peer.resumed, round > 0) << version;
      co_await stream->write_all("stressed\n");
      const std::string text = co_await read_text(*stream, 9);
      EXPECT_EQ(text, "desserts\n");
      co_await stream->close();
    };
    const std::vector<std::string> arguments{"-rev", version};
    co_await openssl_server(arguments, server_files(), context, 3, reversed);
  }
}
TEST(TlsPeers, openssl_as_a_server) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_servers());
}

/// `openssl s_server` that does what its input says, and sends the rest of it.
template <class Talk>
Task<> openssl_server_told(const std::string& version, Talk talk_with) {
  const TlsClientContext context = client_context();
  const std::uint16_t port = free_port();
  const CertificateFiles& files = server_files();
  const std::vector<std::string> command{"openssl", "s_server",
                                         "-accept", "127.0.0.1:" + std::to_string(port),
                                         "-cert",   files.certificate.path(),
                                         "-key",    files.key.path(),
                                         version};
  Process program = co_await Process::start(command, on_pipes);
  auto listening = [&]() -> Task<> { static_cast<void>(co_await read_to_end(program.output())); };
  TlsOptions options;
  options.context = &context;
  auto body = [&](Group& group) -> Task<> {
    group.start(listening());
    StreamSocket socket = co_await connect_patiently(port);
    TlsStream stream = co_await TlsStream::client(std::move(socket), "server.test", options);
    co_await talk_with(program, stream);
    co_await program.input().close();
    co_await program.kill(SIGTERM);
  };
  co_await with_group(body);
}

Task<> openssl_server_updates() {
  auto talk_with = [](Process& program, TlsStream& stream) -> Task<> {
    for (int i = 0; i < 4; ++i) {
      co_await program.input().write_all(i % 2 == 0 ? "K\n" : "k\n");
      co_await sleep(200ms);  // it looks at the first byte of what it reads at once
      co_await program.input().write_all("hello\n");
      const std::string text = co_await read_text(stream, 6);
      EXPECT_EQ(text, "hello\n");
      co_await stream.update_keys();
      co_await stream.write_all("with new keys\n");
    }
  };
  co_await openssl_server_told("-tls1_3", talk_with);
}
TEST(TlsPeers, openssl_as_a_server_changes_keys) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_server_updates());
}

Task<> openssl_server_renegotiates() {
  auto talk_with = [](Process& program, TlsStream& stream) -> Task<> {
    co_await program.input().write_all("r\n");
    const Result<Lease> read = co_await attempt(stream.receive());
    CO_ASSERT(!read);
    EXPECT_EQ(read.error(), std::errc::protocol_error) << read.error().to_string();
    EXPECT_EQ(read.error().detail(), "the peer asks to renegotiate, which is refused");
  };
  co_await openssl_server_told("-tls1_2", talk_with);
}
TEST(TlsPeers, openssl_as_a_server_must_not_renegotiate) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_server_renegotiates());
}

Task<> openssl_asks_for_certificates() {
  TlsClientContext with = client_context();
  const CertificateFiles& files = client_files();
  expect_good(with.use_certificate(files.certificate.path(), files.key.path()));
  const TlsClientContext without = client_context();
  auto welcome = [&](Result<TlsStream>& stream, int /*round*/) -> Task<> {
    CO_ASSERT(stream);
    co_await stream->write_all("stressed\n");
    const std::string text = co_await read_text(*stream, 9);
    EXPECT_EQ(text, "desserts\n");
  };
  auto refused = [&](Result<TlsStream>& stream, int /*round*/) -> Task<> {
    CO_ASSERT(stream);
    const Result<Lease> read = co_await attempt(stream->receive());
    CO_ASSERT(!read);
    EXPECT_EQ(read.error(), Errc::handshake_failed);
    EXPECT_EQ(read.error().detail(),
              "the peer refuses: it wants a certificate of ours (certificate_required)");
  };
  const std::vector<std::string> asks{
      "-rev", "-tls1_3", "-Verify", "1", "-verify_return_error", "-CAfile", authority_file()};
  co_await openssl_server(asks, server_files(), with, 1, welcome);
  co_await openssl_server(asks, server_files(), without, 1, refused);
}
TEST(TlsPeers, openssl_as_a_server_asks_for_a_certificate) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_asks_for_certificates());
}

/// Whose key exchange would cost us much: nothing in common.
Task<> openssl_exchanges_over_finite_fields() {
  const TlsServerContext context = server_context();
  auto nothing = [](TlsStream& /*stream*/) -> Task<> {
    ADD_FAILURE() << "it was let in";
    co_return;
  };
  for (const std::string groups : {"ffdhe2048", "ffdhe8192"}) {
    const std::vector<std::string> command{"openssl",        "s_client", "-tls1_3", "-connect",
                                           "127.0.0.1:PORT", "-groups",  groups};
    static_cast<void>(co_await client_program(context, command, "", nothing, 1));
  }
}
TEST(TlsPeers, openssl_as_a_client_with_finite_fields_is_refused) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_exchanges_over_finite_fields());
}

/// What it ends with that asks the server on `port`.
int curl_status(std::uint16_t port) {
  Child curl({"curl", "--silent", "--cacert", authority_file(), "--noproxy", "*", "--connect-to",
              "::127.0.0.1:" + std::to_string(port), "https://server.test/"},
             Input::nothing());
  return curl.wait();
}

/// Certificates that our own server would not load.
Task<> openssl_shows_weak_ones() {
  for (const Wrong& weak : kinds_of_weak()) {
    const CertificateFiles files(Certificate(weak.plan, &authority()));
    const TlsClientContext context = client_context();
    auto look = [&](Result<TlsStream>& stream, int /*round*/) -> Task<> {
      CO_ASSERT(!stream);
      EXPECT_EQ(stream.error(), Errc::certificate_invalid) << stream.error().to_string();
      EXPECT_EQ(stream.error().detail(), weak.detail);
      if (has_program("curl")) {
        EXPECT_EQ(curl_status(stream.error().address().port()), 60) << weak.kind;
      }
      co_return;
    };
    const std::vector<std::string> arguments{"-rev", "-cipher", "DEFAULT@SECLEVEL=0"};
    co_await openssl_server(arguments, files, context, 1, look);
  }
}
TEST(TlsPeers, openssl_as_a_server_shows_weak_certificates) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_shows_weak_ones());
}

Task<> openssl_speaks_old_versions() {
  const TlsClientContext context = client_context();
  auto look = [&](Result<TlsStream>& stream, int /*round*/) -> Task<> {
    CO_ASSERT(!stream);
    EXPECT_EQ(stream.error(), Errc::handshake_failed) << stream.error().to_string();
    co_return;
  };
  const std::vector<std::string> old{"-rev", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"};
  const std::vector<std::string> cbc{"-rev", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"};
  co_await openssl_server(old, server_files(), context, 1, look);
  co_await openssl_server(cbc, server_files(), context, 1, look);
}
TEST(TlsPeers, openssl_as_a_server_of_old_versions_and_ciphers_is_refused) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_speaks_old_versions());
}

/// It asks for a renegotiation, which we refuse, and which it must live with or not.
Task<> openssl_client_renegotiates() {
  TlsServerContext context = server_context();
  expect_good(context.set_versions(TlsVersion::tls12, TlsVersion::tls12));
  Listener listener = co_await Listener::bind("127.0.0.1:0");
  const std::string to = listener.address().to_string();
  const std::vector<std::string> command{"openssl", "s_client", "-connect", to, "-tls1_2"};
  Process program = co_await Process::start(command, on_pipes);
  StreamSocket socket = co_await listener.accept();
  TlsStream stream = co_await TlsStream::server(std::move(socket), context);
  co_await program.input().write_all("R\n");
  const Result<Lease> read = co_await attempt(stream.receive());
  CO_ASSERT(!read);
  EXPECT_EQ(read.error(), std::errc::protocol_error) << read.error().to_string();
  EXPECT_EQ(read.error().detail(), "the peer asks to renegotiate, which is refused");
}
TEST(TlsPeers, openssl_as_a_client_must_not_renegotiate) {
  NEEDS("openssl", "openssl");
  expect_success_in_time(openssl_client_renegotiates());
}

// ---- curl --------------------------------------------------------------------------------------

std::vector<std::string> curl_command(const std::string& roots, const std::string& name) {
  return {"curl",         "--silent",         "--cacert",
          roots,          "--noproxy",        "*",
          "--connect-to", "::127.0.0.1:PORT", "https://" + name + "/"};
}

Task<> curl_downloads() {
  TlsServerContext context = server_context();
  expect_good(context.set_alpn("http/1.1"));
  const std::string& page = long_text();
  for (const char* most : {"1.2", "1.3"}) {
    TlsPeer peer;
    auto answer = [&](TlsStream& stream) -> Task<> {
      peer = stream.peer();
      std::string request;
      static_cast<void>(co_await stream.read_until(request, "\r\n\r\n", 16'384));
      EXPECT_TRUE(request.starts_with("GET / HTTP/1.1\r\nHost: server.test\r\n")) << request;
      co_await stream.write_all("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
      co_await stream.write_all(page);
      co_await stream.close();
    };
    std::vector<std::string> command = curl_command(authority_file(), "server.test");
    for (const std::string& more : {std::string("--tls-max"), std::string(most),
                                    std::string("--pinnedpubkey"), context.pin()}) {
      command.push_back(more);
    }
    const std::string got = co_await client_program(context, command, "", answer);
    EXPECT_TRUE(got == page);
    EXPECT_EQ(peer.alpn, "http/1.1");
    EXPECT_EQ(peer.version, std::string("TLSv") + most);
  }
}
TEST(TlsPeers, curl_downloads_and_knows_the_pin) {
  NEEDS("curl", "curl");
  expect_success_in_time(curl_downloads());
}

/// Two requests over connections of their own: the second resumes the first's session.
Task<> curl_comes_again() {
  TlsServerContext context = server_context();
  expect_good(context.require_clients(authority_file()));
  for (const char* most : {"1.2", "1.3"}) {
    std::vector<bool> resumed;
    auto answer = [&](TlsStream& stream) -> Task<> {
      resumed.push_back(stream.peer().resumed);
      std::string request;
      static_cast<void>(co_await stream.read_until(request, "\r\n\r\n", 16'384));
      if (stream.peer().version == "TLSv1.3") co_await stream.update_keys();
      co_await stream.write_all("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello\n");
      co_await stream.close();
    };
    std::vector<std::string> command = curl_command(authority_file(), "server.test");
    for (const std::string& more :
         {std::string("https://server.test/again"), std::string("--tls-max"), std::string(most),
          std::string("--cert"), client_files().certificate.path(), std::string("--key"),
          client_files().key.path()}) {
      command.push_back(more);
    }
    const std::string got = co_await client_program(context, command, "", answer, 0, 2);
    EXPECT_EQ(got, "hello\nhello\n");
    // It wants no tickets of TLS 1.2, and we keep no sessions for those who do not.
    EXPECT_THAT(resumed, testing::ElementsAre(false, std::string_view(most) == "1.3"));
  }
}
TEST(TlsPeers, curl_comes_again_with_a_certificate) {
  NEEDS("curl", "curl");
  expect_success_in_time(curl_comes_again());
}

Task<> curl_judges() {
  // It looks at names when the handshake is done.
  auto nothing = [](TlsStream& /*stream*/) -> Task<> { co_return; };
  for (const Wrong& wrong : kinds_of_wrong()) {
    // It takes the subject for a name where there is no other.
    if (wrong.kind == "a name in the subject only") continue;
    const Made made = make(wrong);
    const TemporaryFile roots(made.root_pem);
    const TlsServerContext context = expect_value(
        TlsServerContext::load(made.server->certificate.path(), made.server->key.path()));
    const int status = wrong.is_damaged ? 35 : 60;  // the handshake failed, or it is not verified
    const std::string got = co_await client_program(context, curl_command(roots.path(), wrong.name),
                                                    "", nothing, status);
    EXPECT_EQ(got, "") << wrong.kind;
  }
}
TEST(TlsPeers, curl_judges_certificates_as_we_do) {
  NEEDS("curl", "curl");
  expect_success_in_time(curl_judges());
}

// ---- socat -------------------------------------------------------------------------------------

Task<> socat_client() {
  const TlsServerContext context = server_context();
  const std::string& text = long_text();
  const std::string target =
      "OPENSSL:127.0.0.1:PORT,commonname=server.test,cafile=" + authority_file();
  const std::vector<std::string> command{"socat", "-t", "30", "-", target};
  const std::string got = co_await client_program(context, command, text, echo_all);
  EXPECT_EQ(got.size(), text.size());
  EXPECT_TRUE(got == text);
}
TEST(TlsPeers, socat_as_a_client_that_half_closes) {
  NEEDS("socat", "socat");
  expect_success_in_time(socat_client());
}

Task<> socat_server() {
  const TlsClientContext context = client_context();
  const std::uint16_t port = free_port();
  const CertificateFiles& files = server_files();
  const std::string listen = "OPENSSL-LISTEN:" + std::to_string(port) +
                             ",bind=127.0.0.1,reuseaddr,verify=0,cert=" + files.certificate.path() +
                             ",key=" + files.key.path();
  const std::vector<std::string> command{"socat", "-t", "30", listen, "EXEC:cat"};
  Process program = co_await Process::start(command, {});
  StreamSocket socket = co_await connect_patiently(port);
  TlsOptions options;
  options.context = &context;
  TlsStream stream = co_await TlsStream::client(std::move(socket), "server.test", options);
  const std::string& text = long_text();
  const std::string got = co_await send_and_read(stream, text);
  EXPECT_EQ(got.size(), text.size());
  EXPECT_TRUE(got == text);
}
TEST(TlsPeers, socat_as_a_server) {
  NEEDS("socat", "socat");
  expect_success_in_time(socat_server());
}

// ---- openssl as a judge ------------------------------------------------------------------------

bool openssl_takes(const Made& made, const std::string& name) {
  const TemporaryFile root(made.root_pem);
  const TemporaryFile chain(made.chain_pem + authority().pem());
  const TemporaryFile leaf(made.leaf_pem);
  const bool is_address = name.find_first_not_of("0123456789.:") == std::string::npos;
  Child child({"openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", root.path(),
               "-untrusted", chain.path(), "-purpose", "sslserver", "-auth_level", "2",
               is_address ? "-verify_ip" : "-verify_hostname", name, leaf.path()},
              Input::nothing());
  return child.wait() == 0;
}

TEST(TlsPeers, openssl_judges_certificates_as_we_do) {
  NEEDS("openssl", "openssl");
  for (const Wrong& weak : kinds_of_weak()) {
    EXPECT_FALSE(openssl_takes(make(weak), weak.name)) << weak.kind;
  }
  for (const Wrong& wrong : kinds_of_wrong()) {
    // It takes the subject for a name where there is no other, which RFC 9525 does not, and a
    // wildcard for a part of a label.
    if (wrong.kind == "a name in the subject only") continue;
    if (wrong.kind == "a wildcard for a part of a label") continue;
    EXPECT_FALSE(openssl_takes(make(wrong), wrong.name)) << wrong.kind;
  }
  Wrong good;
  EXPECT_TRUE(openssl_takes(make(good), "server.test"));
}

}  // namespace
}  // namespace ieum::test
