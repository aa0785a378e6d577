// The command over TLS, beside openssl, curl, socat, gnutls and nginx.
#include <gmock/gmock.h>

#include <ieum/tls_context.hpp>

#include "support/network_namespace.hpp"
#include "tls/nginx.hpp"
#include "tls_command/tls_command.hpp"

namespace ieum::test {
namespace {

using testing::HasSubstr;

/// Runs another program to its end.
Said run_other(const Words& command, const std::string& input = "") {
  Child child(command);
  if (!input.empty()) child.write(input);
  child.close_input();
  Said said;
  said.output = child.read_all();
  said.status = child.wait();
  said.errors = child.error_output();
  return said;
}

/// What follows "sha256//" in a pin.
std::string pin_of(const CertificateFiles& files) {
  const Result<TlsServerContext> context =
      TlsServerContext::load(files.certificate.path(), files.key.path());
  return context ? context->pin().substr(8) : std::string();
}

const std::string& certificate() { return server_files().certificate.path(); }
const std::string& key() { return server_files().key.path(); }

// ---- openssl ------------------------------------------------------------------------------------

TEST(TlsCommandPeers, openssl_as_a_client) {
  NEEDS("openssl", "openssl");
  Server server({"-k", "--exec", "cat", "--alpn", "h2,echo"});
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    Child client({"openssl", "s_client", "-connect", server.where(), "-CAfile", authority_file(),
                  "-verify_return_error", "-servername", "server.test", "-alpn", "echo", version});
    client.read_until("ALPN protocol: echo");
    client.write("hello\n");
    client.read_until("hello\n");
    client.close_input();  // it closes then
    EXPECT_EQ(client.wait(), 0);
  }
}

TEST(TlsCommandPeers, openssl_as_a_client_resumes) {
  NEEDS("openssl", "openssl");
  Server server({"-k", "-v", "--exec", "echo a ticket goes along"});
  const TemporaryDirectory directory;
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    for (const std::string use : {"-sess_out", "-sess_in"}) {
      const Said said = run_other({"openssl", "s_client", "-ign_eof", "-connect", server.where(),
                                   use, directory.path("session" + version), version});
      EXPECT_THAT(said.output, HasSubstr("a ticket goes along"));
      server->read_error_until(use == "-sess_in" ? ", an earlier session resumed"
                                                 : ", a new session");
    }
  }
}

TEST(TlsCommandPeers, openssl_as_a_server) {
  NEEDS("openssl", "openssl");
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    const std::string port = std::to_string(free_port());
    Child server({"openssl", "s_server", "-accept", "127.0.0.1:" + port, "-cert", certificate(),
                  "-key", key(), "-rev", "-alpn", "h2,rev", "-Verify", "1", "-CAfile",
                  authority_file(), "-verify_return_error", version});
    wait_until_listening(static_cast<std::uint16_t>(std::stoi(port)));
    Child client(ieum_command(
        with({"connect", "-v", "--alpn", "rev", "--cert", client_files().certificate.path(),
              "--key", client_files().key.path(), "tls://127.0.0.1:" + port},
             trusting())));
    client.write("abc\n");
    client.read_until("cba\n");
    const std::string told = client.read_error_until("a new session");
    EXPECT_THAT(told, HasSubstr("ALPN rev"));
    EXPECT_THAT(told, HasSubstr(version == "-tls1_2" ? "TLSv1.2 in" : "TLSv1.3 in"));
    EXPECT_THAT(told, HasSubstr("CertificateRequest"));
  }
}

// ---- curl ---------------------------------------------------------------------------------------

TEST(TlsCommandPeers, curl_downloads) {
  NEEDS("curl", "curl");
  const TemporaryFile page("HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n" + long_text());
  Server server({"-k", "--alpn", "http/1.1", "--exec",
                 "while read line && [ ${#line} -gt 1 ]; do :; done; exec cat " + page.path()});
  for (const std::string most : {"1.2", "1.3"}) {
    const Said said =
        run_other({"curl", "--silent", "--cacert", authority_file(), "--noproxy", "*", "--tls-max",
                   most, "--connect-to", "::" + server.where(), "https://server.test/"});
    EXPECT_EQ(said.status, 0);
    EXPECT_TRUE(said.output == long_text()) << said.output.size();
  }
}

// ---- socat --------------------------------------------------------------------------------------

TEST(TlsCommandPeers, socat_as_a_client) {
  NEEDS("socat", "socat");
  Server server({"-k", "--echo"});
  const Said said = run_other(
      {"socat", "-t", "30", "-",
       "OPENSSL:" + server.where() + ",commonname=server.test,cafile=" + authority_file()},
      long_text());
  EXPECT_TRUE(said.output == long_text()) << said.output.size();
}

TEST(TlsCommandPeers, socat_as_a_server) {
  NEEDS("socat", "socat");
  const std::string port = std::to_string(free_port());
  Child server({"socat", "-t", "30",
                "OPENSSL-LISTEN:" + port +
                    ",bind=127.0.0.1,reuseaddr,verify=0,cert=" + certificate() + ",key=" + key(),
                "EXEC:cat"});
  wait_until_listening(static_cast<std::uint16_t>(std::stoi(port)));
  const Said said =
      run_command(with({"connect", "tls://127.0.0.1:" + port}, trusting()), long_text());
  EXPECT_TRUE(said.output == long_text()) << said.output.size();
  EXPECT_EQ(said.status, 0) << said.errors;
}

// ---- GnuTLS -------------------------------------------------------------------------------------

constexpr std::array priorities{"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};

TEST(TlsCommandPeers, gnutls_as_a_client) {
  NEEDS("gnutls-cli", "gnutls-bin");
  Server server({"-k", "--echo", "--ca", authority_file()});
  for (const std::string priority : priorities) {
    Child client({"gnutls-cli", "--priority", priority, "--x509cafile", authority_file(),
                  "--sni-hostname", "server.test", "--verify-hostname", "server.test",
                  "--x509certfile", client_files().certificate.path(), "--x509keyfile",
                  client_files().key.path(), "-p", server.port(), "127.0.0.1"});
    client.read_until("Simple Client Mode");
    client.write("hello\n");
    client.read_until("hello\n");
    client.close_input();
    EXPECT_EQ(client.wait(), 0);
  }
}

TEST(TlsCommandPeers, gnutls_as_a_server) {
  NEEDS("gnutls-serv", "gnutls-bin");
  for (const std::string priority : priorities) {
    const std::string port = std::to_string(free_port());
    Child server({"gnutls-serv", "--priority", priority, "--echo", "--x509certfile", certificate(),
                  "--x509keyfile", key(), "-p", port});
    wait_until_listening(static_cast<std::uint16_t>(std::stoi(port)));
    Child client(ieum_command(with({"connect", "-v", "tls://127.0.0.1:" + port}, trusting())));
    client.write("hello\n");
    client.read_until("hello\n");
    const std::string told = client.read_error_until("a new session");
    EXPECT_THAT(told, HasSubstr(priority.ends_with("1.2") ? "TLSv1.2 in" : "TLSv1.3 in"));
  }
}

// ---- nginx --------------------------------------------------------------------------------------

/// It says no farewell to a client that has said its own.
TEST(TlsCommandPeers, nginx_as_a_server) {
  NEEDS_NGINX(program);
  const std::uint16_t port = free_port();
  const NginxRoot root(long_text());
  for (const std::string version : {"TLSv1.2", "TLSv1.3"}) {
    const Nginx nginx(program, nginx_tls_server(port, certificate(), key(),
                                                "ssl_protocols " + version + "; root " +
                                                    root.directory.path("") + ";"));
    wait_until_listening(port);
    const Said said = run_command(with({"connect", "-v", "--on-eof=keep", "--alpn", "http/1.1",
                                        "tls://127.0.0.1:" + std::to_string(port)},
                                       trusting()),
                                  "GET /page HTTP/1.0\r\n\r\n");
    EXPECT_EQ(said.status, 0) << said.errors;
    EXPECT_TRUE(said.output.ends_with(long_text())) << said.output.size();
    EXPECT_THAT(said.errors, HasSubstr(version + " in "));
    EXPECT_THAT(said.errors, HasSubstr("ALPN http/1.1"));
  }
}

TEST(TlsCommandPeers, nginx_as_a_client) {
  NEEDS("curl", "curl");
  NEEDS_NGINX(program);
  Server server({"-k", "-v", "--ca", authority_file(), "--exec",
                 "while read line && [ ${#line} -gt 1 ]; do :; done; "
                 "printf 'HTTP/1.0 200 OK\\r\\nConnection: close\\r\\n\\r\\nfrom behind'"});
  const std::uint16_t port = free_port();
  const std::string there = "127.0.0.1:" + std::to_string(port);
  for (const std::string version : {"TLSv1.2", "TLSv1.3"}) {
    const Nginx nginx(program,
                      "server { listen " + there + "; location / { proxy_pass https://" +
                          server.where() + "; proxy_ssl_verify on; proxy_ssl_protocols " + version +
                          "; proxy_ssl_name server.test; proxy_ssl_server_name "
                          "on; proxy_ssl_trusted_certificate " +
                          authority_file() + "; proxy_ssl_certificate " +
                          client_files().certificate.path() + "; proxy_ssl_certificate_key " +
                          client_files().key.path() + "; } }");
    wait_until_listening(port);
    for (const std::string kind : {", a new session", ", an earlier session resumed"}) {
      const Said said = run_other({"curl", "--silent", "--noproxy", "*", "http://" + there + "/"});
      EXPECT_EQ(said.output, "from behind");
      EXPECT_THAT(server->read_error_until(kind), HasSubstr(version + " in "));
    }
  }
}

// ---- Chromium -----------------------------------------------------------------------------------

/// It asks for the page, then for what the page names, over connections of their own. One of these
/// it may open beforehand, when there is no session yet that it could resume.
TEST(TlsCommandPeers, chromium_shows_a_page) {
  NEEDS("chromium", "chromium");
  constexpr std::string_view answer =
      "while read line && [ ${#line} -gt 1 ]; do :; done; "
      "printf 'HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nConnection: close\\r\\n\\r\\n"
      "<p>from ieum</p><script src=1></script><script src=2></script><script src=3></script>'";
  const std::string pin = pin_of(server_files());
  for (const std::string version : {"TLSv1.2", "TLSv1.3"}) {
    Server server({"-k", "-v", "--alpn", "http/1.1", "--exec", std::string(answer)});
    const TemporaryDirectory home;
    const Said said = run_other(
        {"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--disable-background-networking", "--user-data-dir=" + home.path("profile"),
         "--ignore-certificate-errors-spki-list=" + pin,
         "--host-resolver-rules=MAP server.test 127.0.0.1",
         version == "TLSv1.2" ? "--ssl-version-max=tls1.2" : "--ssl-version-min=tls1.3",
         "--dump-dom", "https://server.test:" + server.port() + "/"});
    EXPECT_THAT(said.output, HasSubstr("<p>from ieum</p>"));
    const std::string told = server->read_error_until(", an earlier session resumed");
    EXPECT_THAT(told, HasSubstr(version + " in "));
    EXPECT_THAT(told, HasSubstr("ALPN http/1.1, server name server.test, a new session"));
  }
}

// ---- Judges -------------------------------------------------------------------------------------

/// With a key of RSA too, whose ciphers are others.
struct Judged {
  explicit Judged(const std::string& kind)
      : files(Certificate(plan_of(kind), &authority())),
        server({"-k", "--echo"}, Input::nothing(),
               {"--cert", files.certificate.path(), "--key", files.key.path()}) {}
  static CertificatePlan plan_of(const std::string& kind) {
    CertificatePlan plan;
    plan.names = "IP:127.0.0.1,DNS:localhost";
    plan.key = kind;
    return plan;
  }
  CertificateFiles files;
  Server server;
};

TEST(TlsCommandPeers, sslscan_finds_nothing_old_or_weak) {
  if (!long_form()) GTEST_SKIP() << "it takes long: ./dev test --all";
  NEEDS("sslscan", "sslscan");
  for (const char* kind : {"P-256", "RSA-2048"}) {
    const Judged judged(kind);
    const Said said = run_other({"sslscan", "--no-colour", judged.server.where()});
    EXPECT_EQ(said.status, 0);
    for (const char* part :
         {"SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled", "TLSv1.1   disabled",
          "TLSv1.2   enabled", "TLSv1.3   enabled", "not vulnerable to heartbleed"}) {
      EXPECT_THAT(said.output, HasSubstr(part));
    }
    // Debian's knows of none itself.
    EXPECT_THAT(said.output,
                testing::ContainsRegex("Compression disabled|does not support compression"));
    for (const char* weak :
         {"CBC", "RC4", "DES", "NULL", "EXP-", "AES128-SHA", "AES256-SHA ", "ffdhe"}) {
      EXPECT_THAT(said.output, testing::Not(HasSubstr(weak))) << said.output;
    }
  }
}

TEST(TlsCommandPeers, testssl_finds_no_vulnerability) {
  if (!long_form()) GTEST_SKIP() << "it takes long: ./dev test --all";
  NEEDS("testssl", "testssl.sh");
  const Judged judged("RSA-2048");
  Child child(
      {"testssl", "--quiet", "--color", "0", "--warnings", "off", "--connect-timeout", "10",
       "--openssl-timeout", "10", "--protocols", "--std", "--vulnerable", judged.server.where()},
      Input::nothing());
  const std::string output = child.read_all(std::chrono::minutes(15));
  child.wait();
  EXPECT_THAT(output, HasSubstr("Heartbleed"));
  EXPECT_THAT(output, testing::Not(HasSubstr("NOT ok"))) << output;
  EXPECT_THAT(output, testing::Not(HasSubstr("potentially VULNERABLE"))) << output;
}

}  // namespace
}  // namespace ieum::test
