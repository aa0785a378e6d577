// `ieum connect --proxy`: SOCKS5 and HTTP's CONNECT, with and without credentials. The proxy is
// this test, which speaks for the target too.
#include <fstream>
#include <functional>

#include "cli/clients.hpp"

namespace ieum::test {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Task<std::string> hear(StreamSocket& peer, std::size_t count) {
  std::vector<std::byte> buffer(count);
  co_await peer.read_exact(buffer);
  co_return text_of(buffer);
}

Task<std::string> hear_head(StreamSocket& peer) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const std::string next = co_await hear(peer, 1);
    head += next;
  }
  co_return head;
}

using Play = Task<> (*)(StreamSocket& client);

Task<> serve_once(Listener& listener, Play play) {
  StreamSocket client = co_await listener.accept();
  co_await play(client);
  co_await client.close();
}

struct Outcome {
  int status = 0;
  std::string output;
  std::string errors;
};

/// Runs `ieum connect` with `options` through a proxy of `scheme` that plays `play`.
Outcome through(const std::string& scheme, Play play, std::vector<std::string> options,
                const std::string& before = "exec") {
  Outcome outcome;
  auto body = [&]() -> Task<> {
    Listener listener = co_await Listener::bind("127.0.0.1:0");
    std::vector<std::string> words{scheme + listener.address().to_string()};
    words.insert(words.end(), options.begin(), options.end());
    Child child(shell(before + " \"$0\" connect --proxy \"$@\"", words));
    child.write("question\n");
    child.close_input();
    co_await serve_once(listener, play);
    outcome = {child.wait(), child.read_all(), child.error_output()};
  };
  succeed(body());
  return outcome;
}

Task<> talk(StreamSocket& client) {
  const std::string question = co_await hear(client, 9);
  EXPECT_EQ(question, "question\n");
  co_await client.write_all("answer\n");
  co_await client.shutdown_write();
  const std::string rest = co_await read_to_end(client);
  EXPECT_EQ(rest, "");
}

// ---- SOCKS5 -------------------------------------------------------------------------------------

Task<> socks_without_credentials(StreamSocket& client) {
  const std::string greeting = co_await hear(client, 3);
  EXPECT_EQ(greeting, std::string("\x05\x01\x00", 3));
  co_await client.write_all(std::string_view("\x05\x00", 2));
  // The name is the proxy's to look up.
  const std::string request = co_await hear(client, 4 + 1 + 11 + 2);
  EXPECT_EQ(request, std::string("\x05\x01\x00\x03\x0bhost.nosuch\x1f\x90", 18));
  co_await client.write_all(std::string_view("\x05\x00\x00\x03\x04here\x00\x01", 11));
  co_await talk(client);
}

Task<> socks_with_credentials(StreamSocket& client) {
  const std::string greeting = co_await hear(client, 4);
  EXPECT_EQ(greeting, std::string("\x05\x02\x00\x02", 4));
  co_await client.write_all(std::string_view("\x05\x02", 2));
  const std::string credentials = co_await hear(client, 3 + 4 + 6);
  EXPECT_EQ(credentials, std::string("\x01\x04user\x06se:ret", 13));
  co_await client.write_all(std::string_view("\x01\x00", 2));
  const std::string request = co_await hear(client, 10);
  EXPECT_EQ(request, std::string("\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50", 10));
  // What the peer says at once comes with the reply.
  co_await client.write_all(std::string_view("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10));
  co_await talk(client);
}

Task<> socks_to_ipv6(StreamSocket& client) {
  co_await hear(client, 3);
  co_await client.write_all(std::string_view("\x05\x00", 2));
  const std::string request = co_await hear(client, 4 + 16 + 2);
  EXPECT_EQ(request.substr(0, 4), std::string("\x05\x01\x00\x04", 4));
  EXPECT_EQ(request.substr(19), std::string("\x01\x00\x50", 3));
  const std::string from(16, '\0');
  co_await client.write_all(std::string("\x05\x00\x00\x04", 4) + from + std::string("\x00\x00", 2));
  co_await talk(client);
}

Task<> socks_refuses(StreamSocket& client) {
  co_await hear(client, 3);
  co_await client.write_all(std::string_view("\x05\x00", 2));
  co_await hear(client, 10);
  co_await client.write_all(std::string_view("\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", 10));
}

Task<> socks_wants_credentials(StreamSocket& client) {
  co_await hear(client, 3);
  co_await client.write_all(std::string_view("\x05\xff", 2));
}

Task<> socks_rejects_credentials(StreamSocket& client) {
  co_await hear(client, 4);
  co_await client.write_all(std::string_view("\x05\x02", 2));
  co_await hear(client, 13);
  co_await client.write_all(std::string_view("\x01\x01", 2));
}

Task<> says_nothing_more(StreamSocket& client) { co_await hear(client, 3); }

TEST(Proxy, SocksLooksUpTheName) {
  const Outcome outcome = through("socks5://", socks_without_credentials, {"host.nosuch:8080"});
  EXPECT_EQ(outcome.output, "answer\n");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
}

TEST(Proxy, SocksIsToldCredentialsFromAFile) {
  const TemporaryFile file("user:se:ret\n");
  const Outcome outcome =
      through("socks5://", socks_with_credentials, {"--proxy-auth", file.path(), "192.0.2.1:80"});
  EXPECT_EQ(outcome.output, "answer\n");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
}

TEST(Proxy, SocksTakesIpv6) {
  const Outcome outcome = through("socks5://", socks_to_ipv6, {"-v", "[2001:db8::1]:80"});
  EXPECT_EQ(outcome.output, "answer\n");
  EXPECT_TRUE(outcome.errors.contains("has connected to [2001:db8::1]:80")) << outcome.errors;
}

TEST(Proxy, RefusalsOfSocksAreSentences) {
  Outcome outcome = through("socks5://", socks_refuses, {"192.0.2.1:80"});
  EXPECT_EQ(outcome.status, 7);
  EXPECT_TRUE(outcome.errors.ends_with(" was refused: nothing listens there\n")) << outcome.errors;
  outcome = through("socks5://", socks_wants_credentials, {"192.0.2.1:80"});
  EXPECT_EQ(outcome.status, 7);
  EXPECT_TRUE(outcome.errors.ends_with(" wants a user and a password: see --proxy-auth\n"))
      << outcome.errors;
  outcome = through("socks5://", socks_rejects_credentials, {"192.0.2.1:80"},
                    "IEUM_PROXY_AUTH=user:se:ret exec");
  EXPECT_EQ(outcome.status, 7);
  EXPECT_TRUE(outcome.errors.ends_with(" does not accept this user and password\n"))
      << outcome.errors;
  EXPECT_FALSE(outcome.errors.contains("se:ret"));
  outcome = through("socks5://", says_nothing_more, {"192.0.2.1:80"});
  EXPECT_EQ(outcome.status, 7);
  EXPECT_TRUE(outcome.errors.contains(" closed the connection")) << outcome.errors;
}

Task<> waits(StreamSocket& client) {
  const std::string all = co_await read_to_end(client);
  EXPECT_EQ(all.size(), 3U);
}

TEST(Proxy, TheWaitIsForTheProxysAnswerToo) {
  const Outcome outcome = through("socks5://", waits, {"-w", "300ms", "192.0.2.1:80"});
  EXPECT_EQ(outcome.status, 28);
  EXPECT_TRUE(outcome.errors.contains("no answer within 300 ms (-w)")) << outcome.errors;
}

// ---- HTTP ---------------------------------------------------------------------------------------

Task<> http_connects(StreamSocket& client) {
  const std::string head = co_await hear_head(client);
  EXPECT_EQ(head,
            "CONNECT host.nosuch:8080 HTTP/1.1\r\nHost: host.nosuch:8080\r\n"
            "Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n");
  // The peer speaks first, within the same packet.
  co_await client.write_all("HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\nwelcome\n");
  co_await talk(client);
}

Task<> http_forbids(StreamSocket& client) {
  co_await hear_head(client);
  co_await client.write_all(
      "HTTP/1.1 403 For\x1b"
      "bidden\r\nContent-Length: 0\r\n\r\n");
}

Task<> http_wants_credentials(StreamSocket& client) {
  co_await hear_head(client);
  co_await client.write_all("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
}

Task<> http_never_ends(StreamSocket& client) {
  co_await hear_head(client);
  const std::string much = "HTTP/1.1 200 OK\r\n" + std::string(20'000, 'x');
  const Result<> sent = co_await attempt(client.write_all(much));
  static_cast<void>(sent);
  const Result<std::string> rest = co_await attempt(read_to_end(client));
  static_cast<void>(rest);
}

TEST(Proxy, HttpConnects) {
  const Outcome outcome =
      through("http://", http_connects, {"host.nosuch:8080"}, "IEUM_PROXY_AUTH=user:secret exec");
  EXPECT_EQ(outcome.output, "welcome\nanswer\n");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
}

TEST(Proxy, RefusalsOfHttpAreSentences) {
  Outcome outcome = through("http://", http_forbids, {"192.0.2.1:80"});
  EXPECT_EQ(outcome.status, 7);
  EXPECT_TRUE(outcome.errors.contains(" answered '403 For")) << outcome.errors;
  EXPECT_FALSE(outcome.errors.contains('\x1b')) << outcome.errors;
  outcome = through("http://", http_wants_credentials, {"192.0.2.1:80"});
  EXPECT_EQ(outcome.status, 7);
  EXPECT_TRUE(outcome.errors.ends_with(" wants a user and a password: see --proxy-auth\n"));
  outcome = through("http://", http_never_ends, {"192.0.2.1:80"});
  EXPECT_EQ(outcome.status, 7);
  EXPECT_TRUE(outcome.errors.ends_with(" says too much\n")) << outcome.errors;
}

TEST(Proxy, WorksWithThatOfNcat) {
  if (!has_program("ncat")) GTEST_SKIP() << "ncat is not installed";
  const std::uint16_t port = free_port();
  Child proxy({"ncat", "-l", "-k", "127.0.0.1", std::to_string(port), "--proxy-type", "http",
               "--proxy-auth", "user:secret"});
  wait_until_listening(port);
  Child server(ieum_command({"listen", "-k", "--echo", "127.0.0.1:0"}));
  Child client(shell("IEUM_PROXY_AUTH=user:secret exec \"$0\" connect --proxy http://$1 $2",
                     {at(port), where_it_listens(server)}));
  client.write("text\n");  // ncat ends both ways at the end of one
  EXPECT_EQ(client.read_until("\n"), "text\n");
  client.close_input();
  EXPECT_EQ(client.wait(), 0) << client.error_output();
}

TEST(Proxy, IsAProxyCommandOfSsh) {
  if (!has_program("ncat") || !has_program("ssh")) GTEST_SKIP() << "ncat or ssh is not installed";
  const std::uint16_t port = free_port();
  Child proxy({"ncat", "-l", "-k", "127.0.0.1", std::to_string(port), "--proxy-type", "http"});
  wait_until_listening(port);
  Child server(ieum_command(
      {"listen", "-k", "--exec", "printf 'SSH-2.0-of_this_test\\r\\n'; sleep 1", "127.0.0.1:0"}));
  const std::string command = IEUM_COMMAND " connect --proxy http://" + at(port) + " %h:%p";
  Child ssh({"ssh", "-v", "-F", "none", "-o", "BatchMode=yes", "-o", "ProxyCommand=" + command,
             "-p", port_of(where_it_listens(server)), "127.0.0.1"},
            Input::nothing());
  EXPECT_EQ(ssh.wait(), 255);  // it is no server of its kind
  EXPECT_TRUE(ssh.error_output().contains("remote software version of_this_test"))
      << ssh.error_output();
}

TEST(Proxy, WhatIsWrongWithItIsSaidBeforeConnecting) {
  const auto refused = [](std::vector<std::string> words, int status) {
    words.insert(words.begin(), "connect");
    Child child(ieum_command(words));
    EXPECT_EQ(child.wait(), status);
    return child.error_output();
  };
  EXPECT_TRUE(refused({"--proxy", "ftp://h:1", "h:1"}, 2).contains("write socks5://HOST:PORT"));
  EXPECT_TRUE(refused({"--proxy", "http://h", "h:1"}, 2).contains("has no HOST:PORT"));
  const std::string secret = refused({"--proxy", "http://me:hidden@h:1", "h:1"}, 2);
  EXPECT_TRUE(secret.contains("--proxy-auth")) << secret;
  EXPECT_FALSE(secret.contains("hidden")) << secret;
  EXPECT_TRUE(refused({"--proxy", "http://h:1", "udp://h:1"}, 2).contains("for TCP addresses"));
  EXPECT_TRUE(refused({"--proxy-auth", "f", "h:1"}, 2).contains("requires --proxy"));
  EXPECT_TRUE(refused({"--proxy", "http://h:1", "--proxy-auth", "/nosuch", "h:1"}, 1)
                  .contains("its first line is to be USER:PASSWORD"));
  const TemporaryFile empty("\n");
  EXPECT_TRUE(refused({"--proxy", "http://h:1", "--proxy-auth", empty.path(), "h:1"}, 2)
                  .contains("holds no USER:PASSWORD"));
}

}  // namespace
}  // namespace ieum::test
