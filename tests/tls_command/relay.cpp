// `ieum relay` with TLS at one end or at both.
#include "tls_command/tls_command.hpp"

namespace ieum::test {
namespace {

std::string with_certificate(const std::string& address) {
  return address + "?cert=" + server_files().certificate.path() +
         "&key=" + server_files().key.path();
}

Said ask_over_tls(const std::string& where, const std::string& text) {
  return run_command(with({"connect", "tls://" + where}, trusting()), text);
}

TEST(TlsRelay, PutsTlsInFrontOfAServer) {
  Child server(ieum_command({"listen", "-k", "--echo", "127.0.0.1:0"}), Input::nothing());
  Child relay(ieum_command({"relay", "-k", with_certificate("listen:tls://127.0.0.1:0"),
                            where_it_listens(server)}),
              Input::nothing());
  const std::string where = where_it_listens(relay);
  for (int i = 0; i < 2; ++i) {
    const Said said = ask_over_tls(where, long_text());
    EXPECT_EQ(said.status, 0) << said.errors;
    EXPECT_TRUE(said.output == long_text());
  }
}

TEST(TlsRelay, SpeaksTlsForAProgramThatCannot) {
  Server server({"-k", "--echo"});
  Child relay(
      ieum_command({"relay", "listen:127.0.0.1:0", server.url() + "?ca=" + authority_file()}),
      Input::nothing());
  EXPECT_EQ(succeed(ask(where_it_listens(relay), "plain")), "plain");
  EXPECT_EQ(relay.wait(), 0) << relay.error_output();
  // Whom nobody vouches for is not relayed to.
  Child strict(ieum_command({"relay", "listen:127.0.0.1:0", server.url()}), Input::nothing());
  Child client(ieum_command({"connect", where_it_listens(strict)}), Input::nothing());
  EXPECT_NE(client.wait(), 0);  // 7 if the reset comes while it still connects, else 56
  EXPECT_EQ(strict.wait(), 60);
}

TEST(TlsRelay, BothEndsMayHaveIt) {
  Server server({"-k", "--echo"});
  Child relay(ieum_command({"relay", with_certificate("listen:tls://127.0.0.1:0"),
                            server.url() + "?ca=" + authority_file()}),
              Input::nothing());
  const Said said = ask_over_tls(where_it_listens(relay), "twice");
  EXPECT_EQ(said.output, "twice");
  EXPECT_EQ(said.status, 0) << said.errors;
  EXPECT_EQ(relay.wait(), 0) << relay.error_output();
}

}  // namespace
}  // namespace ieum::test
