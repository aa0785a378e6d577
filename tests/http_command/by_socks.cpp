// `ieum get` through a SOCKS proxy of somebody else's.
#include "http_command/http_command.hpp"

namespace ieum::test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Debian's microsocks, with or without a password.
class Microsocks {
 public:
  explicit Microsocks(const Words& options = {})
      : port_(free_port()),
        child_(with({"microsocks", "-i", "127.0.0.1", "-p", std::to_string(port_)}, options),
               Input::nothing()) {
    wait_until_listening(port_);
  }
  [[nodiscard]] std::string url() const { return "socks5://" + at(port_); }

 private:
  std::uint16_t port_;
  Child child_;
};

class HttpCommandBySocks : public testing::Test {
 protected:
  void SetUp() override {
    NEEDS("microsocks", "microsocks");
    write_file(files_.path("f"), "a file\n");
    write_file(files_.path("g"), "another\n");
  }
  TemporaryDirectory files_;
};

TEST_F(HttpCommandBySocks, all_urls_of_a_host_by_one_connection) {
  const Served server(files_.path(""), {"-q"});
  const Microsocks proxy;
  const Said said = run_command({"get", "-v", "--proxy", proxy.url(), server.url() + "/f",
                                 server.url() + "/g", server.url() + "/none"});
  EXPECT_EQ(said.status, 22) << said.errors;
  EXPECT_THAT(said.output, HasSubstr("a file\nanother\n"));
  const std::string connected = proxy.url() + " has connected to " + server.url();
  EXPECT_THAT(said.errors, HasSubstr(connected));
  EXPECT_EQ(said.errors.find(connected), said.errors.rfind(connected));
}

TEST_F(HttpCommandBySocks, tls_and_a_known_host) {
  const Served server(files_.path(""), with({"-q", "--host", "server.test"}, served()));
  const Microsocks proxy;
  const std::string where = "server.test:" + server.port();
  const Said said = run_command(with(
      {"get", "--proxy", proxy.url(), "--resolve", where + ":127.0.0.1", "https://" + where + "/f"},
      trusting()));
  EXPECT_EQ(said.output, "a file\n") << said.errors;
}

TEST_F(HttpCommandBySocks, a_password) {
  const Served server(files_.path(""), {"-q"});
  const Microsocks proxy({"-u", "me", "-P", "secret"});
  const TemporaryFile right("me:secret\n");
  const TemporaryFile wrong("me:guess\n");
  const Words words = {"get", "--proxy", proxy.url(), server.url() + "/f"};
  EXPECT_EQ(run_command(with(words, {"--proxy-auth", right.path()})).output, "a file\n");
  Said said = run_command(with(words, {"--proxy-auth", wrong.path()}));
  EXPECT_EQ(said.status, 7);
  EXPECT_THAT(said.errors, HasSubstr("/f: the proxy " + proxy.url()));
  EXPECT_THAT(said.errors, Not(HasSubstr("guess")));
  said = run_command(words);
  EXPECT_EQ(said.status, 7);
  EXPECT_THAT(said.errors, HasSubstr("wants a user and a password: see --proxy-auth"));
}

TEST_F(HttpCommandBySocks, what_the_proxy_refuses) {
  const Microsocks proxy;
  const std::string url = "http://" + at(free_port()) + "/f";
  const Said said = run_command({"get", "--proxy", proxy.url(), url});
  EXPECT_EQ(said.status, 7);
  EXPECT_THAT(said.errors, HasSubstr(url + ": the proxy " + proxy.url() + " was refused"));
  // One that is none.
  Child other(ieum_command({"listen", "--exec", "echo 'SSH-2.0'; cat >&2", "127.0.0.1:0"}),
              Input::nothing());
  const std::string none = "socks5://" + where_it_listens(other);
  EXPECT_THAT(run_command({"get", "--proxy", none, url}).errors,
              HasSubstr("does not speak SOCKS5"));
}

}  // namespace
}  // namespace ieum::test
