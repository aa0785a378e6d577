// `ieum bench` over TLS.
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "cli/bench_server.hpp"
#include "tls_command/tls_command.hpp"

namespace ieum::test {
namespace {

using testing::HasSubstr;

Said bench(const Words& options) {
  return run_command(with({"bench", "--warmup", "0", "-d", "150ms"}, options));
}

TEST(TlsBench, over_tls_https_and_wss) {
  for (const char* address : {"tls://127.0.0.1:0", "https://127.0.0.1:0", "wss://127.0.0.1:0"}) {
    BenchServer server(address, served());
    for (const Words& options : {Words{"-c", "2", "--depth", "3"}, Words{"--fresh"}}) {
      const Said said = bench(with(with(options, trusting()), {"--json", server.url()}));
      ASSERT_EQ(said.status, 0) << said.errors;
      const nlohmann::json result = nlohmann::json::parse(said.output);
      EXPECT_GT(result["latency"]["count"], 0) << address;
      EXPECT_EQ(result["failed"], 0) << address;
    }
  }
}

TEST(TlsBench, a_made_certificate_comes_with_the_line_that_measures) {
  BenchServer server("tls://127.0.0.1:0", {"--self-signed"});
  server.child().read_error_until("measure with: ieum ");
  std::string line = server.child().read_error_until("\n");
  if (!line.empty()) line.pop_back();
  EXPECT_THAT(line, HasSubstr("--insecure --pin sha256//"));
  Child child(shell("\"$0\" " + line + " --warmup 0 -d 300ms"), Input::nothing());
  EXPECT_EQ(child.wait(), 0) << child.error_output();
}

TEST(TlsBench, a_certificate_that_is_not_trusted) {
  BenchServer server("https://127.0.0.1:0", served());
  const Said said = bench({server.url()});
  EXPECT_EQ(said.status, 60) << said.errors;
  EXPECT_THAT(said.errors, HasSubstr("name its issuer with --ca"));
}

TEST(TlsBench, a_server_without_tls) {
  Child server(ieum_command({"bench", "--server", "tcp://127.0.0.1:0"}), Input::nothing());
  server.read_error_until("answering at tcp://");
  std::string where = server.read_error_until("\n");
  where.pop_back();
  const Said said = bench({"tls://" + where, "--insecure"});
  EXPECT_EQ(said.status, 35) << said.errors;
}

}  // namespace
}  // namespace ieum::test
