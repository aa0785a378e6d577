// Error: comparing, its sentence, its trace.
#include <ieum/error.hpp>

#include <cerrno>
#include <string>
#include <type_traits>

#include <ieum/result.hpp>

#include "support/support.hpp"

namespace ieum {
namespace {

constexpr auto address = Address::ipv4_loopback(9000);

TEST(Error, ComparesWithCodes) {
  const Error refused(std::errc::connection_refused, "connect");
  EXPECT_EQ(refused, std::errc::connection_refused);
  EXPECT_NE(refused, std::errc::timed_out);
  EXPECT_NE(refused, Errc::end_of_stream);
  EXPECT_EQ(Error(Errc::end_of_stream, "read"), Errc::end_of_stream);
  EXPECT_NE(Error(Errc::end_of_stream, "read"), std::errc::operation_not_permitted);  // both are 1
  EXPECT_EQ(Error::from_errno(ECONNRESET, "read"), std::errc::connection_reset);
  EXPECT_EQ(Error::from_errno(EAGAIN, "read"), std::errc::operation_would_block);
  const std::error_code code = Errc::limit_exceeded;
  EXPECT_EQ(code.category(), error_category());
  EXPECT_STREQ(error_category().name(), "ieum");
}

TEST(Error, IsOneSentence) {
  EXPECT_EQ(Error(std::errc::connection_refused, "connect", address).to_string(),
            "connect 127.0.0.1:9000: connection refused");
  EXPECT_EQ(Error(std::errc::connection_reset, "read").to_string(),
            "read: connection reset by peer");
  EXPECT_EQ(Error(std::errc::operation_canceled, "accept").to_string(), "accept: canceled");
  EXPECT_EQ(Error(std::errc::timed_out, "connect", address).to_string(),
            "connect 127.0.0.1:9000: timed out");
  EXPECT_EQ(Error(Errc::end_of_stream, "read").to_string(),
            "read: the peer finished sending too early");
  EXPECT_EQ(Error(Errc::limit_exceeded, "read until delimiter").to_string(),
            "read until delimiter: limit exceeded");
  EXPECT_EQ(Error(std::error_code(99, error_category()), "x").to_string(), "x: unknown error");
}

TEST(Error, AddsItsDetail) {
  const Error timed_out = Error(std::errc::timed_out, "read", address).with_detail("after 5 s");
  EXPECT_EQ(timed_out.to_string(), "read 127.0.0.1:9000: timed out after 5 s");
  const Error taken =
      Error(std::errc::address_in_use, "bind", address).with_detail("held by nginx (pid 8)");
  EXPECT_EQ(taken.to_string(),
            "bind 127.0.0.1:9000: address already in use, held by nginx (pid 8)");
  const Error other =
      Error(std::errc::invalid_argument, "parse address").with_detail("\"x\" has no port");
  EXPECT_EQ(other.to_string(), "parse address: invalid argument: \"x\" has no port");
  EXPECT_EQ(Error(std::errc::timed_out, "read").with_detail("").to_string(), "read: timed out");
}

TEST(Error, NamesWhatWasLookedUp) {
  const Error unknown = Error(Errc::name_not_found, "resolve").with_name("nosuch.example");
  EXPECT_EQ(unknown.to_string(), "resolve nosuch.example: no such name (NXDOMAIN)");
  EXPECT_EQ(unknown.name(), "nosuch.example");
  Error late = Error(std::errc::timed_out, "connect").with_name("example.com:80");
  late.set_detail("after 5 s");
  EXPECT_EQ(late.to_string(), "connect example.com:80: timed out after 5 s");
  EXPECT_EQ(Error(Errc::name_invalid, "resolve").with_name("a\nb\x7f").to_string(),
            "resolve a?b?: this can be no name");
}

TEST(Error, CutsALongName) {
  const std::string name(250, 'x');
  const Error error = Error(Errc::name_not_found, "resolve").with_name(name);
  EXPECT_EQ(error.name(), name.substr(0, Error::name_bytes_max - 3) + "…");
  EXPECT_EQ(error.with_detail(name).detail().size(),
            Error::detail_bytes_max - Error::name_bytes_max);
}

TEST(Error, CutsALongDetailBetweenCharacters) {
  const std::string ascii(200, 'x');
  EXPECT_EQ(Error(std::errc::timed_out, "a").with_detail(ascii).detail(),
            ascii.substr(0, Error::detail_bytes_max));
  std::string korean;
  for (int i = 0; i < 60; ++i) korean += "이";  // three bytes each
  const Error cut = Error(std::errc::timed_out, "a").with_detail(korean);
  EXPECT_LE(cut.detail().size(), Error::detail_bytes_max);
  EXPECT_EQ(cut.detail().size() % 3, 0U);
  EXPECT_GT(cut.detail().size(), Error::detail_bytes_max - 3);
  const std::string exact(Error::detail_bytes_max, 'y');
  EXPECT_EQ(Error(std::errc::timed_out, "a").with_detail(exact).detail(), exact);
}

TEST(Error, CutsADetailThatIsNoUtf8) {
  const std::string odd(200, '\x80');  // continuation bytes only
  EXPECT_LE(Error(std::errc::timed_out, "a").with_detail(odd).detail().size(),
            Error::detail_bytes_max);
}

TEST(Error, KeepsTheFirstAwaitsItPassed) {
  Error error(std::errc::io_error, "read");
  EXPECT_TRUE(error.trace().empty());
  for (int i = 0; i < 20; ++i) error.passed(std::source_location::current());
  ASSERT_EQ(error.trace().size(), Error::trace_max);
  const std::string text = error.to_string_with_trace();
  EXPECT_TRUE(text.starts_with("read: input/output error\n  awaited at ")) << text;
  EXPECT_NE(text.find("error_test.cpp:"), std::string::npos);
}

TEST(Error, IsATrivialValueThatFailMakes) {
  static_assert(std::is_trivially_copyable_v<Error>);
  auto function = []() -> Result<int> { return fail(std::errc::io_error, "function", address); };
  const Result<int> result = function();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().address(), address);
  EXPECT_STREQ(result.error().operation(), "function");
}

TEST(Error, stays_one_line_whatever_its_detail) {
  const Error error = Error(std::errc::invalid_argument, "parse").with_detail("a\nb\x1b[2J\x7f");
  EXPECT_EQ(error.detail(), "a?b?[2J?");
}

TEST(Error, ShowsNothingThatATerminalObeys) {
  const std::pair<std::string, std::string> cases[] = {
      {"\x1b[31m", "?[31m"},
      {"\xc2\x9b"
       "31m",
       "?31m"},                                    // CSI, a C1 control
      {"\xc2\x80\xc2\x9f\xc2\xa0", "??\xc2\xa0"},  // the first, the last, and what follows
      {"\x9b"
       "31m",
       "?31m"},            // to a terminal that knows no UTF-8
      {"\xc0\x9b", "??"},  // longer than needed
      {"\xe0\x82\x9b", "???"},
      {"\xed\xa0\x80", "???"},  // a surrogate
      {"\xf4\x90\x80\x80", "????"},
      {"a\xe2\x80\xaetxt", "a?txt"},  // from right to left
      {"a\xe2\x81\xa6"
       "b",
       "a?b"},
      {"a\xe2\x80\xa8"
       "b",
       "a?b"},             // a line's end
      {"\xec\x9d", "??"},  // cut within a character
      {"이음 é 😀", "이음 é 😀"},
  };
  for (const auto& [text, shown] : cases) {
    const Error named = Error(std::errc::timed_out, "resolve").with_name(text);
    EXPECT_EQ(named.name(), shown);
    EXPECT_EQ(named.with_detail(text).detail(), shown);
  }
  const std::string long_name(100, '\x9b');
  std::string cut(45, '?');
  cut += "…";
  EXPECT_EQ(Error(std::errc::timed_out, "resolve").with_name(long_name).name(), cut);
}

}  // namespace
}  // namespace ieum
