// `ieum connect --proxy` with a SOCKS server of somebody else's, and as ssh's ProxyCommand.
#include <unistd.h>

#include <filesystem>

#include "cli/clients.hpp"
#include "cli/datagrams.hpp"

namespace ieum::test {
namespace {

#define NEEDS_PROGRAM(path, package) \
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "this needs " path " (Debian: " package ")"

/// Debian's microsocks, with or without a password.
struct Microsocks {
  explicit Microsocks(std::vector<std::string> options = {}) : port(free_port()) {
    options.insert(options.begin(), {"microsocks", "-i", "127.0.0.1", "-p", std::to_string(port)});
    child.emplace(options, Input::nothing());
    wait_until_listening(port);
  }
  [[nodiscard]] std::string url() const { return "socks5://" + at(port); }
  std::uint16_t port;
  std::optional<Child> child;
};

TEST(RealProxy, MicrosocksLooksUpTheNameAndPassesAllOn) {
  NEEDS_PROGRAM("/usr/bin/microsocks", "microsocks");
  const Microsocks proxy;
  Child server(ieum_command({"listen", "--echo", "127.0.0.1:0"}), Input::nothing());
  const std::string port = port_of(where_it_listens(server));
  Child client(ieum_command({"connect", "-v", "--proxy", proxy.url(), "localhost:" + port}));
  client.write("by a proxy\n");
  // It takes the end of one side for the end of both: hear the answer first.
  EXPECT_EQ(client.read_until("by a proxy\n"), "by a proxy\n");
  client.close_input();
  EXPECT_EQ(client.wait(), 0);
  EXPECT_TRUE(client.error_output().contains(proxy.url() + " has connected to localhost:" + port));
}

TEST(RealProxy, MicrosocksWantsItsPassword) {
  NEEDS_PROGRAM("/usr/bin/microsocks", "microsocks");
  const Microsocks proxy({"-u", "me", "-P", "secret"});
  const TemporaryFile right("me:secret\n");
  const TemporaryFile wrong("me:guess\n");
  Child server(ieum_command({"listen", "-k", "--echo", "127.0.0.1:0"}), Input::nothing());
  const std::string address = where_it_listens(server);
  Child client(
      ieum_command({"connect", "--proxy", proxy.url(), "--proxy-auth", right.path(), address}));
  client.write("let in\n");
  EXPECT_EQ(client.read_until("let in\n"), "let in\n");
  client.close_input();
  EXPECT_EQ(client.wait(), 0);
  Child refused(
      ieum_command({"connect", "--proxy", proxy.url(), "--proxy-auth", wrong.path(), address}),
      Input::nothing());
  EXPECT_NE(refused.wait(), 0);
}

/// An sshd of this test's own, for one connection of this user with a key.
struct Sshd {
  Sshd() : port(free_port()) {
    const std::string host_key = folder.path("host");
    const std::string user_key = folder.path("user");
    for (const std::string& key : {host_key, user_key}) {
      Child make({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key}, Input::nothing());
      EXPECT_EQ(make.wait(), 0);
    }
    std::filesystem::copy_file(user_key + ".pub", folder.path("authorized"));
    if (::getuid() == 0) std::filesystem::create_directories("/run/sshd");
    child.emplace(std::vector<std::string>{"/usr/sbin/sshd",
                                           "-D",
                                           "-e",
                                           "-f",
                                           "/dev/null",
                                           "-h",
                                           host_key,
                                           "-p",
                                           std::to_string(port),
                                           "-o",
                                           "ListenAddress=127.0.0.1",
                                           "-o",
                                           "StrictModes=no",
                                           "-o",
                                           "AuthorizedKeysFile=" + folder.path("authorized"),
                                           "-o",
                                           "PidFile=none",
                                           "-o",
                                           "UsePAM=no",
                                           "-o",
                                           "PasswordAuthentication=no"},
                  Input::nothing());
    wait_until_listening(port);
  }
  /// ssh to it by `proxy_command`, to run `command`.
  [[nodiscard]] std::vector<std::string> ssh(const std::string& proxy_command,
                                             const std::string& command) const {
    return {"ssh",
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "UserKnownHostsFile=/dev/null",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "LogLevel=ERROR",
            "-i",
            folder.path("user"),
            "-p",
            std::to_string(port),
            "-o",
            "ProxyCommand=" + proxy_command,
            "127.0.0.1",
            command};
  }
  TemporaryDirectory folder;
  std::uint16_t port;
  std::optional<Child> child;
};

TEST(RealProxy, SshGoesThroughUsAsItsProxyCommand) {
  NEEDS_PROGRAM("/usr/sbin/sshd", "openssh-server");
  NEEDS_PROGRAM("/usr/bin/ssh", "openssh-client");
  NEEDS_PROGRAM("/usr/bin/microsocks", "microsocks");
  const Sshd server;
  const Microsocks proxy;
  const std::string by_us =
      std::string(IEUM_COMMAND) + " connect --proxy " + proxy.url() + " %h:%p";
  Child ssh(server.ssh(by_us, "head -c 3000000 /dev/zero; cat; exit 5"));
  ssh.write("and back\n");
  ssh.close_input();
  const std::string output = ssh.read_all();
  EXPECT_EQ(output.size(), 3'000'009U);
  EXPECT_TRUE(output.ends_with("and back\n"));
  EXPECT_EQ(ssh.wait(), 5) << ssh.error_output();
  // A relay does as well: standard input and output are one of its ends.
  Child relayed(server.ssh(std::string(IEUM_COMMAND) + " relay - '%h:%p?proxy=" + proxy.url() + "'",
                           "echo relayed"),
                Input::nothing());
  EXPECT_EQ(relayed.read_all(), "relayed\n");
  EXPECT_EQ(relayed.wait(), 0) << relayed.error_output();
}

}  // namespace
}  // namespace ieum::test
