#include <gtest/gtest.h>

#include <ieum/address.hpp>

#include "bench/bench.hpp"
#include "bench/greeting.hpp"
#include "options/parse_options.hpp"

namespace ieum::cli {
namespace {

Parsed<BenchCommand> parse(const std::vector<std::string>& words) {
  return parse_bench(parse_options(bench_options(), words), Environment{});
}
std::string error_of(const std::vector<std::string>& words) {
  const auto command = parse(words);
  return command ? "" : command.error();
}

TEST(BenchCommand, knows_what_to_send_by_the_address) {
  const auto bytes = parse({"localhost:9000"});
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->target.protocol, Protocol::bytes);
  EXPECT_EQ(bytes->target.message.size(), 64U);
  EXPECT_EQ(bytes->target.answer_bytes, 64U);
  EXPECT_EQ(bytes->target.greeting, "");
  const auto get = parse({"http://Example.com/a?b=c"});
  ASSERT_TRUE(get);
  EXPECT_EQ(get->target.message,
            "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: ieum-bench\r\n\r\n");
  EXPECT_EQ(get->common.endpoint.target, "example.com:80");
  const auto post = parse({"http://[::1]:81/", "--size", "3", "--fresh", "-H", "A: b"});
  ASSERT_TRUE(post);
  EXPECT_EQ(post->target.message,
            "POST / HTTP/1.1\r\nHost: [::1]:81\r\nUser-Agent: ieum-bench\r\nA: b\r\n"
            "Connection: close\r\nContent-Length: 3\r\n\r\nxxx");
  const auto head = parse({"http://h/", "-X", "HEAD", "-H", "Host: other"});
  ASSERT_TRUE(head);
  EXPECT_TRUE(head->target.head_only);
  EXPECT_EQ(head->target.message,
            "HEAD / HTTP/1.1\r\nUser-Agent: ieum-bench\r\nHost: other\r\n\r\n");
  EXPECT_EQ(parse({"unix:/tmp/x"})->target.protocol, Protocol::bytes);
  EXPECT_EQ(parse({"udp://h:9"})->target.protocol, Protocol::datagrams);
}

TEST(BenchCommand, tells_the_other_end_how_to_answer) {
  EXPECT_EQ(parse({"h:9", "--size", "10", "--answer", "1k"})->target.greeting,
            "IEUM-BENCH 1 answer 10 with 1024\n");
  EXPECT_TRUE(parse({"http://h/?a=b", "--answer", "1k"})
                  ->target.message.starts_with("GET /?a=b&answer=1024 HTTP"));
  const auto greeting = Greeting::parse("IEUM-BENCH 1 answer 10 with 1024");
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->message_bytes, 10U);
  EXPECT_EQ(greeting->answer_bytes, 1024U);
  for (const char* wrong :
       {"", "IEUM-BENCH 1 ", "IEUM-BENCH 1 answer 0 with 1",
        "IEUM-BENCH 1 answer 1 with 99999999999", "IEUM-BENCH 1 answer 1 with 1x",
        "IEUM-BENCH 2 answer 1 with 1", "IEUM-BENCH 1 answer 1 with 18446744073709551617"}) {
    EXPECT_FALSE(Greeting::parse(wrong)) << wrong;
  }
}

TEST(BenchCommand, reads_the_load) {
  const auto command = parse({"h:9", "-c", "64", "-r", "500", "--depth", "7", "-d", "2m",
                              "--warmup", "0", "--timeout", "300ms", "--json"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->load.connections, 64U);
  EXPECT_EQ(command->load.rate, 500U);
  EXPECT_EQ(command->load.depth, 7U);
  EXPECT_EQ(command->load.duration, std::chrono::minutes(2));
  EXPECT_EQ(command->load.warmup, Duration::zero());
  EXPECT_EQ(command->load.timeout, std::chrono::milliseconds(300));
  EXPECT_TRUE(command->json);
}

TEST(BenchCommand, a_server_may_listen_on_all_addresses) {
  const auto server = parse({"--server", "http://:8080"});
  ASSERT_TRUE(server);
  EXPECT_EQ(server->common.endpoint.target, "*:8080");
  EXPECT_EQ(parse({"http://:8080"})->common.endpoint.target, "localhost:8080");
  EXPECT_EQ(parse({"--server", "ws://*:81/x"})->common.endpoint.target, "*:81");
  EXPECT_EQ(parse({"--server", ":9"})->common.endpoint.target, "*:9");
}

TEST(BenchCommand, refuses_with_a_sentence) {
  EXPECT_EQ(error_of({}), "an address is missing, as in 'ieum bench http://localhost:8000/'");
  EXPECT_EQ(error_of({"--server"}),
            "an address is missing, as in 'ieum bench --server tcp://:9000'");
  EXPECT_EQ(error_of({"h:9", "-c", "0"}), "--connections takes a number from 1 to 60000, not '0'");
  EXPECT_EQ(error_of({"h:9", "-d", "1ms"}), "--duration must be at least 100 ms");
  EXPECT_EQ(error_of({"udp://h:9", "--size", "7"}),
            "--size of datagrams is from 8, their number, to 65507");
  EXPECT_EQ(error_of({"h:9", "-X", "GET"}), "--method is for http:// and https://");
  EXPECT_EQ(error_of({"http://h/", "-X", "g t"}),
            "--method takes a method of HTTP, as GET, not 'g t'");
  EXPECT_EQ(error_of({"http://h/", "-H", "x"}), "--header takes 'NAME: VALUE', not 'x'");
  EXPECT_EQ(error_of({"h:9", "--size", "0"}),
            "--size takes a number of bytes from 1 to 16 MiB, as 64 or 16k, not '0'");
  EXPECT_EQ(error_of({"--server", "h:9", "--rate", "5"}),
            "--rate is for the end that measures, not for --server");
  EXPECT_EQ(error_of({"h:9", "--fresh", "--depth", "5"}),
            "--depth has no effect with --fresh, whose connections carry a message each");
  EXPECT_EQ(error_of({"udp://h:9", "--fresh"}), "--fresh is for connections, which udp:// has not");
  EXPECT_EQ(error_of({"unix-dgram:/x"}),
            "'unix-dgram:/x' cannot be measured; it takes tcp://, tls://, unix:, udp://, http://, "
            "https://, ws:// and wss://");
  EXPECT_TRUE(error_of({"http://"}).starts_with("'http://'")) << error_of({"http://"});
}

}  // namespace
}  // namespace ieum::cli
